/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kind_grad.c - the ways back through what stands between convolutions. */
#include "bench/kinds.h"
#include "bench/truth.h"

#include <math.h>

enum { COUNT, WHICH };

/* ---- functions of one number ----------------------------------------------------- */

/* Words in the order of the cases below; dx = dy f'(x), the first three from y. */
static const qn_problem_field unary_fields[] = {
    [COUNT] = {"n", QN_FIELD_NUMBERS, 1, 1, QN_NEEDED, NULL},
    [WHICH] = {"op", QN_FIELD_WORD, 0, 0, QN_NEEDED,
               "relu sigmoid tanh hard_swish gelu swish"},
    {.name = NULL}};

static quern_status check_unary(const qn_problem *p, quern_error *err)
{
    if (p->v[COUNT][0] <= 1 << 30) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "an operand of more than 2^30 elements");
}

static void unary_shape(const qn_problem *p, qn_truth *t)
{
    t->n_in = 2;
    t->in[0].name = "dy";
    t->in[1].name = "x";
    t->in[0].n = t->in[1].n = t->n_out = p->v[COUNT][0];
    t->cost = 8;
    t->flops = (double)t->n_out;
    t->bytes = 12 * (double)t->n_out;
    t->terms = 8;
    t->ulps = 4;
}

static double slope(int64_t which, double x)
{
    const double s = 1 / (1 + exp(-x));
    switch (which) {
    case 0:
        return x > 0;
    case 1:
        return x * (1 - x);
    case 2:
        return 1 - x * x;
    case 3:
        return x < -3 ? 0 : x > 3 ? 1 : x / 3 + 0.5;
    case 4:
        return (1 + erf(x * 0.70710678118654752440)) / 2 +
               x * 0.39894228040143267794 * exp(-x * x / 2);
    default:
        return s + x * s * (1 - s);
    }
}

static double unary_at(const qn_truth *t, int64_t i, double *mass)
{
    const double dy = t->x[0][i], x = t->x[1][i];
    *mass = fabs(dy) * (1 + fabs(x) + x * x);
    return dy * slope(t->p->v[WHICH][0], x);
}

const qn_problem_kind qn_kind_unary_grad_f32 = {
    .name = "unary_grad_f32",
    .summary = "the gradient of a function of every element",
    .fields = unary_fields,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = check_unary,
    .shape = unary_shape,
    .at = unary_at,
};
