/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/trilu.c - upper or lower triangle of matrices, zero elsewhere; ONNX
 * Trilu-14. */
#include "engine/ops/grads.h"
#include "engine/index.h"
#include "engine/op.h"

#include <string.h>

typedef struct trilu_params {
    int64_t upper;
} trilu_params;

static quern_status trilu_infer(const qn_infer *x, quern_error *err)
{
    if (x->in[0]->rank < 2)
        return qn_fail(err, QUERN_SHAPE, "input %s has rank %d, at least 2 is needed",
                       QN_SHAPE(x->in[0]), x->in[0]->rank);
    return qn_infer_same(x, err);
}

/* Column where row r meets the diagonal, within [0, cols]. */
static int64_t edge_of(int64_t r, int64_t k, int64_t cols)
{
    int64_t c;
    if (__builtin_add_overflow(r, k, &c)) return cols;
    return c < 0 ? 0 : c > cols ? cols : c;
}

static quern_status trilu_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const trilu_params *p = i->params;
    const qn_tensor *in = i->in[0];
    int64_t k = 0;
    if (i->n_in > 1 && i->in[1]) QN_TRY(qn_scalar_int(i->in[1], "k", &k, err));
    size_t size = qn_dtype_size(in->dtype), bytes = qn_tensor_bytes(in);
    if (bytes == 0) return QUERN_OK;
    if (i->out[0]->data != in->data) memcpy(i->out[0]->data, in->data, bytes);
    int64_t rows = in->dim[in->rank - 2], cols = in->dim[in->rank - 1];
    int64_t n = qn_dims_count(in, 0, in->rank - 1);
    for (int64_t row = 0; row < n; row++) {
        char *y = (char *)i->out[0]->data + (size_t)(row * cols) * size;
        int64_t edge = edge_of(row % rows, k, cols);
        if (p->upper) {
            memset(y, 0, (size_t)edge * size);
        } else {
            int64_t keep = edge_of(row % rows + 1, k, cols);
            memset(y + (size_t)keep * size, 0, (size_t)(cols - keep) * size);
        }
    }
    return QUERN_OK;
}

static const qn_attr trilu_attrs[] = {
    QN_INT(trilu_params, upper, 1),
    QN_ATTRS_END,
};

const qn_op qn_op_trilu = {
    .name = "Trilu",
    .since = 14,
    .first = 14,
    .min_in = 1,
    .max_in = 2,
    .flags = QN_OP_INPLACE,
    .attrs = trilu_attrs,
    .params_size = sizeof(trilu_params),
    .types = {QN_T_ALL, QN_T_I64},
    .infer = trilu_infer,
    .grad = qn_grad_trilu,
    .run = trilu_run,
};
