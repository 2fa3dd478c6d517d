/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/reduce_grad.c - gradients of reductions: given back to all that was
 * reduced; of softmax, which divides by a sum. */
#include "engine/ops/grads.h"

/* Which dims the node takes together. */
static quern_status reduced(const qn_node *node, bool is_reduced[QUERN_MAX_RANK],
                            quern_error *err)
{
    const qn_value *x = node->in[0];
    const bool given = node->n_in > 1 && node->in[1];
    const qn_tensor *axes = given ? node->in[1]->constant : NULL;
    if (given && !axes)
        return qn_fail(err, QUERN_UNSUPPORTED, "the axes are not constant");
    const int64_t n = axes ? qn_tensor_count(axes) : 0;
    for (int i = 0; i < x->rank; i++)
        is_reduced[i] = n == 0;
    for (int64_t k = 0; k < n; k++) {
        int axis;
        QN_TRY(qn_axis(qn_get_int(axes, k), x->rank, false, &axis, err));
        is_reduced[axis] = true;
    }
    return QUERN_OK;
}

/* v, a reduction of x, with dims of 1 where x was reduced: broadcasts against x. */
static quern_status keep_dims(qn_grad *g, const qn_node *node, qn_value *v,
                              qn_value **out, quern_error *err)
{
    const qn_value *x = node->in[0];
    bool is_reduced[QUERN_MAX_RANK];
    int64_t dim[QUERN_MAX_RANK];
    QN_TRY(reduced(node, is_reduced, err));
    for (int i = 0; i < x->rank; i++)
        dim[i] = is_reduced[i] ? 1 : x->dim[i];
    return qn_grad_to_shape(g, v, x->rank, dim, out, err);
}

/* Axes empty and noop_with_empty_axes: nothing was reduced. */
static bool is_noop(const qn_node *node)
{
    return qn_node_int(node, "noop_with_empty_axes", 0) &&
           (node->n_in < 2 || !node->in[1] || node->in[1]->dim[0] == 0);
}

static quern_status give_back(qn_grad *g, const qn_node *node, double scale,
                              quern_error *err)
{
    qn_value *d = qn_grad_of(g, node, 0), *s;
    if (is_noop(node)) return qn_grad_add(g, node, 0, d, err);
    QN_TRY(keep_dims(g, node, d, &d, err));
    if (scale != 1) {
        QN_TRY(qn_grad_scalar(g, scale, d, &s, err));
        QN_TRY(qn_grad_2(g, "Mul", d, s, &d, err));
    }
    QN_TRY(qn_grad_spread(g, d, node->in[0]->rank, node->in[0]->dim, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

static double count(const qn_value *v)
{
    double n = 1;
    for (int i = 0; i < v->rank; i++)
        n *= (double)v->dim[i];
    return n;
}

QN_GRAD(reduce_sum)
{
    return give_back(g, node, 1, err);
}

QN_GRAD(reduce_mean)
{
    const double n = count(node->in[0]) / count(node->out[0]);
    return give_back(g, node, n > 0 ? 1 / n : 1, err);
}

/* Equal extremes share it evenly. */
QN_GRAD(reduce_most)
{
    qn_value *dy = qn_grad_of(g, node, 0), *y = node->out[0], *x = node->in[0];
    qn_value *mask, *n, *d;
    qn_node *sum;
    if (is_noop(node)) return qn_grad_add(g, node, 0, dy, err);
    QN_TRY(keep_dims(g, node, y, &y, err));
    QN_TRY(keep_dims(g, node, dy, &dy, err));
    QN_TRY(qn_grad_2(g, "Equal", x, y, &mask, err));
    QN_TRY(qn_grad_to_type(g, mask, x->dtype, &mask, err));
    qn_value *in[] = {mask, node->n_in > 1 ? node->in[1] : NULL};
    QN_TRY(qn_grad_node(g, "", "ReduceSum", 2, in, 1, &sum, err));
    QN_TRY(qn_grad_append(g, sum, err));
    QN_TRY(qn_grad_2(g, "Div", dy, sum->out[0], &n, err));
    QN_TRY(qn_grad_2(g, "Mul", mask, n, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* ---- of powers and logarithms: dX = f dY, where f has X's shape ---- */

static quern_status give_times(qn_grad *g, const qn_node *node, qn_value *f,
                               qn_value *dy, quern_error *err)
{
    qn_value *d;
    if (!is_noop(node)) QN_TRY(keep_dims(g, node, dy, &dy, err));
    QN_TRY(qn_grad_2(g, "Mul", f, dy, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

QN_GRAD(reduce_l1)
{
    qn_value *sign;
    QN_TRY(qn_grad_1(g, "Sign", node->in[0], &sign, err));
    return give_times(g, node, sign, qn_grad_of(g, node, 0), err);
}

/* X / Y, and 0 where all of X is. */
QN_GRAD(reduce_l2)
{
    qn_value *d;
    QN_TRY(qn_grad_ratio(g, qn_grad_of(g, node, 0), node->out[0], &d, err));
    return give_times(g, node, node->in[0], d, err);
}

QN_GRAD(reduce_sum_square)
{
    qn_value *twice;
    QN_TRY(qn_grad_2(g, "Add", node->in[0], node->in[0], &twice, err));
    return give_times(g, node, twice, qn_grad_of(g, node, 0), err);
}

/* 1 / sum, which is exp(-Y). */
QN_GRAD(reduce_log_sum)
{
    qn_value *sum, *d;
    QN_TRY(qn_grad_1(g, "Exp", node->out[0], &sum, err));
    QN_TRY(qn_grad_2(g, "Div", qn_grad_of(g, node, 0), sum, &d, err));
    if (is_noop(node)) return qn_grad_add(g, node, 0, d, err);
    QN_TRY(keep_dims(g, node, d, &d, err));
    QN_TRY(qn_grad_spread(g, d, node->in[0]->rank, node->in[0]->dim, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

QN_GRAD(reduce_log_sum_exp)
{
    qn_value *y = node->out[0], *part;
    if (!is_noop(node)) QN_TRY(keep_dims(g, node, y, &y, err));
    QN_TRY(qn_grad_2(g, "Sub", node->in[0], y, &part, err));
    QN_TRY(qn_grad_1(g, "Exp", part, &part, err));
    return give_times(g, node, part, qn_grad_of(g, node, 0), err);
}

/* ---- of products: each factor gets the product of the others, zeros or not ---- */

/* Products of all elements of a row in front of each, or behind each. */
static quern_status products(qn_grad *g, qn_value *rows, bool behind, qn_value **out,
                             quern_error *err)
{
    qn_node *node;
    qn_value *in[2] = {rows};
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){1}, &in[1], err));
    QN_TRY(qn_grad_node(g, "", "CumProd", 2, in, 1, &node, err));
    QN_TRY(qn_node_set_int(node, "exclusive", 1, err));
    QN_TRY(qn_node_set_int(node, "reverse", behind, err));
    QN_TRY(qn_grad_append(g, node, err));
    *out = node->out[0];
    return QUERN_OK;
}

/* perm: dims that stay, then those that vanish; how many elements vanish into one. */
static quern_status split_dims(const qn_node *node, int64_t perm[QUERN_MAX_RANK],
                               int64_t *n, quern_error *err)
{
    bool is_reduced[QUERN_MAX_RANK];
    const qn_value *x = node->in[0];
    QN_TRY(reduced(node, is_reduced, err));
    *n = 1;
    for (int pass = 0, k = 0; pass < 2; pass++)
        for (int i = 0; i < x->rank; i++)
            if (is_reduced[i] == (pass == 1)) perm[k++] = i;
    for (int i = 0; i < x->rank; i++)
        if (is_reduced[i]) *n *= x->dim[i];
    return QUERN_OK;
}

QN_GRAD(reduce_prod)
{
    int64_t perm[QUERN_MAX_RANK], inverse[QUERN_MAX_RANK], n;
    qn_value *x = node->in[0], *moved, *rows, *front, *behind, *d;
    if (is_noop(node)) return qn_grad_add(g, node, 0, qn_grad_of(g, node, 0), err);
    QN_TRY(split_dims(node, perm, &n, err));
    for (int i = 0; i < x->rank; i++)
        inverse[perm[i]] = i;
    QN_TRY(qn_grad_permute(g, x, perm, &moved, err));
    const int64_t shape[2] = {n > 0 ? (int64_t)count(x) / n : 0, n};
    QN_TRY(qn_grad_to_shape(g, moved, 2, shape, &rows, err));
    QN_TRY(products(g, rows, false, &front, err));
    QN_TRY(products(g, rows, true, &behind, err));
    QN_TRY(qn_grad_2(g, "Mul", front, behind, &d, err));
    QN_TRY(qn_grad_reshape_like(g, d, moved, &d, err));
    QN_TRY(qn_grad_permute(g, d, inverse, &d, err));
    return give_times(g, node, d, qn_grad_of(g, node, 0), err);
}

/* ---- normalised to a sum or a norm of one ---- */

/* The sum of v along the node's axis (of a form before opset 13: and those behind it),
 * kept as dims of 1. */
static quern_status sum_rows(qn_grad *g, const qn_node *node, qn_value *v,
                             qn_value **out, quern_error *err)
{
    int axis;
    qn_value *axes;
    int64_t list[QUERN_MAX_RANK], n = 0;
    QN_TRY(qn_axis(qn_node_int(node, "axis", -1), v->rank, false, &axis, err));
    const int end = qn_node_int(node, "flat", 0) ? v->rank : axis + 1;
    while (axis < end)
        list[n++] = axis++;
    QN_TRY(qn_grad_ints(g, n, list, &axes, err));
    return qn_grad_2(g, "ReduceSum", v, axes, out, err);
}

/* dX = Y (dY - sum(dY Y)). */
QN_GRAD(softmax)
{
    qn_value *dy = qn_grad_of(g, node, 0), *y = node->out[0], *d;
    QN_TRY(qn_grad_2(g, "Mul", dy, y, &d, err));
    QN_TRY(sum_rows(g, node, d, &d, err));
    QN_TRY(qn_grad_2(g, "Sub", dy, d, &d, err));
    QN_TRY(qn_grad_2(g, "Mul", d, y, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* dX = dY - exp(Y) sum(dY). */
QN_GRAD(log_softmax)
{
    qn_value *dy = qn_grad_of(g, node, 0), *sum, *d;
    QN_TRY(sum_rows(g, node, dy, &sum, err));
    QN_TRY(qn_grad_1(g, "Exp", node->out[0], &d, err));
    QN_TRY(qn_grad_2(g, "Mul", d, sum, &d, err));
    QN_TRY(qn_grad_2(g, "Sub", dy, d, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* dX = (dY - f sum(dY Y)) / norm, where f is Y for p = 2 and the sign of X for 1. */
QN_GRAD(lp_norm)
{
    const bool square = qn_node_int(node, "p", 2) == 2;
    qn_value *dy = qn_grad_of(g, node, 0), *y = node->out[0], *f = y, *norm, *axes, *d;
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){qn_node_int(node, "axis", -1)}, &axes, err));
    QN_TRY(
        qn_grad_2(g, square ? "ReduceL2" : "ReduceL1", node->in[0], axes, &norm, err));
    if (!square) QN_TRY(qn_grad_1(g, "Sign", node->in[0], &f, err));
    QN_TRY(qn_grad_2(g, "Mul", dy, y, &d, err));
    QN_TRY(sum_rows(g, node, d, &d, err));
    QN_TRY(qn_grad_2(g, "Mul", d, f, &d, err));
    QN_TRY(qn_grad_2(g, "Sub", dy, d, &d, err));
    QN_TRY(qn_grad_ratio(g, d, norm, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}
