/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/shape_grad.c - gradients of rows that move elements: move them back. */
#include "engine/ops/grads.h"

#include "engine/pass.h"

QN_GRAD(reshape)
{
    qn_value *d;
    QN_TRY(qn_grad_reshape_like(g, qn_grad_of(g, node, 0), node->in[0], &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

QN_GRAD(cast)
{
    qn_node *back;
    qn_value *dy = qn_grad_of(g, node, 0);
    if (!qn_grad_wants(g, node, 0)) return QUERN_OK;
    QN_TRY(qn_grad_node(g, "", "Cast", 1, &dy, 1, &back, err));
    QN_TRY(qn_node_set_int(back, "to", node->in[0]->dtype, err));
    QN_TRY(qn_grad_append(g, back, err));
    return qn_grad_add(g, node, 0, back->out[0], err);
}

QN_GRAD(transpose)
{
    qn_node *back;
    qn_value *dy = qn_grad_of(g, node, 0);
    const qn_attr_value *perm = qn_node_attr(node, "perm");
    int64_t inverse[QUERN_MAX_RANK];
    for (int i = 0; i < dy->rank; i++)
        inverse[perm ? perm->ints.v[i] : dy->rank - 1 - i] = i;
    QN_TRY(qn_grad_node(g, "", "Transpose", 1, &dy, 1, &back, err));
    QN_TRY(qn_node_set_ints(back, "perm", dy->rank, inverse, err));
    QN_TRY(qn_grad_append(g, back, err));
    return qn_grad_add(g, node, 0, back->out[0], err);
}

QN_GRAD(expand)
{
    qn_value *d;
    QN_TRY(qn_grad_sum_to(g, qn_grad_of(g, node, 0), node->in[0], &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* Elements [begin, begin + n) of d along one axis. */
static quern_status piece(qn_grad *g, qn_value *d, int axis, int64_t begin, int64_t n,
                          qn_value **out, quern_error *err)
{
    qn_value *in[4] = {d};
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){begin}, &in[1], err));
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){begin + n}, &in[2], err));
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){axis}, &in[3], err));
    return qn_grad_emit(g, "", "Slice", 4, in, out, err);
}

QN_GRAD(concat)
{
    int axis;
    qn_value *dy = qn_grad_of(g, node, 0), *d;
    QN_TRY(qn_axis(qn_node_int(node, "axis", 0), dy->rank, false, &axis, err));
    for (int64_t i = 0, begin = 0; i < node->n_in; i++) {
        const int64_t n = node->in[i]->dim[axis];
        if (qn_grad_wants(g, node, (int)i)) {
            QN_TRY(piece(g, dy, axis, begin, n, &d, err));
            QN_TRY(qn_grad_add(g, node, (int)i, d, err));
        }
        begin += n;
    }
    return QUERN_OK;
}

/* Zeros with the shape of v, for a part that the loss does not depend on. */
static quern_status zeros(qn_grad *g, const qn_value *v, qn_value **out,
                          quern_error *err)
{
    qn_value *zero, *shape;
    QN_TRY(qn_grad_scalar(g, 0, v, &zero, err));
    QN_TRY(qn_grad_ints(g, v->rank, v->dim, &shape, err));
    return qn_grad_2(g, "Expand", zero, shape, out, err);
}

QN_GRAD(split)
{
    qn_node *join;
    QN_TRY(qn_grad_node(g, "", "Concat", node->n_out, node->out, 1, &join, err));
    for (int i = 0; i < node->n_out; i++) {
        join->in[i] = qn_grad_of(g, node, i);
        if (!node->out[i])
            return qn_fail(err, QUERN_UNSUPPORTED, "part %d of a split is absent", i);
        if (!join->in[i]) QN_TRY(zeros(g, node->out[i], &join->in[i], err));
    }
    QN_TRY(qn_node_set_int(join, "axis", qn_node_int(node, "axis", 0), err));
    QN_TRY(qn_grad_append(g, join, err));
    return qn_grad_add(g, node, 0, join->out[0], err);
}

/* Reads the constant input i of a node, or a default of n times `otherwise`. */
static quern_status numbers(const qn_node *node, int i, int64_t n, int64_t otherwise,
                            int64_t *out, quern_error *err)
{
    const qn_tensor *t = qn_const_input(node, i);
    if (i < node->n_in && node->in[i] && !t)
        return qn_fail(err, QUERN_UNSUPPORTED, "input %d is not constant", i);
    for (int64_t k = 0; k < n; k++)
        out[k] = t ? qn_get_int(t, k) : otherwise;
    return QUERN_OK;
}

/* Steps of 1: pad with zeros what was cut off. */
QN_GRAD(slice)
{
    const qn_value *x = node->in[0];
    const qn_tensor *starts = qn_const_input(node, 1);
    int64_t begin[QUERN_MAX_RANK], axis[QUERN_MAX_RANK], step[QUERN_MAX_RANK];
    int64_t pads[2 * QUERN_MAX_RANK] = {0};
    if (!starts) return qn_fail(err, QUERN_UNSUPPORTED, "input 1 is not constant");
    const int64_t n = qn_tensor_count(starts);
    QN_TRY(numbers(node, 1, n, 0, begin, err));
    for (int64_t k = 0; k < n; k++)
        axis[k] = k;
    if (node->n_in > 3 && node->in[3]) QN_TRY(numbers(node, 3, n, 0, axis, err));
    QN_TRY(numbers(node, 4, n, 1, step, err));
    for (int64_t k = 0; k < n; k++) {
        const int64_t a = axis[k] < 0 ? axis[k] + x->rank : axis[k], d = x->dim[a];
        if (step[k] != 1)
            return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for a step of %lld",
                           (long long)step[k]);
        int64_t at = begin[k] < 0 ? begin[k] + d : begin[k];
        at = at < 0 ? 0 : at > d ? d : at;
        pads[a] = at;
        pads[x->rank + a] = d - at - node->out[0]->dim[a];
    }
    qn_value *in[2] = {qn_grad_of(g, node, 0)}, *d;
    QN_TRY(qn_grad_ints(g, 2 * x->rank, pads, &in[1], err));
    QN_TRY(qn_grad_emit(g, "", "Pad", 2, in, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* Constant padding: cut it off again (Pad with negative numbers). */
QN_GRAD(pad)
{
    const qn_value *x = node->in[0];
    int64_t pads[2 * QUERN_MAX_RANK];
    const qn_attr_value *mode = qn_node_attr(node, "mode");
    if (mode && !qn_node_str_is(node, "mode", "constant"))
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for this mode of padding");
    if (node->n_in > 3 && node->in[3])
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for padding by axes");
    QN_TRY(numbers(node, 1, 2 * x->rank, 0, pads, err));
    for (int i = 0; i < 2 * x->rank; i++)
        pads[i] = -pads[i];
    qn_value *in[2] = {qn_grad_of(g, node, 0)}, *d;
    QN_TRY(qn_grad_ints(g, 2 * x->rank, pads, &in[1], err));
    QN_TRY(qn_grad_emit(g, "", "Pad", 2, in, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* dX[index] += dY: a scatter of rows, for which the axis comes first. */
QN_GRAD(gather)
{
    int axis;
    const qn_value *x = node->in[0];
    qn_value *dy = qn_grad_of(g, node, 0), *index = node->in[1], *zero, *one, *d;
    QN_TRY(qn_axis(qn_node_int(node, "axis", 0), x->rank, false, &axis, err));
    if (axis != 0)
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient along axis %d, only 0",
                       axis);
    QN_TRY(zeros(g, x, &zero, err));
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){-1}, &one, err));
    QN_TRY(qn_grad_2(g, "Unsqueeze", index, one, &index, err));
    qn_node *scatter;
    qn_value *in[] = {zero, index, dy};
    QN_TRY(qn_grad_node(g, "", "ScatterND", 3, in, 1, &scatter, err));
    QN_TRY(qn_node_set_str(scatter, "reduction", "add", err));
    QN_TRY(qn_grad_append(g, scatter, err));
    d = scatter->out[0];
    return qn_grad_add(g, node, 0, d, err);
}
