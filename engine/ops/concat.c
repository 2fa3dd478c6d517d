/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/concat.c - tensors one after the other along an axis; ONNX Concat-13. */
#include "engine/op.h"
#include "engine/strided.h"

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

static quern_status concat_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const concat_params *p = i->params;
    const qn_tensor *y = i->out[0];
    int axis;
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
    .run = concat_run,
};
