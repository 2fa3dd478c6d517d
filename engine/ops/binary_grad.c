/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/binary_grad.c - gradients of arithmetic with broadcasting: those of equal
 * shapes, summed over the dims along which an operand was repeated. */
#include "engine/ops/grads.h"

QN_GRAD(plus)
{
    qn_value *dy = qn_grad_of(g, node, 0);
    QN_TRY(qn_grad_give(g, node, 0, dy, err));
    return qn_grad_give(g, node, 1, dy, err);
}

QN_GRAD(minus)
{
    qn_value *dy = qn_grad_of(g, node, 0), *minus;
    QN_TRY(qn_grad_give(g, node, 0, dy, err));
    if (!qn_grad_wants(g, node, 1)) return QUERN_OK;
    QN_TRY(qn_grad_1(g, "Neg", dy, &minus, err));
    return qn_grad_give(g, node, 1, minus, err);
}

QN_GRAD(mul)
{
    qn_value *dy = qn_grad_of(g, node, 0), *d;
    for (int i = 0; i < 2; i++) {
        if (!qn_grad_wants(g, node, i)) continue;
        QN_TRY(qn_grad_2(g, "Mul", dy, node->in[1 - i], &d, err));
        QN_TRY(qn_grad_give(g, node, i, d, err));
    }
    return QUERN_OK;
}

/* d(a/b) = da/b - (a/b) db/b. */
QN_GRAD(div)
{
    qn_value *d, *e, *minus;
    QN_TRY(qn_grad_2(g, "Div", qn_grad_of(g, node, 0), node->in[1], &d, err));
    QN_TRY(qn_grad_give(g, node, 0, d, err));
    if (!qn_grad_wants(g, node, 1)) return QUERN_OK;
    QN_TRY(qn_grad_2(g, "Mul", d, node->out[0], &e, err));
    QN_TRY(qn_grad_1(g, "Neg", e, &minus, err));
    return qn_grad_give(g, node, 1, minus, err);
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
        QN_TRY(qn_grad_give(g, node, 0, e, err));
    }
    if (!qn_grad_wants(g, node, 1)) return QUERN_OK;
    QN_TRY(qn_grad_1(g, "Log", a, &d, err));
    QN_TRY(qn_grad_2(g, "Mul", d, node->out[0], &e, err));
    QN_TRY(qn_grad_2(g, "Mul", dy, e, &d, err));
    return qn_grad_give(g, node, 1, d, err);
}

QN_GRAD(sum)
{
    qn_value *dy = qn_grad_of(g, node, 0), *n;
    if (node->op->name[0] == 'M') { /* Mean */
        QN_TRY(qn_grad_scalar(g, 1.0 / node->n_in, dy, &n, err));
        QN_TRY(qn_grad_2(g, "Mul", dy, n, &dy, err));
    }
    for (int i = 0; i < node->n_in; i++)
        QN_TRY(qn_grad_give(g, node, i, dy, err));
    return QUERN_OK;
}

QN_GRAD(where)
{
    qn_value *dy = qn_grad_of(g, node, 0), *choice = node->in[0], *d;
    QN_TRY(qn_grad_choose(g, choice, dy, &d, err));
    QN_TRY(qn_grad_give(g, node, 1, d, err));
    if (!qn_grad_wants(g, node, 2)) return QUERN_OK;
    QN_TRY(qn_grad_1(g, "Not", choice, &choice, err));
    QN_TRY(qn_grad_choose(g, choice, dy, &d, err));
    return qn_grad_give(g, node, 2, d, err);
}

/* Of equal operands the first takes it. */
QN_GRAD(most)
{
    qn_value *dy = qn_grad_of(g, node, 0), *left = NULL, *mine, *other, *d;
    for (int i = 0; i < node->n_in; i++) {
        QN_TRY(qn_grad_2(g, "Equal", node->in[i], node->out[0], &mine, err));
        QN_TRY(qn_grad_1(g, "Not", mine, &other, err));
        if (left) QN_TRY(qn_grad_2(g, "And", mine, left, &mine, err));
        if (left) QN_TRY(qn_grad_2(g, "And", other, left, &other, err));
        left = other; /* whose maximum is none of the operands so far */
        QN_TRY(qn_grad_choose(g, mine, dy, &d, err));
        QN_TRY(qn_grad_give(g, node, i, d, err));
    }
    return QUERN_OK;
}
