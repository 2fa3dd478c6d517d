/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_stats.c - what the batch normalisations share. */
#include "engine/ops/batch_stats.h"

#include <math.h>

qn_channels qn_channels_of(const qn_tensor *x)
{
    return (qn_channels){.n = x->rank > 0 ? x->dim[0] : 1,
                         .c = x->rank > 1 ? x->dim[1] : 1,
                         .len = x->rank > 2 ? qn_dims_count(x, 2, x->rank) : 1};
}

quern_status qn_channels_check(const qn_infer *x, const qn_tensor *data, int from,
                               int to, quern_error *err)
{
    int64_t channels = qn_channels_of(data).c;
    for (int i = from; i < to && i < x->n_in; i++)
        if (x->in[i] && qn_tensor_count(x->in[i]) != channels)
            return qn_fail(err, QUERN_SHAPE, "X is %s but input %d is %s",
                           QN_SHAPE(data), i, QN_SHAPE(x->in[i]));
    return QUERN_OK;
}

/* Planes are joined as Chan, Golub and LeVeque do (1983): no difference of large sums.
 */
qn_moments qn_channel_moments(const qn_tensor *x, int64_t c)
{
    qn_channels s = qn_channels_of(x);
    double mean = 0, squares = 0;
    if (s.n == 0 || s.len == 0) return (qn_moments){NAN, NAN};
    for (int64_t n = 0; n < s.n; n++) {
        int64_t at = (n * s.c + c) * s.len;
        qn_moments m = x->dtype == QUERN_DOUBLE
                           ? qn_moments_f64((const double *)x->data + at, s.len)
                           : qn_moments_f32((const float *)x->data + at, s.len);
        double off = m.mean - mean;
        mean += off / (double)(n + 1);
        squares += m.variance + off * off * (double)n / (double)(n + 1);
    }
    return (qn_moments){mean, squares / (double)s.n};
}
