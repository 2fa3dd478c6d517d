/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/grad_parts.c - formulas that several gradients are made of. */
#include "engine/ops/grads.h"

#include "engine/pass.h"

#include <string.h>

quern_status qn_grad_give(qn_grad *g, const qn_node *node, int i, qn_value *d,
                          quern_error *err)
{
    qn_value *sum;
    if (!qn_grad_wants(g, node, i)) return QUERN_OK;
    QN_TRY(qn_grad_sum_to(g, d, node->in[i], &sum, err));
    return qn_grad_add(g, node, i, sum, err);
}

quern_status qn_grad_zeros(qn_grad *g, const qn_value *like, qn_value **out,
                           quern_error *err)
{
    qn_value *zero;
    QN_TRY(qn_grad_scalar(g, 0, like, &zero, err));
    return qn_grad_spread(g, zero, like->rank, like->dim, out, err);
}

quern_status qn_grad_spread(qn_grad *g, qn_value *d, int rank, const int64_t *dim,
                            qn_value **out, quern_error *err)
{
    qn_value *shape;
    QN_TRY(qn_grad_ints(g, rank, dim, &shape, err));
    return qn_grad_2(g, "Expand", d, shape, out, err);
}

quern_status qn_grad_to_shape(qn_grad *g, qn_value *d, int rank, const int64_t *dim,
                              qn_value **out, quern_error *err)
{
    qn_node *node;
    qn_value *shape;
    QN_TRY(qn_grad_ints(g, rank, dim, &shape, err));
    QN_TRY(qn_grad_node(g, "", "Reshape", 2, (qn_value *[]){d, shape}, 1, &node, err));
    QN_TRY(qn_node_set_int(node, "allowzero", 1, err));
    QN_TRY(qn_grad_append(g, node, err));
    *out = node->out[0];
    return QUERN_OK;
}

quern_status qn_grad_permute(qn_grad *g, qn_value *d, const int64_t *perm,
                             qn_value **out, quern_error *err)
{
    qn_node *node;
    QN_TRY(qn_grad_node(g, "", "Transpose", 1, &d, 1, &node, err));
    QN_TRY(qn_node_set_ints(node, "perm", d->rank, perm, err));
    QN_TRY(qn_grad_append(g, node, err));
    *out = node->out[0];
    return QUERN_OK;
}

quern_status qn_grad_to_type(qn_grad *g, qn_value *d, quern_dtype to, qn_value **out,
                             quern_error *err)
{
    qn_node *node;
    *out = d;
    if (d->dtype == to) return QUERN_OK;
    QN_TRY(qn_grad_node(g, "", "Cast", 1, &d, 1, &node, err));
    QN_TRY(qn_node_set_int(node, "to", to, err));
    QN_TRY(qn_grad_append(g, node, err));
    *out = node->out[0];
    return QUERN_OK;
}

quern_status qn_grad_choose(qn_grad *g, qn_value *choice, qn_value *d, qn_value **out,
                            quern_error *err)
{
    qn_value *zero;
    QN_TRY(qn_grad_scalar(g, 0, d, &zero, err));
    return qn_grad_emit(g, "", "Where", 3, (qn_value *[]){choice, d, zero}, out, err);
}

quern_status qn_grad_ratio(qn_grad *g, qn_value *a, qn_value *b, qn_value **out,
                           quern_error *err)
{
    qn_value *zero, *is_zero, *is_not, *d;
    QN_TRY(qn_grad_scalar(g, 0, b, &zero, err));
    QN_TRY(qn_grad_2(g, "Equal", b, zero, &is_zero, err));
    QN_TRY(qn_grad_1(g, "Not", is_zero, &is_not, err));
    QN_TRY(qn_grad_2(g, "Div", a, b, &d, err));
    return qn_grad_choose(g, is_not, d, out, err);
}

quern_status qn_grad_sum_axis(qn_grad *g, qn_value *d, int64_t axis, qn_value **out,
                              quern_error *err)
{
    qn_value *axes;
    QN_TRY(qn_grad_ints(g, 1, &axis, &axes, err));
    return qn_grad_2(g, "ReduceSum", d, axes, out, err);
}

quern_status qn_grad_numbers(const qn_node *node, int i, int64_t n, int64_t otherwise,
                             int64_t *out, quern_error *err)
{
    const qn_tensor *t = qn_const_input(node, i);
    if (i < node->n_in && node->in[i] && !t)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "no gradient while input %d is not constant", i);
    if (t && qn_tensor_count(t) != n)
        return qn_fail(err, QUERN_SHAPE, "input %d has %lld numbers, not %lld", i,
                       (long long)qn_tensor_count(t), (long long)n);
    for (int64_t k = 0; k < n; k++)
        out[k] = t ? qn_get_int(t, k) : otherwise;
    return QUERN_OK;
}

/* The axis comes first, or goes back to where it was. */
static quern_status move_axis(qn_grad *g, qn_value *d, int axis, bool back,
                              qn_value **out, quern_error *err)
{
    int64_t perm[QUERN_MAX_RANK];
    *out = d;
    if (axis == 0) return QUERN_OK;
    for (int i = 0; i < d->rank; i++) {
        const int from = i == 0 ? axis : i <= axis ? i - 1 : i;
        perm[back ? from : i] = back ? i : from;
    }
    return qn_grad_permute(g, d, perm, out, err);
}

quern_status qn_grad_put_along(qn_grad *g, qn_value *d, int axis, qn_value *index,
                               int64_t n, qn_value **out, quern_error *err)
{
    qn_node *scatter;
    qn_value *front, *zero, *column;
    QN_TRY(move_axis(g, d, axis, false, &front, err));
    qn_value like = *front;
    like.dim[0] = n;
    QN_TRY(qn_grad_zeros(g, &like, &zero, err));
    QN_TRY(qn_grad_to_type(g, index, QUERN_INT64, &column, err));
    QN_TRY(qn_grad_to_shape(g, column, 2, (int64_t[]){front->dim[0], 1}, &column, err));
    qn_value *in[] = {zero, column, front};
    QN_TRY(qn_grad_node(g, "", "ScatterND", 3, in, 1, &scatter, err));
    QN_TRY(qn_node_set_str(scatter, "reduction", "add", err));
    QN_TRY(qn_grad_append(g, scatter, err));
    return move_axis(g, scatter->out[0], axis, true, out, err);
}
