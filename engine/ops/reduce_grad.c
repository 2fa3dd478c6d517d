/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/reduce_grad.c - gradients of reductions: given back to all that was
 * reduced; of softmax, which divides by a sum. */
#include "engine/ops/grads.h"

/* v, a reduction of x, with dims of 1 where x was reduced: broadcasts against x. */
static quern_status keep_dims(qn_grad *g, const qn_node *node, qn_value *v,
                              qn_value **out, quern_error *err)
{
    const qn_value *x = node->in[0];
    const qn_tensor *axes =
        node->n_in > 1 && node->in[1] ? node->in[1]->constant : NULL;
    int64_t dim[QUERN_MAX_RANK];
    qn_value *shape;
    if (node->n_in > 1 && node->in[1] && !axes)
        return qn_fail(err, QUERN_UNSUPPORTED, "the axes are not constant");
    const bool all = !axes || qn_tensor_count(axes) == 0;
    for (int i = 0; i < x->rank; i++)
        dim[i] = all ? 1 : x->dim[i];
    for (int64_t k = 0; !all && k < qn_tensor_count(axes); k++) {
        int axis;
        QN_TRY(qn_axis(qn_get_int(axes, k), x->rank, false, &axis, err));
        dim[axis] = 1;
    }
    QN_TRY(qn_grad_ints(g, x->rank, dim, &shape, err));
    return qn_grad_2(g, "Reshape", v, shape, out, err);
}

static quern_status expand_like(qn_grad *g, qn_value *d, const qn_value *like,
                                qn_value **out, quern_error *err)
{
    qn_value *shape;
    QN_TRY(qn_grad_ints(g, like->rank, like->dim, &shape, err));
    return qn_grad_2(g, "Expand", d, shape, out, err);
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
    QN_TRY(expand_like(g, d, node->in[0], &d, err));
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
    qn_node *cast, *sum;
    if (is_noop(node)) return qn_grad_add(g, node, 0, dy, err);
    QN_TRY(keep_dims(g, node, y, &y, err));
    QN_TRY(keep_dims(g, node, dy, &dy, err));
    QN_TRY(qn_grad_2(g, "Equal", x, y, &mask, err));
    QN_TRY(qn_grad_node(g, "", "Cast", 1, &mask, 1, &cast, err));
    QN_TRY(qn_node_set_int(cast, "to", x->dtype, err));
    QN_TRY(qn_grad_append(g, cast, err));
    qn_value *in[] = {cast->out[0], node->n_in > 1 ? node->in[1] : NULL};
    QN_TRY(qn_grad_node(g, "", "ReduceSum", 2, in, 1, &sum, err));
    QN_TRY(qn_grad_append(g, sum, err));
    QN_TRY(qn_grad_2(g, "Div", dy, sum->out[0], &n, err));
    QN_TRY(qn_grad_2(g, "Mul", cast->out[0], n, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* The sum of v along the node's axis, kept as a dim of 1. */
static quern_status sum_rows(qn_grad *g, const qn_node *node, qn_value *v,
                             qn_value **out, quern_error *err)
{
    qn_value *in[2] = {v};
    if (qn_node_int(node, "flat", 0))
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for the form of opset 12");
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){qn_node_int(node, "axis", -1)}, &in[1], err));
    return qn_grad_emit(g, "", "ReduceSum", 2, in, out, err);
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
