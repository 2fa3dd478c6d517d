/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kind_element.c - softmax, layer normalisation, activations, functions of one
 * number. */
#include "bench/kinds.h"
#include "bench/truth.h"
#include "kernels/elementwise.h"

#include <math.h>

enum { ROWS, LENGTH };
enum { COUNT, WHICH };

#define NUMBER(name, otherwise)                       \
    {                                                 \
        name, QN_FIELD_NUMBERS, 1, 1, otherwise, NULL \
    }

static const qn_problem_field softmax_fields[] = {
    [ROWS] = NUMBER("m", 1), [LENGTH] = NUMBER("n", QN_NEEDED), {.name = NULL}};
static const qn_problem_field act_fields[] = {
    [COUNT] = NUMBER("n", QN_NEEDED),
    [WHICH] = {"act", QN_FIELD_WORD, 0, 0, QN_NEEDED, QN_ACT_WORDS},
    {.name = NULL}};
/* Words in the order of unary_functions below. */
static const qn_problem_field unary_fields[] = {
    [COUNT] = NUMBER("n", QN_NEEDED),
    [WHICH] = {"op", QN_FIELD_WORD, 0, 0, QN_NEEDED, "exp tanh sigmoid erf sqrt gelu"},
    {.name = NULL}};

static quern_status check(const qn_problem *p, quern_error *err)
{
    const bool has_rows =
        p->kind == &qn_kind_softmax_f32 || p->kind == &qn_kind_rownorm_f32;
    if ((double)p->v[0][0] * (double)(has_rows ? p->v[LENGTH][0] : 1) > 1 << 30)
        return qn_fail(err, QUERN_INVALID, "an operand of more than 2^30 elements");
    return QUERN_OK;
}

/* ---- softmax --------------------------------------------------------------------- */

static void softmax_shape(const qn_problem *p, qn_truth *t)
{
    t->n_in = 1;
    t->in[0].name = "x";
    t->in[0].n = t->n_out = p->v[ROWS][0] * p->v[LENGTH][0];
    t->cost = 8 * (double)p->v[LENGTH][0];
    t->flops = 4 * (double)t->n_out; /* less, exp as one, sum, divide */
    t->bytes = 8 * (double)t->n_out;
    t->terms = 0;
    t->ulps = 16 + (double)p->v[LENGTH][0] / 8; /* a sum of positive terms */
}

static double softmax_at(const qn_truth *t, int64_t index, double *mass)
{
    const int64_t n = t->p->v[LENGTH][0];
    const double *x = t->x[0] + index / n * n;
    double top = x[0], sum = 0;
    for (int64_t i = 1; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i] - top);
    *mass = exp(t->x[0][index] - top) / sum;
    return *mass;
}

const qn_problem_kind qn_kind_softmax_f32 = {
    .name = "softmax_f32",
    .brief = "softmax",
    .summary = "softmax of m rows of n",
    .fields = softmax_fields,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = check,
    .shape = softmax_shape,
    .at = softmax_at,
};

/* ---- layer normalisation --------------------------------------------------------- */

static const double norm_epsilon = 1e-5;

static void rownorm_shape(const qn_problem *p, qn_truth *t)
{
    static const char *const names[] = {"x", "scale", "bias"};
    const int64_t n = p->v[LENGTH][0];
    t->n_in = 3;
    t->n_out = p->v[ROWS][0] * n;
    for (int i = 0; i < 3; i++) {
        t->in[i].name = names[i];
        t->in[i].n = i == 0 ? t->n_out : n;
    }
    t->cost = 4 * (double)n;
    t->flops = 8 * (double)t->n_out;
    t->bytes = 8 * (double)t->n_out;
    t->terms = 8 + (double)n / 16;
}

static double rownorm_at(const qn_truth *t, int64_t index, double *mass)
{
    const int64_t n = t->p->v[LENGTH][0], i = index % n;
    const double *x = t->x[0] + index / n * n;
    double mean = 0, size = 0, variance = 0;
    for (int64_t k = 0; k < n; k++) {
        mean += x[k] / (double)n;
        size += fabs(x[k]) / (double)n;
    }
    for (int64_t k = 0; k < n; k++)
        variance += (x[k] - mean) * (x[k] - mean) / (double)n;
    const double factor = t->x[1][i] / sqrt(variance + norm_epsilon);
    *mass = (fabs(x[i]) + size) * fabs(factor) + fabs(t->x[2][i]);
    return (x[i] - mean) * factor + t->x[2][i];
}

const qn_problem_kind qn_kind_rownorm_f32 = {
    .name = "rownorm_f32",
    .summary = "layer normalisation of m rows of n",
    .fields = softmax_fields,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = check,
    .shape = rownorm_shape,
    .at = rownorm_at,
};

/* ---- elementwise ----------------------------------------------------------------- */

static void element_shape(const qn_problem *p, qn_truth *t)
{
    t->n_in = 1;
    t->in[0].name = "x";
    t->in[0].n = t->n_out = p->v[COUNT][0];
    t->cost = 8;
    t->flops = (double)t->n_out;
    t->bytes = 8 * (double)t->n_out;
    t->terms = 4; /* of |x| + |y|: near zeros of the function, too */
    t->ulps = 4;
}

static double act_at(const qn_truth *t, int64_t index, double *mass)
{
    const double x = t->x[0][index];
    const double y = qn_truth_act_of(qn_truth_act(t->p->v[WHICH][0]), x);
    *mass = fabs(x) + fabs(y);
    return y;
}

static double unary_at(const qn_truth *t, int64_t index, double *mass)
{
    const double x = t->x[0][index];
    double y = 0;
    switch (t->p->v[WHICH][0]) {
    case 0:
        y = exp(x);
        break;
    case 1:
        y = tanh(x);
        break;
    case 2:
        y = 1 / (1 + exp(-x));
        break;
    case 3:
        y = erf(x);
        break;
    case 4:
        y = sqrt(fabs(x));
        break; /* the adapter takes |x|, too */
    default:
        y = x / 2 * (1 + erf(x * 0.70710678118654752440));
        break;
    }
    *mass = fabs(x) + fabs(y);
    return y;
}

#define ELEMENT_KIND(kind, text, its_fields, its_at) \
    const qn_problem_kind qn_kind_##kind = {         \
        .name = #kind,                               \
        .summary = text,                             \
        .fields = its_fields,                        \
        .flag_field = {-1, -1},                      \
        .act_field = -1,                             \
        .check = check,                              \
        .shape = element_shape,                      \
        .at = its_at,                                \
    };
ELEMENT_KIND(act_f32, "an activation in place", act_fields, act_at)
ELEMENT_KIND(unary_f32, "a function of every element", unary_fields, unary_at)
