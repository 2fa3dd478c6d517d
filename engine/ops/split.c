/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/split.c - cuts a tensor along an axis; ONNX Split-18.  Sizes were an
 * attribute before 13; opset 1 had them as an optional input too. */
#include "engine/ops/grads.h"
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

typedef struct split_params {
    int64_t axis, num_outputs;
} split_params;

static quern_status split_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    if (node->opset >= 13) return QUERN_OK;
    return qn_lower_ints(g, node, "split", 1, err);
}

/* Size of part k along the axis when no sizes are given: equal parts, rounded up, what
 * is left goes to the last. */
static int64_t equal_part(int64_t dim, int64_t n, int64_t k)
{
    int64_t part = dim / n + (dim % n != 0);
    int64_t before = part > 0 && k > dim / part ? dim : part * k;
    return dim - before < part ? dim - before : part;
}

static quern_status split_infer(const qn_infer *x, quern_error *err)
{
    const split_params *p = x->params;
    const qn_tensor *in = x->in[0];
    const qn_tensor *sizes = x->n_in > 1 ? x->in[1] : NULL;
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    int64_t n = p->num_outputs ? p->num_outputs : x->n_out, left = in->dim[axis];
    if (sizes) {
        QN_TRY(qn_infer_need(x, 1));
        n = qn_tensor_count(sizes);
    }
    if (n < x->n_out)
        return qn_fail(err, QUERN_SHAPE, "%d outputs are asked for, split makes %lld",
                       x->n_out, (long long)n);
    for (int64_t k = 0; k < n; k++) {
        if (!sizes && k >= x->n_out) return QUERN_OK;
        int64_t part = sizes ? qn_get_int(sizes, k) : equal_part(in->dim[axis], n, k);
        if (part < 0 || part > left)
            return qn_fail(err, QUERN_SHAPE, "part %lld has size %lld, %lld are left",
                           (long long)k, (long long)part, (long long)left);
        left -= part;
        if (k >= x->n_out || !x->out[k]) continue;
        qn_copy_shape(x->out[k], in);
        x->out[k]->dim[axis] = part;
    }
    if (left != 0)
        return qn_fail(err, QUERN_SHAPE, "sizes leave %lld of %lld along axis %d",
                       (long long)left, (long long)in->dim[axis], axis);
    return QUERN_OK;
}

static quern_status split_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const split_params *p = i->params;
    const qn_tensor *in = i->in[0];
    const qn_tensor *sizes = i->n_in > 1 ? i->in[1] : NULL;
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    size_t size = qn_dtype_size(in->dtype);
    int64_t n = p->num_outputs ? p->num_outputs : i->n_out;
    int64_t outer = qn_dims_count(in, 0, axis), row = qn_dims_count(in, axis, in->rank);
    int64_t inner = qn_dims_count(in, axis + 1, in->rank);
    const char *from = in->data;
    for (int k = 0; k < i->n_out; k++) {
        int64_t part = sizes ? qn_get_int(sizes, k) : equal_part(in->dim[axis], n, k);
        part *= inner;
        qn_strided box = {.size = size,
                          .rank = 2,
                          .dim = {outer, part},
                          .to = {part, 1},
                          .from = {row, 1}};
        if (i->out[k]) qn_strided_copy(x->pool, &box, i->out[k]->data, from);
        from += (size_t)part * size;
    }
    return QUERN_OK;
}

static bool split_places(const qn_instr *i, int k, qn_places *p)
{
    const split_params *params = i->params;
    const qn_tensor *in = i->in[0], *sizes = i->n_in > 1 ? i->in[1] : NULL;
    const int64_t n = params->num_outputs ? params->num_outputs : i->n_out;
    quern_error err;
    int axis;
    if ((sizes && !sizes->data) ||
        qn_axis(params->axis, in->rank, false, &axis, &err) != QUERN_OK)
        return false;
    qn_row_major(in->rank, in->dim, p->step);
    p->at = 0;
    for (int j = 0; j < k; j++)
        p->at += p->step[axis] *
                 (sizes ? qn_get_int(sizes, j) : equal_part(in->dim[axis], n, j));
    return true;
}

static quern_status split_check(const qn_node *node, quern_error *err)
{
    const split_params *p = node->params;
    if (p->num_outputs < 0)
        return qn_fail(err, QUERN_INVALID, "num_outputs is %lld",
                       (long long)p->num_outputs);
    return QUERN_OK;
}

static const qn_attr split_attrs[] = {
    QN_INT(split_params, axis, 0),
    QN_INT(split_params, num_outputs, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_split = {
    .name = "Split",
    .since = 18,
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = -1,
    .attrs = split_attrs,
    .params_size = sizeof(split_params),
    .types = {QN_T_ALL, QN_T_I64},
    .lower = split_lower,
    .check = split_check,
    .infer = split_infer,
    .places = split_places,
    .grad = qn_grad_split,
    .run = split_run,
};
