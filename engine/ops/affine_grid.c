/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/affine_grid.c - sampling positions of an affine map in 2-D or 3-D; ONNX
 * AffineGrid-20. */
#include "engine/index.h"
#include "engine/op.h"

typedef struct grid_params {
    int64_t align_corners;
} grid_params;

static quern_status grid_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *theta = x->in[0];
    qn_tensor *y = x->out[0];
    int64_t size[5], n;
    QN_TRY(qn_infer_need(x, 1));
    QN_TRY(qn_read_ints(x->in[1], "size", 5, size, &n, err));
    int64_t d = n - 2;
    if (n < 4 || theta->rank != 3 || theta->dim[0] != size[0] || theta->dim[1] != d ||
        theta->dim[2] != d + 1)
        return qn_fail(err, QUERN_SHAPE, "theta %s for a size of %lld numbers",
                       QN_SHAPE(theta), (long long)n);
    y->rank = (int)n;
    y->dim[0] = size[0];
    for (int64_t k = 0; k < d; k++) {
        if (size[k + 2] < 0)
            return qn_fail(err, QUERN_SHAPE, "size[%lld] is %lld", (long long)k + 2,
                           (long long)size[k + 2]);
        y->dim[k + 1] = size[k + 2];
    }
    y->dim[n - 1] = d;
    return QUERN_OK;
}

/* Position k of n between -1 and 1. */
static double coordinate(int64_t k, int64_t n, bool align)
{
    if (align) return n > 1 ? -1 + 2 * (double)k / (double)(n - 1) : 0;
    return (2 * (double)k + 1) / (double)n - 1;
}

static quern_status grid_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const grid_params *p = i->params;
    const qn_tensor *theta = i->in[0];
    qn_tensor *y = i->out[0];
    int d = y->rank - 2;
    int64_t points = qn_dims_count(y, 1, d + 1), to = 0;
    for (int64_t b = 0; b < y->dim[0]; b++)
        for (int64_t k = 0; k < points; k++) {
            double at[3] = {0}; /* x, y and z */
            int64_t rest = k;
            for (int c = 0; c < d; c++) {
                int64_t n = y->dim[d - c];
                at[c] = coordinate(rest % n, n, p->align_corners != 0);
                rest /= n;
            }
            for (int r = 0; r < d; r++) {
                int64_t row = (b * d + r) * (d + 1);
                double sum = qn_get_real(theta, row + d);
                for (int c = 0; c < d; c++)
                    sum += qn_get_real(theta, row + c) * at[c];
                qn_set_real(y, to++, sum);
            }
        }
    return QUERN_OK;
}

static const qn_attr grid_attrs[] = {
    QN_INT(grid_params, align_corners, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_affine_grid = {
    .name = "AffineGrid",
    .since = 20,
    .first = 20,
    .min_in = 2,
    .max_in = 2,
    .attrs = grid_attrs,
    .params_size = sizeof(grid_params),
    .types = {QN_T_FLOATS, QN_T_I64},
    .infer = grid_infer,
    .run = grid_run,
};
