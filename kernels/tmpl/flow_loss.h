/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/flow_loss.h - the loss of flows and cell probability for one element
 * type (SUF); sums in double. */
#include "kernels/numeric.h"

#define T QN_OF(t)

double QN_OF(flow_loss)(int64_t pixels, const T *x, const T *target)
{
    double square = 0, cross = 0;
    for (int64_t i = 0; i < 2 * pixels; i++) {
        const double e = (double)x[i] - QN_UNIT_FLOW * (double)target[i];
        square += e * e;
    }
    for (int64_t i = 2 * pixels; i < 3 * pixels; i++) {
        const double z = (double)x[i]; /* log(1 + e^z) - z t, without overflow */
        cross += (z > 0 ? z : 0) - z * (double)target[i] + log1p(exp(-fabs(z)));
    }
    return pixels > 0 ? (square / 4 + cross) / (double)pixels : 0;
}

void QN_OF(flow_loss_grad)(int64_t pixels, double scale, const T *x, const T *target,
                           T *d)
{
    const double one = scale / (double)pixels;
    for (int64_t i = 0; i < 2 * pixels; i++)
        d[i] = (T)(one / 2 * ((double)x[i] - QN_UNIT_FLOW * (double)target[i]));
    for (int64_t i = 2 * pixels; i < 3 * pixels; i++)
        d[i] = (T)(one * (1 / (1 + exp(-(double)x[i])) - (double)target[i]));
}
#undef T
#undef SUF
