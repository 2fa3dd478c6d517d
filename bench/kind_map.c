/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kind_map.c - what stands between convolutions: sums and products of maps,
 * channels in turn, changes of layout, enlarging. */
#include "bench/kinds.h"
#include "bench/truth.h"

#include <math.h>

enum { N, C, H, W, OP, ACT };
enum { SCALE = OP, MODE };
enum { ADD, FACTOR, BLOCK, UNBLOCK, WEAVE };

#define NUMBER(name, otherwise)                       \
    {                                                 \
        name, QN_FIELD_NUMBERS, 1, 1, otherwise, NULL \
    }
#define IMAGE                                                                         \
    [N] = NUMBER("n", 1), [C] = NUMBER("c", QN_NEEDED), [H] = NUMBER("h", QN_NEEDED), \
    [W] = NUMBER("w", QN_LIKE(H))

static const qn_problem_field map_fields[] = {
    IMAGE,
    [OP] = {"op", QN_FIELD_WORD, 0, 0, QN_NEEDED, "add scale block unblock weave"},
    [ACT] = {"act", QN_FIELD_WORD, 0, 0, 0, QN_ACT_WORDS},
    {.name = NULL}};
static const qn_problem_field resize_fields[] = {
    IMAGE,
    [SCALE] = NUMBER("scale", 2),
    [MODE] = {"mode", QN_FIELD_WORD, 0, 0, 0, "nearest linear"},
    {.name = NULL}};

static quern_status check(const qn_problem *p, quern_error *err)
{
    double n = (double)p->v[N][0] * (double)p->v[C][0] * (double)p->v[H][0] *
               (double)p->v[W][0];
    const bool is_resize = p->kind == &qn_kind_resize_f32;
    if (is_resize) n *= (double)p->v[SCALE][0] * (double)p->v[SCALE][0];
    if (n > 1 << 30)
        return qn_fail(err, QUERN_INVALID, "an operand of more than 2^30 elements");
    if (!is_resize && p->v[OP][0] >= 2 && p->v[ACT][0])
        return qn_fail(err, QUERN_INVALID, "what moves data has no activation");
    return QUERN_OK;
}

/* ---- maps ------------------------------------------------------------------------ */

/* Where element i of a weave comes from, in x or, the odd channels, in z. */
static int64_t woven(const qn_problem *p, int64_t i, int *operand)
{
    const int64_t plane = p->v[H][0] * p->v[W][0], c = p->v[C][0], ch = i / plane % c;
    *operand = (int)(ch % 2);
    return (i / plane / c * c + ch / 2) * plane + i % plane;
}

static void map_shape(const qn_problem *p, qn_truth *t)
{
    const int64_t op = p->v[OP][0], n = p->v[N][0] * p->v[C][0];
    t->n_in = op == BLOCK || op == UNBLOCK ? 1 : 2;
    t->n_out = n * p->v[H][0] * p->v[W][0];
    t->in[0].name = "x";
    t->in[0].n = t->n_out;
    t->in[1].name = "z";
    t->in[1].n = op == FACTOR ? n : t->n_out;
    t->flops = op < 2 ? (double)t->n_out : 0;
    t->bytes = 4 * (double)(t->in[0].n + (t->n_in == 2 ? t->in[1].n : 0) + t->n_out);
    t->terms = 2;
    t->is_sum = p->v[ACT][0] <= 1;
    t->ulps = t->is_sum ? 0 : 8;
}

static double map_at(const qn_truth *t, int64_t i, double *mass)
{
    const qn_problem *p = t->p;
    const double x = t->x[0][i];
    double y = x;
    *mass = fabs(x);
    if (p->v[OP][0] == 0) {
        y = x + t->x[1][i];
        *mass += fabs(t->x[1][i]);
    } else if (p->v[OP][0] == 1) {
        y = x * t->x[1][i / (p->v[H][0] * p->v[W][0])];
        *mass = fabs(y);
    } else if (p->v[OP][0] == WEAVE) {
        int operand;
        const int64_t from = woven(p, i, &operand);
        y = t->x[operand][from];
        *mass = fabs(y);
    }
    return qn_truth_act_of(qn_truth_act(p->v[ACT][0]), y);
}

const qn_problem_kind qn_kind_map_f32 = {
    .name = "map_f32",
    .summary =
        "maps: x + z, x times a factor a channel, channels in turn, to blocks and back",
    .fields = map_fields,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = check,
    .shape = map_shape,
    .at = map_at,
};

/* ---- enlarging ------------------------------------------------------------------- */

static void resize_shape(const qn_problem *p, qn_truth *t)
{
    const int64_t s = p->v[SCALE][0];
    t->n_in = 1;
    t->in[0].name = "x";
    t->in[0].n = p->v[N][0] * p->v[C][0] * p->v[H][0] * p->v[W][0];
    t->n_out = t->in[0].n * s * s;
    t->cost = 4;
    t->flops = p->v[MODE][0] ? 6 * (double)t->n_out : 0;
    t->bytes = 4 * (double)(t->in[0].n + t->n_out);
    t->terms = 6;
    t->is_sum = p->v[MODE][0] == 0;
    t->ulps = 2;
}

/* Source of output i along an axis of n inputs: a + mix * (b - a), half-pixel centres.
 */
static void source(int64_t i, int64_t n, int64_t scale, int64_t *a, int64_t *b,
                   double *mix)
{
    const double at = ((double)i + 0.5) / (double)scale - 0.5;
    const double low = floor(at);
    *mix = (double)(float)(at - low);
    *a = low < 0 ? 0 : (int64_t)low;
    *b = low + 1 > (double)(n - 1) ? n - 1 : (int64_t)low + 1;
}

static double resize_at(const qn_truth *t, int64_t index, double *mass)
{
    const qn_problem *p = t->p;
    const int64_t s = p->v[SCALE][0], h = p->v[H][0], w = p->v[W][0];
    const int64_t column = index % (w * s), row = index / (w * s) % (h * s);
    const double *x = t->x[0] + index / (w * s * h * s) * h * w;
    int64_t r[2], c[2];
    double rm, cm;
    if (p->v[MODE][0] == 0) {
        *mass = fabs(x[row / s * w + column / s]);
        return x[row / s * w + column / s];
    }
    source(row, h, s, &r[0], &r[1], &rm);
    source(column, w, s, &c[0], &c[1], &cm);
    double y[2];
    *mass = 0;
    for (int k = 0; k < 2; k++) {
        const double a = x[r[k] * w + c[0]], b = x[r[k] * w + c[1]];
        y[k] = a + cm * (b - a);
        *mass += fabs(a) + fabs(b);
    }
    return y[0] + rm * (y[1] - y[0]);
}

const qn_problem_kind qn_kind_resize_f32 = {
    .name = "resize_f32",
    .summary = "enlarge images by a whole factor",
    .fields = resize_fields,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = check,
    .shape = resize_shape,
    .at = resize_at,
};
