/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/loss_grad.c - gradients of the losses against labels: with w a label's
 * weight (0 where it is ignored), t one at the label and W the sum of w for a mean,
 * else 1, that of log-probabilities is -w t / W and that of scores w (softmax - t) / W.
 */
#include "engine/ops/grads.h"

/* The labels, an innocent one where they are ignored, and what is not ignored. */
static quern_status read_labels(qn_grad *g, const qn_node *node, qn_value **label,
                                qn_value **counts, quern_error *err)
{
    const qn_attr_value *ignored = qn_node_attr(node, "ignore_index");
    qn_value *at, *zero, *equal;
    *label = node->in[1];
    *counts = NULL;
    if (!ignored) return QUERN_OK;
    QN_TRY(qn_grad_scalar(g, (double)ignored->i, *label, &at, err));
    QN_TRY(qn_grad_scalar(g, 0, *label, &zero, err));
    QN_TRY(qn_grad_2(g, "Equal", *label, at, &equal, err));
    QN_TRY(qn_grad_1(g, "Not", equal, counts, err));
    qn_value *in[] = {equal, zero, *label};
    return qn_grad_emit(g, "", "Where", 3, in, label, err);
}

/* w dY / W with the labels' shape. */
static quern_status factors(qn_grad *g, const qn_node *node, qn_value *label,
                            qn_value *counts, qn_value **out, quern_error *err)
{
    qn_value *w, *total, *dy = qn_grad_of(g, node, 0);
    const bool weighted = node->n_in > 2 && node->in[2];
    const bool mean = !qn_node_str_is(node, "reduction", "sum") &&
                      !qn_node_str_is(node, "reduction", "none");
    if (weighted) {
        QN_TRY(qn_grad_2(g, "Gather", node->in[2], label, &w, err));
    } else {
        QN_TRY(qn_grad_scalar(g, 1, dy, &w, err));
        QN_TRY(qn_grad_spread(g, w, label->rank, label->dim, &w, err));
    }
    if (counts) QN_TRY(qn_grad_choose(g, counts, w, &w, err));
    QN_TRY(qn_grad_2(g, "Mul", w, dy, out, err));
    if (!mean) return QUERN_OK;
    QN_TRY(qn_grad_1(g, "ReduceSum", w, &total, err));
    QN_TRY(qn_grad_to_shape(g, total, 0, NULL, &total, err));
    return qn_grad_2(g, "Div", *out, total, out, err);
}

/* One at the label, along axis 1. */
static quern_status one_hot(qn_grad *g, const qn_node *node, qn_value *label,
                            qn_value **out, quern_error *err)
{
    qn_node *made;
    qn_value *depth, *zero, *one, *both;
    const qn_value *x = node->in[0];
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){x->dim[1]}, &depth, err));
    QN_TRY(qn_grad_scalar(g, 0, x, &zero, err));
    QN_TRY(qn_grad_scalar(g, 1, x, &one, err));
    QN_TRY(qn_grad_to_shape(g, zero, 1, (int64_t[]){1}, &zero, err));
    QN_TRY(qn_grad_to_shape(g, one, 1, (int64_t[]){1}, &one, err));
    QN_TRY(qn_grad_node(g, "", "Concat", 2, (qn_value *[]){zero, one}, 1, &made, err));
    QN_TRY(qn_node_set_int(made, "axis", 0, err));
    QN_TRY(qn_grad_append(g, made, err));
    both = made->out[0];
    qn_value *in[] = {label, depth, both};
    QN_TRY(qn_grad_node(g, "", "OneHot", 3, in, 1, &made, err));
    QN_TRY(qn_node_set_int(made, "axis", 1, err));
    QN_TRY(qn_grad_append(g, made, err));
    *out = made->out[0];
    return QUERN_OK;
}

/* p: softmax of the scores, or NULL for log-probabilities. */
static quern_status give(qn_grad *g, const qn_node *node, qn_value *p, quern_error *err)
{
    qn_value *label, *counts, *factor, *hot, *d, *axis;
    if (qn_grad_wants(g, node, 2))
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient of the classes' weights");
    QN_TRY(read_labels(g, node, &label, &counts, err));
    QN_TRY(factors(g, node, label, counts, &factor, err));
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){1}, &axis, err));
    QN_TRY(qn_grad_2(g, "Unsqueeze", factor, axis, &factor, err));
    QN_TRY(one_hot(g, node, label, &hot, err));
    QN_TRY(p ? qn_grad_2(g, "Sub", p, hot, &d, err)
             : qn_grad_1(g, "Neg", hot, &d, err));
    QN_TRY(qn_grad_2(g, "Mul", d, factor, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

QN_GRAD(nll_loss)
{
    return give(g, node, NULL, err);
}

QN_GRAD(cross_entropy)
{
    qn_node *softmax;
    if (qn_grad_of(g, node, 1))
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient through log_prob");
    QN_TRY(qn_grad_node(g, "", "Softmax", 1, node->in, 1, &softmax, err));
    QN_TRY(qn_node_set_int(softmax, "axis", 1, err));
    QN_TRY(qn_grad_append(g, softmax, err));
    return give(g, node, softmax->out[0], err);
}
