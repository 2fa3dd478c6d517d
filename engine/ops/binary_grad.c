/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/binary_grad.c - gradients of arithmetic with broadcasting: those of equal
 * shapes, summed over the dims along which an operand was repeated. */
#include "engine/ops/grads.h"

/* d, summed to the shape of input i, is its gradient. */
static quern_status give(qn_grad *g, const qn_node *node, int i, qn_value *d,
                         quern_error *err)
{
    qn_value *sum;
    if (!qn_grad_wants(g, node, i)) return QUERN_OK;
    QN_TRY(qn_grad_sum_to(g, d, node->in[i], &sum, err));
    return qn_grad_add(g, node, i, sum, err);
}

QN_GRAD(plus)
{
    qn_value *dy = qn_grad_of(g, node, 0);
    QN_TRY(give(g, node, 0, dy, err));
    return give(g, node, 1, dy, err);
}

QN_GRAD(minus)
{
    qn_value *dy = qn_grad_of(g, node, 0), *minus;
    QN_TRY(give(g, node, 0, dy, err));
    if (!qn_grad_wants(g, node, 1)) return QUERN_OK;
    QN_TRY(qn_grad_1(g, "Neg", dy, &minus, err));
    return give(g, node, 1, minus, err);
}

QN_GRAD(mul)
{
    qn_value *dy = qn_grad_of(g, node, 0), *d;
    for (int i = 0; i < 2; i++) {
        if (!qn_grad_wants(g, node, i)) continue;
        QN_TRY(qn_grad_2(g, "Mul", dy, node->in[1 - i], &d, err));
        QN_TRY(give(g, node, i, d, err));
    }
    return QUERN_OK;
}

/* d(a/b) = da/b - (a/b) db/b. */
QN_GRAD(div)
{
    qn_value *d, *e, *minus;
    QN_TRY(qn_grad_2(g, "Div", qn_grad_of(g, node, 0), node->in[1], &d, err));
    QN_TRY(give(g, node, 0, d, err));
    if (!qn_grad_wants(g, node, 1)) return QUERN_OK;
    QN_TRY(qn_grad_2(g, "Mul", d, node->out[0], &e, err));
    QN_TRY(qn_grad_1(g, "Neg", e, &minus, err));
    return give(g, node, 1, minus, err);
}

/* d(a^b) = b a^(b-1) da + a^b log(a) db. */
QN_GRAD(pow)
{
    qn_value *dy = qn_grad_of(g, node, 0), *a = node->in[0], *b = node->in[1];
    qn_value *one, *less, *power, *d, *e;
    if (qn_grad_wants(g, node, 0)) {
        QN_TRY(qn_grad_scalar(g, 1, b, &one, err));
        QN_TRY(qn_grad_2(g, "Sub", b, one, &less, err));
        QN_TRY(qn_grad_2(g, "Pow", a, less, &power, err));
        QN_TRY(qn_grad_2(g, "Mul", dy, power, &d, err));
        QN_TRY(qn_grad_2(g, "Mul", d, b, &e, err));
        QN_TRY(give(g, node, 0, e, err));
    }
    if (!qn_grad_wants(g, node, 1)) return QUERN_OK;
    QN_TRY(qn_grad_1(g, "Log", a, &d, err));
    QN_TRY(qn_grad_2(g, "Mul", d, node->out[0], &e, err));
    QN_TRY(qn_grad_2(g, "Mul", dy, e, &d, err));
    return give(g, node, 1, d, err);
}

QN_GRAD(sum)
{
    qn_value *dy = qn_grad_of(g, node, 0), *n;
    if (node->op->name[0] == 'M') { /* Mean */
        QN_TRY(qn_grad_scalar(g, 1.0 / node->n_in, dy, &n, err));
        QN_TRY(qn_grad_2(g, "Mul", dy, n, &dy, err));
    }
    for (int i = 0; i < node->n_in; i++)
        QN_TRY(give(g, node, i, dy, err));
    return QUERN_OK;
}

/* dy where `choice` (bool) is what it should be, else 0. */
static quern_status choose(qn_grad *g, qn_value *choice, qn_value *dy, bool other,
                           qn_value **out, quern_error *err)
{
    qn_value *zero;
    QN_TRY(qn_grad_scalar(g, 0, dy, &zero, err));
    qn_value *in[] = {choice, other ? zero : dy, other ? dy : zero};
    return qn_grad_emit(g, "", "Where", 3, in, out, err);
}

QN_GRAD(where)
{
    qn_value *dy = qn_grad_of(g, node, 0), *d;
    for (int i = 1; i < 3; i++) {
        if (!qn_grad_wants(g, node, i)) continue;
        QN_TRY(choose(g, node->in[0], dy, i == 2, &d, err));
        QN_TRY(give(g, node, i, d, err));
    }
    return QUERN_OK;
}

/* Of equal operands the first takes it. */
QN_GRAD(most)
{
    qn_value *dy = qn_grad_of(g, node, 0), *first, *d;
    if (node->n_in == 1) return qn_grad_add(g, node, 0, dy, err);
    if (node->n_in != 2)
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for %d operands, only 2",
                       node->n_in);
    QN_TRY(qn_grad_2(g, "Equal", node->in[0], node->out[0], &first, err));
    for (int i = 0; i < 2; i++) {
        if (!qn_grad_wants(g, node, i)) continue;
        QN_TRY(choose(g, first, dy, i == 1, &d, err));
        QN_TRY(give(g, node, i, d, err));
    }
    return QUERN_OK;
}
