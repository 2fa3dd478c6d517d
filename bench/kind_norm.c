/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kind_norm.c - the parts of a batch normalisation that is trained: statistics,
 * result, sums of the way back, gradient. */
#include "bench/kinds.h"
#include "bench/truth.h"
#include "kernels/blocked.h"

#include <math.h>

enum { N, C, H, W, OP, ACT };
enum { MOMENTS, NORM, SUMS, BACK };
enum { X, DY, VECTORS };
enum { WEIGHT, BIAS, MEAN, SHIFT, SLOPE }; /* rows of the vectors, [5][c] */

#define NUMBER(name, otherwise)                       \
    {                                                 \
        name, QN_FIELD_NUMBERS, 1, 1, otherwise, NULL \
    }
static const qn_problem_field fields[] = {
    [N] = NUMBER("n", 1),
    [C] = NUMBER("c", QN_NEEDED),
    [H] = NUMBER("h", QN_NEEDED),
    [W] = NUMBER("w", QN_LIKE(H)),
    [OP] = {"op", QN_FIELD_WORD, 0, 0, QN_NEEDED, "moments norm sums back"},
    [ACT] = {"act", QN_FIELD_WORD, 0, 0, 0, "none relu"},
    {.name = NULL}};

static quern_status check(const qn_problem *p, quern_error *err)
{
    if ((double)p->v[N][0] * (double)p->v[C][0] * (double)p->v[H][0] *
            (double)p->v[W][0] <=
        1 << 30)
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "an operand of more than 2^30 elements");
}

/* Results of moments and sums: two for each plane. */
static bool is_summed(const qn_problem *p)
{
    return p->v[OP][0] == MOMENTS || p->v[OP][0] == SUMS;
}

static void norm_shape(const qn_problem *p, qn_truth *t)
{
    const int64_t op = p->v[OP][0], planes = p->v[N][0] * p->v[C][0];
    const int64_t plane = p->v[H][0] * p->v[W][0];
    t->n_in = 3;
    t->in[X].name = "x";
    t->in[X].n = t->in[DY].n = planes * plane;
    t->in[DY].name = "dy";
    t->in[VECTORS].name = "vectors";
    t->in[VECTORS].n = 5 * p->v[C][0];
    t->n_out = is_summed(p) ? 2 * planes : planes * plane;
    t->cost = is_summed(p) ? 2 * (double)plane : 6;
    t->flops = (double)(planes * plane) * (op == NORM ? 2 : 4);
    t->bytes = 4 * (double)(planes * plane) * (op == MOMENTS ? 1 : op == BACK ? 3 : 2);
    t->terms = is_summed(p) ? (double)QN_NORM8C_STRETCH / 2 + 8 : 8;
    t->ulps = 4;
}

/* dy before the activation. */
static double before_act(const qn_truth *t, int64_t i, int64_t c)
{
    const int64_t n = t->p->v[C][0];
    const double *v = t->x[VECTORS];
    const double y = v[WEIGHT * n + c] * t->x[X][i] + v[BIAS * n + c];
    return t->p->v[ACT][0] && y <= 0 ? 0 : t->x[DY][i];
}

static double sum_at(const qn_truth *t, int64_t index, double *mass)
{
    const qn_problem *p = t->p;
    const int64_t plane = p->v[H][0] * p->v[W][0], c = index / 2 % p->v[C][0];
    const double *x = t->x[X] + index / 2 * plane;
    const double fixed = t->x[VECTORS][MEAN * p->v[C][0] + c];
    double mean = 0, sum = 0;
    *mass = 0;
    for (int64_t i = 0; i < plane; i++)
        mean += x[i] / (double)plane;
    for (int64_t i = 0; i < plane; i++) {
        const double g = before_act(t, index / 2 * plane + i, c), off = x[i] - mean;
        double term = index % 2 ? g * (x[i] - fixed) : g;
        if (p->v[OP][0] == MOMENTS) term = index % 2 ? off * off : x[i] / (double)plane;
        sum += term;
        *mass += fabs(term) + 0.01;
    }
    return sum;
}

static double norm_at(const qn_truth *t, int64_t i, double *mass)
{
    const qn_problem *p = t->p;
    if (is_summed(p)) return sum_at(t, i, mass);
    const int64_t n = p->v[C][0], c = i / (p->v[H][0] * p->v[W][0]) % n;
    const double *v = t->x[VECTORS], x = t->x[X][i];
    if (p->v[OP][0] == NORM) {
        const double y = v[WEIGHT * n + c] * x + v[BIAS * n + c];
        *mass = fabs(v[WEIGHT * n + c] * x) + fabs(v[BIAS * n + c]);
        return p->v[ACT][0] && y <= 0 ? 0 : y;
    }
    const double g = before_act(t, i, c), off = x - v[MEAN * n + c];
    *mass = fabs(v[WEIGHT * n + c]) *
            (fabs(g) + fabs(v[SHIFT * n + c]) +
             (fabs(x) + fabs(v[MEAN * n + c])) * fabs(v[SLOPE * n + c]));
    return v[WEIGHT * n + c] * (g - v[SHIFT * n + c] - off * v[SLOPE * n + c]);
}

const qn_problem_kind qn_kind_norm_f32 = {
    .name = "norm_f32",
    .summary = "batch normalisation in training: a part of it",
    .fields = fields,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = check,
    .shape = norm_shape,
    .at = norm_at,
};
