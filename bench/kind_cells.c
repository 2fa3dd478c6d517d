/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kind_cells.c - heat that spreads in a rectangle from its middle, and pixels
 * that follow a field of flow: the two loops that segmenting cells spends its time in.
 */
#include "bench/kinds.h"
#include "bench/truth.h"

#include <float.h>
#include <math.h>

enum { H, W, STEPS };

static const qn_problem_field fields[] = {
    [H] = {"h", QN_FIELD_NUMBERS, 1, 3, QN_NEEDED, NULL},
    [W] = {"w", QN_FIELD_NUMBERS, 1, 3, QN_LIKE(H), NULL},
    [STEPS] = {"steps", QN_FIELD_NUMBERS, 1, 1, 20, NULL},
    {.name = NULL}};

static quern_status check(const qn_problem *p, quern_error *err)
{
    if (p->v[H][0] <= 1 << 12 && p->v[W][0] <= 1 << 12 && p->v[STEPS][0] <= 1 << 14)
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID,
                   "a side of more than 4096 or more than 16384 steps");
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- heat ---- */

static void heat_shape(const qn_problem *p, qn_truth *t)
{
    const int64_t h = p->v[H][0], w = p->v[W][0], steps = p->v[STEPS][0];
    t->n_out = h * w;
    t->cost = 50 * (double)steps * (double)(h + w);
    for (int64_t k = 1; k <= steps; k++)
        t->flops +=
            10 * (double)least(h - 2, 2 * k + 1) * (double)least(w - 2, 2 * k + 1);
    t->bytes = 24 * (double)(h * w);
    t->eps = DBL_EPSILON / 2;
    t->terms = 9 * (double)steps + (double)(h + w);
    t->ulps = 4;
}

/* What is left at place i after k steps of 1 at place j on a line 0 .. n that loses
 * what reaches its ends: by the eigenvectors of the mean of three neighbours. */
static double left_on_line(int64_t n, int64_t i, int64_t j, int64_t k)
{
    const double pi = 3.14159265358979323846, unit = pi / (double)n;
    double sum = 0;
    for (int64_t m = 1; m < n; m++)
        sum += sin((double)(m * i) * unit) * sin((double)(m * j) * unit) *
               pow((1 + 2 * cos((double)m * unit)) / 3, (double)k);
    return 2 * sum / (double)n;
}

/* The mean of 3x3 neighbours is the mean of rows times the mean of columns. */
static double heat_at(const qn_truth *t, int64_t index, double *mass)
{
    const int64_t h = t->p->v[H][0], w = t->p->v[W][0];
    double sum = 0;
    for (int64_t k = 1; k <= t->p->v[STEPS][0]; k++)
        sum += left_on_line(h - 1, index / w, h / 2, k) *
               left_on_line(w - 1, index % w, w / 2, k);
    *mass = 1 + fabs(sum);
    return sum;
}

const qn_problem_kind qn_kind_heat_f64 = {
    .name = "heat_f64",
    .summary = "heat that spreads in a rectangle, as from the middle of a cell",
    .fields = fields,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = check,
    .shape = heat_shape,
    .at = heat_at,
};

/* ---- drift ---- */

/* How many steps a pixel takes depends on the field: the work is that of one step. */
static void drift_shape(const qn_problem *p, qn_truth *t)
{
    const int64_t n = p->v[H][0] * p->v[W][0];
    t->n_in = 1;
    t->in[0].name = "flow";
    t->in[0].n = 2 * n;
    t->n_out = n;
    t->cost = 30 * (double)p->v[STEPS][0];
    t->flops = 30 * (double)n;
    t->bytes = 12 * (double)n;
}

static double flow_at(const qn_truth *t, int64_t y, int64_t x, int axis)
{
    const int64_t h = t->p->v[H][0], w = t->p->v[W][0];
    return (float)t->x[0][2 * (least(y, h - 1) * w + least(x, w - 1)) + axis];
}

static float along(const qn_truth *t, float y, float x, int axis)
{
    const int64_t iy = (int64_t)y, ix = (int64_t)x;
    const double fy = (double)y - (double)iy, fx = (double)x - (double)ix;
    const double gy = 1 - fy, gx = 1 - fx;
    return (float)(flow_at(t, iy, ix, axis) * gy * gx +
                   flow_at(t, iy, ix + 1, axis) * gy * fx +
                   flow_at(t, iy + 1, ix, axis) * fy * gx +
                   flow_at(t, iy + 1, ix + 1, axis) * fy * fx);
}

/* All steps, and nothing is allowed to be off: a pixel is a whole number. */
static double drift_at(const qn_truth *t, int64_t index, double *mass)
{
    const int64_t h = t->p->v[H][0], w = t->p->v[W][0];
    float y = (float)(index / w), x = (float)(index % w);
    for (int64_t k = 0; k < t->p->v[STEPS][0]; k++) {
        const float dy = along(t, y, x, 0), dx = along(t, y, x, 1);
        y = fminf(fmaxf(y + dy, 0), (float)(h - 1));
        x = fminf(fmaxf(x + dx, 0), (float)(w - 1));
    }
    *mass = 0;
    return (double)((int64_t)y * w + (int64_t)x);
}

const qn_problem_kind qn_kind_drift_f32 = {
    .name = "drift_f32",
    .summary = "pixels that follow a field of flow, with bilinear reading",
    .fields = fields,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = check,
    .shape = drift_shape,
    .at = drift_at,
};
