/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/transpose.c - permutes axes; ONNX Transpose-25.  The strided copy merges
 * axes that stay together, so NCHW to NHWC is a 2-D transposition in tiles. */
#include "engine/ops/grads.h"
#include "engine/ops/transpose_blocked.h"
#include "engine/op.h"
#include "engine/strided.h"

typedef struct transpose_params {
    qn_ints perm; /* absent: axes in reverse order */
} transpose_params;

static quern_status transpose_check(const qn_node *node, quern_error *err)
{
    const transpose_params *p = node->params;
    unsigned seen = 0;
    if (!p->perm.v) return QUERN_OK;
    for (int64_t i = 0; i < p->perm.n; i++) {
        int64_t a = p->perm.v[i];
        if (a < 0 || a >= p->perm.n || p->perm.n > QUERN_MAX_RANK || (seen >> a & 1))
            return qn_fail(err, QUERN_INVALID, "perm[%lld] = %lld is no permutation",
                           (long long)i, (long long)a);
        seen |= 1u << a;
    }
    return QUERN_OK;
}

static int source_axis(const transpose_params *p, int rank, int i)
{
    return p->perm.v ? (int)p->perm.v[i] : rank - 1 - i;
}

static quern_status transpose_infer(const qn_infer *x, quern_error *err)
{
    const transpose_params *p = x->params;
    const qn_tensor *in = x->in[0];
    if (p->perm.v && p->perm.n != in->rank)
        return qn_fail(err, QUERN_SHAPE, "perm has %lld axes but the input is %s",
                       (long long)p->perm.n, QN_SHAPE(in));
    x->out[0]->rank = in->rank;
    for (int i = 0; i < in->rank; i++)
        x->out[0]->dim[i] = in->dim[source_axis(p, in->rank, i)];
    return QUERN_OK;
}

static bool transpose_blocked(const qn_instr *i, qn_blocked *how)
{
    const transpose_params *p = i->params;
    return p->perm.v && p->perm.n == 4 && qn_transpose_can_block(i, p->perm.v, how);
}

static bool transpose_places(const qn_instr *i, int k, qn_places *p)
{
    int64_t stride[QUERN_MAX_RANK];
    const int rank = i->in[0]->rank;
    (void)k;
    qn_row_major(rank, i->in[0]->dim, stride);
    p->at = 0;
    for (int d = 0; d < rank; d++)
        p->step[d] = stride[source_axis(i->params, rank, d)];
    return true;
}

static quern_status transpose_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    if (i->is_blocked) {
        qn_transpose_blocked_run(i, x);
        return QUERN_OK;
    }
    const qn_tensor *in = i->in[0];
    qn_strided box = {.size = qn_dtype_size(in->dtype), .rank = in->rank};
    qn_places places;
    transpose_places(i, 0, &places);
    qn_row_major(in->rank, i->out[0]->dim, box.to);
    for (int d = 0; d < in->rank; d++) {
        box.dim[d] = i->out[0]->dim[d];
        box.from[d] = places.step[d];
    }
    qn_strided_copy(x->pool, &box, i->out[0]->data, in->data);
    return QUERN_OK;
}

static const qn_attr transpose_attrs[] = {
    QN_INTS(transpose_params, perm),
    QN_ATTRS_END,
};

const qn_op qn_op_transpose = {
    .name = "Transpose",
    .since = 25,
    .min_in = 1,
    .max_in = 1,
    .attrs = transpose_attrs,
    .params_size = sizeof(transpose_params),
    .types = {QN_T_ALL},
    .check = transpose_check,
    .infer = transpose_infer,
    .places = transpose_places,
    .blocked = transpose_blocked,
    .grad = qn_grad_transpose,
    .run = transpose_run,
};
