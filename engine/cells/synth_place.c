/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/synth_place.c - where cells are and what their outlines are: ellipses
 * whose radius wobbles with the angle, laid one by one, each giving way to those before
 * it; or a layer without gaps, where every pixel belongs to the nearest middle. */
#include "engine/cells/synth_parts.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

enum { HARMONICS = 4, TRIES = 8, MOST_CENTRES = 11, LEAST_PIXELS = 12 };

typedef struct outline {
    double y, x, radius;
    double a, b;    /* half axes over the radius */
    double turn[2]; /* cosine and sine of the long axis */
    double wobble[HARMONICS], phase[HARMONICS];
} outline;

/* How the cells of one picture are alike. */
typedef struct habit {
    double spread;  /* of their radii */
    double stretch; /* mean logarithm of the ratio of axes */
    double wobble;  /* over the usual one */
    double overlap; /* the most that a cell may lose to others */
    double pairs;   /* share that is dividing */
    double light;   /* spread of brightness */
    int n_centres;  /* of clusters; 0: none */
    double centre[MOST_CENTRES][2];
} habit;

static habit draw_habit(qn_synth_scene *s)
{
    qn_dice *d = &s->dice;
    const double height = (double)s->opt->height, width = (double)s->opt->width;
    habit h = {.spread = qn_dice_between(d, 0.05, 0.3),
               .overlap = qn_dice_between(d, 0, 0.25),
               .light = qn_dice_between(d, 0.1, 0.6)};
    const double kind = qn_dice_between(d, 0, 1);
    h.stretch = kind < 0.12 ? qn_dice_between(d, 0.4, 1) : 0;
    h.wobble = kind > 0.9 ? 2 : 1;
    h.pairs = qn_dice_chance(d, 0.2) ? qn_dice_between(d, 0.02, 0.2) : 0;
    if (qn_dice_chance(d, 0.6)) h.n_centres = (int)qn_dice_between(d, 1, 11.999);
    for (int k = 0; k < h.n_centres; k++) {
        h.centre[k][0] = qn_dice_between(d, 0, height);
        h.centre[k][1] = qn_dice_between(d, 0, width);
    }
    return h;
}

/* ---- an outline ---- */

static void draw_place(qn_synth_scene *s, const habit *h, outline *o)
{
    qn_dice *d = &s->dice;
    const double r = s->radius;
    o->y = qn_dice_between(d, -r / 2, (double)s->opt->height + r / 2);
    o->x = qn_dice_between(d, -r / 2, (double)s->opt->width + r / 2);
    if (h->n_centres == 0 || !qn_dice_chance(d, 0.8)) return;
    const double *at = h->centre[(int)qn_dice_between(d, 0, h->n_centres - 0.001)];
    o->y = at[0] + qn_dice_normal(d, 3 * r);
    o->x = at[1] + qn_dice_normal(d, 3 * r);
}

static outline draw_outline(qn_synth_scene *s, const habit *h)
{
    qn_dice *d = &s->dice;
    outline o = {.radius = s->radius * exp(qn_dice_normal(d, h->spread))};
    const double ratio = exp(h->stretch / 2 + qn_dice_normal(d, 0.18));
    const double turn = qn_dice_between(d, 0, PI);
    o.a = ratio;
    o.b = 1 / ratio;
    o.turn[0] = cos(turn);
    o.turn[1] = sin(turn);
    for (int k = 0; k < HARMONICS; k++) {
        o.wobble[k] = h->wobble * qn_dice_normal(d, 0.12 / (k + 2));
        o.phase[k] = qn_dice_between(d, 0, 2 * PI);
    }
    draw_place(s, h, &o);
    return o;
}

static bool is_inside(const outline *o, double y, double x)
{
    const double u = ((x - o->x) * o->turn[0] + (y - o->y) * o->turn[1]) / o->a;
    const double v = ((y - o->y) * o->turn[0] - (x - o->x) * o->turn[1]) / o->b;
    const double angle = atan2(v, u);
    double r = 1;
    for (int k = 0; k < HARMONICS; k++)
        r += o->wobble[k] * cos((k + 2) * angle + o->phase[k]);
    return u * u + v * v < r * r * o->radius * o->radius && r > 0;
}

/* ---- laying it down ---- */

/* Rows and columns that the outline may touch. */
static void bounds(const qn_synth_scene *s, const outline *o, int64_t box[4])
{
    const double reach = 2 * o->radius * fmax(o->a, o->b) + 1;
    const double low[] = {o->y - reach, o->x - reach};
    const int64_t most[] = {s->opt->height, s->opt->width};
    for (int k = 0; k < 2; k++) {
        const double high = low[k] + 2 * reach;
        box[k] = low[k] < 0 ? 0 : (int64_t)low[k];
        box[2 + k] = high < 0 ? 0 : high > (double)most[k] ? most[k] : (int64_t)high;
    }
}

/* How many pixels it has, and how many of them are taken; or lays it down. */
static void cover(qn_synth_scene *s, const outline *o, uint32_t label, int64_t count[2])
{
    int64_t box[4];
    bounds(s, o, box);
    for (int64_t y = box[0]; y < box[2]; y++)
        for (int64_t x = box[1]; x < box[3]; x++) {
            uint32_t *at = &s->labels.at[y * s->labels.width + x];
            if (!is_inside(o, (double)y, (double)x)) continue;
            count[0]++;
            count[1] += *at != 0;
            if (label && *at == 0) *at = label;
        }
}

static bool lay(qn_synth_scene *s, const habit *h, const outline *o, double light)
{
    int64_t count[2] = {0}, again[2] = {0};
    cover(s, o, 0, count);
    if (count[0] - count[1] < LEAST_PIXELS ||
        (double)count[1] > h->overlap * (double)count[0])
        return false;
    s->n++;
    s->brightness[s->n] = light;
    cover(s, o, s->n, again);
    return true;
}

/* Two halves side by side, brighter than the rest. */
static void lay_pair(qn_synth_scene *s, const habit *h, outline o, double light)
{
    const double r = o.radius *= 0.75, away = r * qn_dice_between(&s->dice, 0.55, 0.9);
    const double y = o.y, x = o.x;
    o.a = 0.7;
    o.b = 1.3;
    for (int side = -1; side <= 1; side += 2) {
        o.y = y + side * away * o.turn[1];
        o.x = x + side * away * o.turn[0];
        lay(s, h, &o, 1.5 * light);
    }
}

static void scatter(qn_synth_scene *s, int64_t wanted)
{
    const habit h = draw_habit(s);
    for (int64_t i = 0; i < wanted; i++) {
        const double light = exp(qn_dice_normal(&s->dice, h.light));
        const bool is_pair = qn_dice_chance(&s->dice, h.pairs);
        bool done = false;
        for (int k = 0; k < TRIES && !done; k++) {
            const outline o = draw_outline(s, &h);
            done = is_pair || lay(s, &h, &o, light);
            if (is_pair) lay_pair(s, &h, o, light);
        }
    }
}

/* ---- a layer ---- */

typedef struct middle {
    double y, x;
} middle;

/* The two nearest middles of the 25 cells of a grid around a pixel. */
static uint32_t nearest(const middle *m, const int64_t n[2], double step, double y,
                        double x, double gap)
{
    double best = INFINITY, second = INFINITY;
    int64_t at = 0;
    const int64_t gy = (int64_t)(y / step) + 2, gx = (int64_t)(x / step) + 2;
    for (int64_t i = gy - 2; i <= gy + 2; i++)
        for (int64_t j = gx - 2; j <= gx + 2; j++) {
            if (i < 0 || j < 0 || i >= n[0] || j >= n[1]) continue;
            const double dy = m[i * n[1] + j].y - y, dx = m[i * n[1] + j].x - x;
            const double d = sqrt(dy * dy + dx * dx);
            if (d < best) {
                second = best;
                best = d;
                at = i * n[1] + j + 1;
            } else if (d < second) {
                second = d;
            }
        }
    return second - best < gap ? 0 : (uint32_t)at;
}

static quern_status fill_layer(qn_synth_scene *s, quern_error *err)
{
    void *p;
    qn_dice *d = &s->dice;
    const double step = 2 * s->radius, jitter = qn_dice_between(d, 0.15, 0.35) * step;
    const double gap = qn_dice_between(d, 0, 2.5),
                 light = qn_dice_between(d, 0.05, 0.4);
    const int64_t n[] = {(int64_t)((double)s->opt->height / step) + 5,
                         (int64_t)((double)s->opt->width / step) + 5};
    QN_TRY(qn_arena_array(s->arena, (size_t)(n[0] * n[1]), sizeof(middle), &p, err));
    middle *m = p;
    QN_TRY(
        qn_arena_array(s->arena, (size_t)(n[0] * n[1]) + 1, sizeof(double), &p, err));
    s->brightness = p;
    s->n = (uint32_t)(n[0] * n[1]);
    for (int64_t i = 0; i < n[0] * n[1]; i++) {
        m[i].y = ((double)(i / n[1]) - 1.5) * step + qn_dice_normal(d, jitter);
        m[i].x = ((double)(i % n[1]) - 1.5) * step + qn_dice_normal(d, jitter);
        s->brightness[i + 1] = exp(qn_dice_normal(d, light));
    }
    for (int64_t y = 0; y < s->opt->height; y++)
        for (int64_t x = 0; x < s->opt->width; x++)
            s->labels.at[y * s->opt->width + x] =
                nearest(m, n, step, (double)y, (double)x, gap);
    return QUERN_OK;
}

/* ---- what follows from labels ---- */

/* Slivers go; the rest is numbered without gaps, brightness following. */
static quern_status tidy(qn_synth_scene *s, quern_error *err)
{
    void *p;
    uint32_t n, next = 0;
    QN_TRY(qn_labels_drop_small(&s->labels, s->n, LEAST_PIXELS, s->arena, err));
    QN_TRY(qn_arena_array(s->arena, (size_t)s->n + 1, sizeof(double), &p, err));
    double *light = p;
    QN_TRY(qn_arena_array(s->arena, (size_t)s->n + 1, sizeof(bool), &p, err));
    bool *seen = p;
    for (int64_t i = 0; i < s->labels.height * s->labels.width; i++) {
        const uint32_t k = s->labels.at[i];
        if (k == 0 || seen[k]) continue;
        seen[k] = true;
        light[++next] = s->brightness[k];
    }
    s->brightness = light;
    QN_TRY(qn_labels_renumber(&s->labels, s->arena, &n, err));
    s->n = n;
    return QUERN_OK;
}

static void reach_from(const qn_synth_scene *s, int64_t at, int64_t y, int64_t x,
                       double step)
{
    const int64_t w = s->labels.width;
    double *v = s->edge.v;
    if (y < 0 || x < 0 || y >= s->labels.height || x >= w) return;
    const bool same = s->labels.at[y * w + x] == s->labels.at[at];
    const double d = same ? v[y * w + x] + step : step / 2;
    if (d < v[at]) v[at] = d;
}

/* Distances by two passes over the picture, steps of 1 and of the root of 2. */
static void measure_edge(const qn_synth_scene *s)
{
    const int64_t h = s->labels.height, w = s->labels.width, n = h * w;
    const double slant = sqrt(2.0);
    for (int64_t i = 0; i < n; i++)
        s->edge.v[i] = (double)(h + w);
    for (int pass = 0; pass < 2; pass++)
        for (int64_t k = 0; k < n; k++) {
            const int64_t i = pass == 0 ? k : n - 1 - k, to = pass == 0 ? -1 : 1;
            const int64_t y = i / w, x = i % w;
            reach_from(s, i, y, x + to, 1);
            reach_from(s, i, y + to, x - 1, slant);
            reach_from(s, i, y + to, x, 1);
            reach_from(s, i, y + to, x + 1, slant);
        }
}

quern_status qn_synth_place(qn_synth_scene *s, quern_error *err)
{
    void *p;
    qn_dice *d = &s->dice;
    const double area = (double)(s->opt->height * s->opt->width);
    QN_TRY(qn_labels_init(s->arena, s->opt->height, s->opt->width, &s->labels, err));
    QN_TRY(qn_field_make(s->arena, s->opt->height, s->opt->width, &s->edge, err));
    s->radius = s->opt->diameter / 2 * exp(qn_dice_normal(d, 0.15));
    const double share = area * 17 * 17 / (s->opt->diameter * s->opt->diameter);
    const double wanted = qn_dice_between(d, 5, 140) * share / (224.0 * 224);
    if (qn_dice_chance(d, 0.08)) {
        QN_TRY(fill_layer(s, err));
    } else {
        const int64_t n = (int64_t)ceil(wanted);
        QN_TRY(qn_arena_array(s->arena, 2 * (size_t)n * TRIES + 1, sizeof(double), &p,
                              err));
        s->brightness = p;
        scatter(s, n);
    }
    QN_TRY(tidy(s, err));
    measure_edge(s);
    return QUERN_OK;
}
