/* SPDX-License-Identifier: Apache-2.0 */
/* bench/truth.c - operands, results in double, and the comparison with them. */
#include "bench/truth.h"

#include <math.h>
#include <string.h>

/* Multiply-adds spent on one set of results; a larger problem is checked by sample. */
#define MOST_WORK 6e7
enum { EDGE = 96 }; /* first and last results, always in the sample */

static uint64_t mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Every value is a float, so that narrowing it in an adapter changes nothing. */
static void fill(double *x, int64_t n, qn_truth_data data, uint64_t key)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t r = mix(key ^ mix((uint64_t)i));
        if (data == QN_DATA_INTEGERS)
            x[i] = (double)(int64_t)(r % 7) - 3;
        else
            x[i] = (double)(int64_t)(r >> 40) * 0x1p-23 - 1;
    }
}

void qn_truth_shape(qn_truth *t, const qn_problem *p)
{
    *t = (qn_truth){.p = p, .eps = 0x1p-23, .cost = 1};
    p->kind->shape(p, t);
}

/* Which results to know: all, or the edges and a scatter. */
static void choose(qn_truth *t)
{
    for (int64_t i = 0; i < t->n_checked; i++) {
        if (t->n_checked == t->n_out || i < EDGE)
            t->index[i] = i;
        else if (i < 2 * EDGE)
            t->index[i] = t->n_out - 1 - (i - EDGE);
        else
            t->index[i] = (int64_t)(mix((uint64_t)i) % (uint64_t)t->n_out);
    }
}

quern_status qn_truth_make(qn_truth *t, const qn_problem *p, qn_truth_data data,
                           qn_arena *arena, quern_error *err)
{
    void *at;
    qn_truth_shape(t, p);
    t->data = data;
    for (int i = 0; i < t->n_in; i++) {
        QN_TRY(qn_arena_array(arena, (size_t)t->in[i].n, sizeof(double), &at, err));
        t->x[i] = at;
        fill(t->x[i], t->in[i].n, data, (uint64_t)(i + 1) << 40);
    }
    const double most = MOST_WORK / t->cost;
    t->n_checked = most < (double)t->n_out ? (int64_t)most : t->n_out;
    if (t->n_checked < 4 * EDGE) t->n_checked = 4 * EDGE;
    if (t->n_checked > t->n_out) t->n_checked = t->n_out;
    QN_TRY(qn_arena_array(arena, (size_t)t->n_checked, sizeof(int64_t), &at, err));
    t->index = at;
    QN_TRY(qn_arena_array(arena, (size_t)t->n_checked, sizeof(double), &at, err));
    t->y = at;
    QN_TRY(qn_arena_array(arena, (size_t)t->n_checked, sizeof(double), &at, err));
    t->mass = at;
    choose(t);
    for (int64_t i = 0; i < t->n_checked; i++)
        t->y[i] = p->kind->at(t, t->index[i], &t->mass[i]);
    return QUERN_OK;
}

static double bound_of(const qn_truth *t, int64_t i, bool is_direct)
{
    const double unit = t->eps * t->mass[i], ulps = t->ulps * t->eps * fabs(t->y[i]);
    if (!is_direct) return (4 * sqrt(t->terms) + 40) * unit + ulps;
    if (t->is_sum && t->data == QN_DATA_INTEGERS && t->mass[i] < 1 / t->eps)
        return ulps;
    return (t->terms + 2) * unit + ulps;
}

double qn_truth_error(const qn_truth *t, const double *y, bool is_direct, int64_t *bad)
{
    double worst = 0, worst_share = 1;
    *bad = -1;
    for (int64_t i = 0; i < t->n_checked; i++) {
        const double off = fabs(y[t->index[i]] - t->y[i]);
        const double bound = bound_of(t, i, is_direct);
        if (off > 0 && off / (t->eps * t->mass[i]) > worst)
            worst = off / (t->eps * t->mass[i]);
        if (off <= bound) continue;
        if (isnan(off)) worst = (double)INFINITY;
        const double share = isnan(off) || bound == 0 ? (double)INFINITY : off / bound;
        if (share > worst_share) *bad = t->index[i];
        if (share > worst_share) worst_share = share;
    }
    return worst;
}

/* ---- activations ----------------------------------------------------------------- */

qn_act qn_truth_act(int64_t word)
{
    qn_act act = {.kind = (uint8_t)word};
    if (word == QN_ACT_CLIP) act.beta = 6;
    if (word == QN_ACT_LEAKY_RELU) act.alpha = 0.125f;
    if (word == QN_ACT_HARD_SIGMOID) act.alpha = 1.0f / 6, act.beta = 0.5f;
    return act;
}

static double within(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

double qn_truth_act_of(qn_act act, double x)
{
    const double a = (double)act.alpha, b = (double)act.beta;
    switch (act.kind) {
    case QN_ACT_RELU:
        return x < 0 ? 0 : x;
    case QN_ACT_CLIP:
        return within(x, a, b);
    case QN_ACT_LEAKY_RELU:
        return x < 0 ? a * x : x;
    case QN_ACT_HARD_SIGMOID:
        return within(a * x + b, 0, 1);
    case QN_ACT_HARD_SWISH:
        return x * within(x / 6 + 0.5, 0, 1);
    case QN_ACT_SIGMOID:
        return 1 / (1 + exp(-x));
    case QN_ACT_SILU:
        return x / (1 + exp(-x));
    case QN_ACT_TANH:
        return tanh(x);
    case QN_ACT_GELU:
        return x / 2 * (1 + erf(x * 0.70710678118654752440));
    default:
        return x;
    }
}
