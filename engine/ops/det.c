/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/det.c - determinants of square matrices by elimination with row pivots, in
 * double; ONNX Det-22. */
#include "engine/op.h"

#include <math.h>

static quern_status det_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0];
    if (in->rank < 2 || in->dim[in->rank - 1] != in->dim[in->rank - 2])
        return qn_fail(err, QUERN_SHAPE, "input %s is not square", QN_SHAPE(in));
    qn_copy_shape(x->out[0], in);
    x->out[0]->rank -= 2;
    return QUERN_OK;
}

static quern_status det_prepare(qn_prep *p, quern_error *err)
{
    const qn_tensor *in = p->instr->in[0];
    size_t n = (size_t)in->dim[in->rank - 1], bytes;
    if (!qn_size_mul(n, n, &bytes) || !qn_size_mul(bytes, sizeof(double), &bytes))
        return qn_fail(err, QUERN_LIMIT, "input %s is too large", QN_SHAPE(in));
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

static void swap_rows(double *a, double *b, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        double t = a[k];
        a[k] = b[k];
        b[k] = t;
    }
}

/* The determinant of a [n,n], which is overwritten. */
static double determinant(double *a, int64_t n)
{
    double det = 1;
    for (int64_t c = 0; c < n; c++) {
        int64_t pivot = c;
        for (int64_t r = c + 1; r < n; r++)
            if (fabs(a[r * n + c]) > fabs(a[pivot * n + c])) pivot = r;
        if (pivot != c) {
            swap_rows(a + c * n, a + pivot * n, n);
            det = -det;
        }
        det *= a[c * n + c];
        if (a[c * n + c] == 0) return 0;
        for (int64_t r = c + 1; r < n; r++) {
            double f = a[r * n + c] / a[c * n + c];
            for (int64_t k = c; k < n; k++)
                a[r * n + k] -= f * a[c * n + k];
        }
    }
    return det;
}

static quern_status det_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const qn_tensor *in = i->in[0];
    int64_t n = in->dim[in->rank - 1], count = qn_tensor_count(i->out[0]);
    double *a = i->scratch;
    for (int64_t m = 0; m < count; m++) {
        for (int64_t k = 0; k < n * n; k++)
            a[k] = qn_get_real(in, m * n * n + k);
        qn_set_real(i->out[0], m, determinant(a, n));
    }
    return QUERN_OK;
}

const qn_op qn_op_det = {
    .name = "Det",
    .since = 22,
    .first = 11,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .types = {QN_T_FLOATS},
    .infer = det_infer,
    .prepare = det_prepare,
    .run = det_run,
};
