/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/concat.c - tensors one after the other along an axis; ONNX Concat-13. */
#include "engine/ops/grads.h"
#include "engine/rows8c.h"
#include "engine/strided.h"

#include <string.h>

typedef struct concat_params {
    int64_t axis;
} concat_params;

static quern_status concat_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    if (node->opset >= 4 || qn_node_attr(node, "axis")) return QUERN_OK;
    return qn_node_set_int(node, "axis", 1, err);
}

static quern_status concat_infer(const qn_infer *x, quern_error *err)
{
    const concat_params *p = x->params;
    qn_tensor *y = x->out[0];
    int axis;
    qn_copy_shape(y, x->in[0]);
    QN_TRY(qn_axis(p->axis, y->rank, false, &axis, err));
    for (int i = 1; i < x->n_in; i++) {
        const qn_tensor *t = x->in[i];
        bool same = t && t->rank == y->rank && t->dtype == x->in[0]->dtype;
        for (int d = 0; same && d < t->rank; d++)
            same = d == axis || t->dim[d] == y->dim[d];
        if (!same)
            return qn_fail(
                err, QUERN_SHAPE,
                "input %d is %s %s, which does not follow %s %s along axis %d", i,
                t ? quern_dtype_name(t->dtype) : "absent", t ? QN_SHAPE(t) : "",
                quern_dtype_name(x->in[0]->dtype), QN_SHAPE(x->in[0]), axis);
        if (__builtin_add_overflow(y->dim[axis], t->dim[axis], &y->dim[axis]))
            return qn_fail(err, QUERN_SHAPE, "dims along axis %d overflow", axis);
    }
    return QUERN_OK;
}

/* Along channels in the blocked layout; parts that are in their place already cost
 * nothing. */
static bool concat_can_block(const qn_instr *i, qn_blocked *how)
{
    const concat_params *p = i->params;
    const qn_tensor *y = i->out[0];
    if (y->rank != 4 || y->dtype != QUERN_FLOAT || (p->axis != 1 && p->axis != -3) ||
        i->n_in > 31 || qn_tensor_count(y) == 0)
        return false;
    for (int k = 0; k < i->n_in - 1; k++) /* the last may end within a block */
        if (i->in[k]->dim[1] % QN_BLOCK8 || i->in[k]->dim[1] == 0) return false;
    *how = (qn_blocked){.in = (UINT32_C(1) << i->n_in) - 1};
    return i->in[i->n_in - 1]->dim[1] > 0;
}

typedef struct part_job {
    qn_plane8c from, to;
} part_job;

/* Item: a row of the part. */
static void copy_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    const part_job *j = ctx;
    (void)worker;
    for (int64_t t = begin; t < end; t++)
        memcpy(qn_row8c(&j->to, t), qn_row8c(&j->from, t),
               (size_t)(j->from.w * QN_BLOCK8) * sizeof(float));
}

static quern_status concat_blocked(const qn_instr *i, const qn_exec *x)
{
    part_job j = {.to = qn_tensor_plane(i->out[0])};
    for (int k = 0; k < i->n_in; k++) {
        j.from = qn_tensor_plane(i->in[k]);
        j.to.c = j.from.c;
        if (j.from.data != j.to.data)
            qn_parallel_for(x->pool, qn_n_rows8c(&j.from, i->in[k]->dim[0]),
                            qn_row8c_grain(&j.from), copy_rows, &j);
        j.to.data += qn_blocks8c(j.from.c) * j.to.plane;
    }
    return QUERN_OK;
}

static quern_status concat_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const concat_params *p = i->params;
    const qn_tensor *y = i->out[0];
    int axis;
    if (i->is_blocked) return concat_blocked(i, x);
    QN_TRY(qn_axis(p->axis, y->rank, false, &axis, err));
    size_t size = qn_dtype_size(y->dtype);
    int64_t outer = qn_dims_count(y, 0, axis), row = qn_dims_count(y, axis, y->rank);
    char *to = y->data;
    for (int k = 0; k < i->n_in; k++) {
        int64_t n = qn_dims_count(i->in[k], axis, y->rank);
        qn_strided box = {
            .size = size, .rank = 2, .dim = {outer, n}, .to = {row, 1}, .from = {n, 1}};
        qn_strided_copy(x->pool, &box, to, i->in[k]->data);
        to += (size_t)n * size;
    }
    return QUERN_OK;
}

static const qn_attr concat_attrs[] = {
    QN_REQUIRED(concat_params, axis, QN_ATTR_INT),
    QN_ATTRS_END,
};

const qn_op qn_op_concat = {
    .name = "Concat",
    .since = 13,
    .min_in = 1,
    .max_in = -1,
    .attrs = concat_attrs,
    .params_size = sizeof(concat_params),
    .types = {QN_T_ALL},
    .lower = concat_lower,
    .infer = concat_infer,
    .blocked = concat_can_block,
    .grad = qn_grad_concat,
    .run = concat_run,
};
