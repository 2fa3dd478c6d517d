/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/synth_render.c - what a microscope makes of cells: light that they give,
 * take or bend, blurred by the optics, counted by a camera. */
#include "engine/cells/synth_parts.h"

#include <math.h>
#include <string.h>

typedef struct painter {
    qn_synth_scene *s;
    qn_dice *dice;
    int64_t n;
    qn_field light, extra; /* the picture as it becomes; a plane for what is added */
} painter;

/* ---- pieces ---- */

/* How much of the way from the rim of its cell to the top of the dome: 0 .. 1. */
static double dome(const qn_synth_scene *s, int64_t i, double width, double power)
{
    if (s->labels.at[i] == 0) return 0;
    const double x = s->edge.v[i] / width;
    return x >= 1 ? 1 : pow(x, power);
}

static double brightness(const qn_synth_scene *s, int64_t i)
{
    return s->labels.at[i] ? s->brightness[s->labels.at[i]] : 0;
}

/* Bodies of cells into light, with a dome and texture. */
static void paint_bodies(painter *p)
{
    const qn_synth_scene *s = p->s;
    const double width = s->radius * qn_dice_between(p->dice, 0.2, 1);
    const double power = qn_dice_between(p->dice, 0.2, 1);
    const double grain = qn_dice_between(p->dice, 0, 0.35);
    qn_field_noise(&p->extra, p->dice, qn_dice_between(p->dice, 0.8, 3));
    for (int64_t i = 0; i < p->n; i++) {
        if (s->labels.at[i] == 0) continue;
        const double body = 0.4 + 0.6 * dome(s, i, width, power);
        p->light.v[i] = brightness(s, i) * body * fmax(0.05, 1 + grain * p->extra.v[i]);
    }
}

/* Only what lies near the rim, and a little of the inside. */
static void paint_rings(painter *p)
{
    const qn_synth_scene *s = p->s;
    const double width = qn_dice_between(p->dice, 0.6, 1.8);
    const double inside = qn_dice_between(p->dice, 0, 0.4);
    for (int64_t i = 0; i < p->n; i++) {
        if (s->labels.at[i] == 0) continue;
        const double x = (s->edge.v[i] - 0.5) / width;
        p->light.v[i] = brightness(s, i) * (inside + (1 - inside) * exp(-x * x));
    }
}

/* Specks of dirt and dead cells, which are not cells. */
static void paint_debris(painter *p)
{
    const qn_labels *l = &p->s->labels;
    if (!qn_dice_chance(p->dice, 0.3)) return;
    const int specks = (int)qn_dice_between(p->dice, 1, 8);
    for (int k = 0; k < specks; k++) {
        const double y = qn_dice_between(p->dice, 0, (double)l->height);
        const double x = qn_dice_between(p->dice, 0, (double)l->width);
        const double r = p->s->radius * qn_dice_between(p->dice, 0.08, 0.28);
        const double power = qn_dice_between(p->dice, 0.3, 1.5);
        for (int64_t i = (int64_t)(y - r); i <= (int64_t)(y + r); i++)
            for (int64_t j = (int64_t)(x - r); j <= (int64_t)(x + r); j++) {
                if (i < 0 || j < 0 || i >= l->height || j >= l->width) continue;
                const double dy = (double)i - y, dx = (double)j - x;
                if (dy * dy + dx * dx < r * r && l->at[i * l->width + j] == 0)
                    p->light.v[i * l->width + j] += power;
            }
    }
}

/* A level, a slope and clouds; amounts over the brightness of a cell. */
static void add_ground(painter *p, double level)
{
    const double h = (double)p->light.height, w = (double)p->light.width;
    const double down = qn_dice_between(p->dice, -0.1, 0.1) / h;
    const double right = qn_dice_between(p->dice, -0.1, 0.1) / w;
    const double cloud = qn_dice_between(p->dice, 0, 0.08);
    qn_field_noise(&p->extra, p->dice, qn_dice_between(p->dice, 5, 30));
    for (int64_t i = 0; i < p->n; i++) {
        const double y = (double)(i / p->light.width), x = (double)(i % p->light.width);
        const double ground =
            level + down * (y - h / 2) + right * (x - w / 2) + cloud * p->extra.v[i];
        p->light.v[i] += fmax(0, ground);
    }
}

static void darken_corners(painter *p)
{
    const double h = (double)p->light.height, w = (double)p->light.width;
    if (!qn_dice_chance(p->dice, 0.3)) return;
    const double loss = qn_dice_between(p->dice, 0, 0.5);
    for (int64_t i = 0; i < p->n; i++) {
        const double y = (double)(i / p->light.width) / h - 0.5;
        const double x = (double)(i % p->light.width) / w - 0.5;
        p->light.v[i] *= 1 - 2 * loss * (y * y + x * x);
    }
}

/* Out of focus light from above and below. */
static void add_haze(painter *p)
{
    const double amount = qn_dice_between(p->dice, 0, 0.4);
    memcpy(p->extra.v, p->light.v, (size_t)p->n * sizeof *p->light.v);
    qn_field_blur(&p->extra, qn_dice_between(p->dice, 5, 15));
    for (int64_t i = 0; i < p->n; i++)
        p->light.v[i] += amount * p->extra.v[i];
}

/* ---- the camera ---- */

/* A Poisson count: exactly for few, by its normal limit for many. */
static double count_photons(double mean, const qn_rng *rng, int64_t i)
{
    if (mean > 12) return fmax(0, mean + sqrt(mean) * qn_rng_normal(rng, (uint64_t)i));
    double rest = qn_rng_uniform53(rng, (uint64_t)i), p = exp(-mean);
    int n = 0;
    while (rest >= p && n < 60) {
        rest -= p;
        p *= mean / ++n;
    }
    return n;
}

static void expose(painter *p, double photons, double read_noise)
{
    const qn_rng shot = qn_rng_make(p->dice->key, "photons", p->dice->planes++);
    const qn_rng read = qn_rng_make(p->dice->key, "readout", p->dice->planes++);
    for (int64_t i = 0; i < p->n; i++) {
        const double x = fmax(0, p->light.v[i]) * photons;
        p->light.v[i] = count_photons(x, &shot, i) / photons +
                        read_noise * qn_rng_normal(&read, (uint64_t)i);
    }
}

/* The optics, then photons. */
static void photograph(painter *p)
{
    qn_field_blur(&p->light, qn_dice_between(p->dice, 0.3, 1.6));
    const double photons = pow(10, qn_dice_between(p->dice, 1.3, 3.2));
    expose(p, photons, qn_dice_between(p->dice, 0, 0.02));
}

static uint8_t byte_of(double x)
{
    return x <= 0 ? 0 : x >= 255 ? 255 : (uint8_t)(x + 0.5);
}

/* Channel c of the result: light times gain. */
static void develop(const painter *p, qn_synth *out, int c, double gain)
{
    for (int64_t i = 0; i < p->n; i++)
        out->pixels[i * out->channels + c] = byte_of(255 * gain * p->light.v[i]);
}

/* So that the brightest parts come to somewhere from dim to just too bright. */
static double auto_gain(painter *p)
{
    const double most = qn_field_quantile(&p->light, 0.998);
    return qn_dice_between(p->dice, 0.3, 1.1) / fmax(most, 1e-6);
}

/* ---- the modes ---- */

static void fluorescence(painter *p, qn_synth *out)
{
    paint_bodies(p);
    paint_debris(p);
    add_ground(p, qn_dice_between(p->dice, 0, 0.15));
    add_haze(p);
    darken_corners(p);
    photograph(p);
    develop(p, out, 0, auto_gain(p));
}

static void ring(painter *p, qn_synth *out)
{
    paint_rings(p);
    paint_debris(p);
    add_ground(p, qn_dice_between(p->dice, 0, 0.15));
    add_haze(p);
    photograph(p);
    develop(p, out, 0, auto_gain(p));
}

/* Lit from behind: what is in light takes away. */
static void dark(painter *p, qn_synth *out)
{
    paint_bodies(p);
    paint_debris(p);
    const double depth = qn_dice_between(p->dice, 0.25, 0.9);
    for (int64_t i = 0; i < p->n; i++)
        p->light.v[i] = exp(-depth * p->light.v[i]);
    darken_corners(p);
    add_ground(p, 0);
    photograph(p);
    develop(p, out, 0, qn_dice_between(p->dice, 0.5, 0.95));
}

/* Gray bodies; around them light that the phase ring did not stop. */
static void phase(painter *p, qn_synth *out)
{
    const qn_synth_scene *s = p->s;
    const double body = qn_dice_between(p->dice, -0.35, 0.15);
    const double halo = qn_dice_between(p->dice, 0.15, 0.5);
    const double width = qn_dice_between(p->dice, 1, 3);
    const double grain = qn_dice_between(p->dice, 0.02, 0.15);
    qn_field_noise(&p->extra, p->dice, qn_dice_between(p->dice, 0.8, 2.5));
    for (int64_t i = 0; i < p->n; i++) {
        const double x = s->edge.v[i] / width, rim = exp(-x * x);
        const bool in = s->labels.at[i] != 0;
        p->light.v[i] = in ? body * fmin(2, brightness(s, i)) + grain * p->extra.v[i] +
                                 0.3 * halo * rim
                           : halo * rim;
    }
    memcpy(p->extra.v, p->light.v, (size_t)p->n * sizeof *p->light.v);
    qn_field_blur(&p->extra, s->radius);
    for (int64_t i = 0; i < p->n; i++)
        p->light.v[i] = 0.5 + p->light.v[i] - 0.7 * p->extra.v[i];
    paint_debris(p);
    add_ground(p, 0);
    photograph(p);
    develop(p, out, 0, qn_dice_between(p->dice, 0.6, 1));
}

/* Light from one side over bodies like lenses: their slope, and a little shadow. */
static void brightfield(painter *p, qn_synth *out)
{
    const qn_synth_scene *s = p->s;
    const int64_t w = p->light.width, h = p->light.height;
    const double turn = qn_dice_between(p->dice, 0, 6.283185307179586);
    const double relief = qn_dice_between(p->dice, 0.1, 0.6) * (double)s->radius;
    const double shade = qn_dice_between(p->dice, 0, 0.25);
    const double dy = relief * sin(turn), dx = relief * cos(turn);
    qn_field_noise(&p->extra, p->dice, qn_dice_between(p->dice, 0.8, 2.5));
    for (int64_t i = 0; i < p->n; i++)
        p->light.v[i] = dome(s, i, s->radius, 0.5) * (1 + 0.1 * p->extra.v[i]);
    qn_field_blur(&p->light, qn_dice_between(p->dice, 0.7, 1.5));
    memcpy(p->extra.v, p->light.v, (size_t)p->n * sizeof *p->light.v);
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t y = i / w, x = i % w;
        const double *v = p->extra.v;
        const double down = v[y + 1 < h ? i + w : i] - v[y > 0 ? i - w : i];
        const double right = v[x + 1 < w ? i + 1 : i] - v[x > 0 ? i - 1 : i];
        p->light.v[i] = 0.6 + dy * down + dx * right - shade * v[i];
    }
    paint_debris(p);
    add_ground(p, 0);
    photograph(p);
    develop(p, out, 0, qn_dice_between(p->dice, 0.6, 1));
}

/* Two stains, each taking its share of red, green and blue (Beer and Lambert). */
static void stained(painter *p, qn_synth *out)
{
    static const double nuclear[] = {0.65, 0.70, 0.29}, other[] = {0.07, 0.99, 0.11};
    const double strong = qn_dice_between(p->dice, 0.5, 1.6);
    const double weak = qn_dice_between(p->dice, 0.05, 0.6);
    const double patch = qn_dice_between(p->dice, 0.2, 0.9);
    const double white = qn_dice_between(p->dice, 0.8, 1);
    double tint[3];
    paint_bodies(p);
    paint_debris(p);
    qn_field_blur(&p->light, qn_dice_between(p->dice, 0.5, 1.4));
    qn_field_noise(&p->extra, p->dice, qn_dice_between(p->dice, 2, 12));
    for (int c = 0; c < 3; c++)
        tint[c] = qn_dice_between(p->dice, -0.08, 0.08);
    const qn_rng grain = qn_rng_make(p->dice->key, "grain", p->dice->planes++);
    for (int64_t i = 0; i < p->n; i++) {
        const double tissue = weak * fmax(0, 1 + patch * p->extra.v[i]);
        const double noise = 0.02 * qn_rng_normal(&grain, (uint64_t)i);
        for (int c = 0; c < 3; c++) {
            const double taken = strong * (nuclear[c] + tint[c]) * p->light.v[i] +
                                 tissue * (other[c] + tint[c]);
            out->pixels[3 * i + c] = byte_of(255 * (white * exp(-taken) + noise));
        }
    }
}

/* Bodies in red, their middles in green. */
static void pair(painter *p, qn_synth *out)
{
    const qn_synth_scene *s = p->s;
    const double inner = s->radius * qn_dice_between(p->dice, 0.3, 0.6);
    paint_bodies(p);
    add_ground(p, qn_dice_between(p->dice, 0, 0.1));
    photograph(p);
    develop(p, out, 0, auto_gain(p));
    for (int64_t i = 0; i < p->n; i++)
        p->light.v[i] = s->edge.v[i] > inner ? brightness(s, i) : 0;
    add_ground(p, qn_dice_between(p->dice, 0, 0.1));
    photograph(p);
    develop(p, out, 1, auto_gain(p));
}

typedef void paint_fn(painter *p, qn_synth *out);

typedef struct mode_look {
    int channels;
    paint_fn *paint;
} mode_look;

static const mode_look looks[] = {
    [QN_SYNTH_FLUORESCENCE] = {1, fluorescence},
    [QN_SYNTH_DARK] = {1, dark},
    [QN_SYNTH_RING] = {1, ring},
    [QN_SYNTH_PHASE] = {1, phase},
    [QN_SYNTH_BRIGHTFIELD] = {1, brightfield},
    [QN_SYNTH_STAINED] = {3, stained},
    [QN_SYNTH_PAIR] = {3, pair},
};

quern_status qn_synth_render(qn_synth_scene *s, qn_synth *out, quern_error *err)
{
    void *pixels;
    painter p = {.s = s, .dice = &s->dice, .n = s->opt->height * s->opt->width};
    out->channels = looks[out->mode].channels;
    QN_TRY(qn_field_make(s->arena, s->opt->height, s->opt->width, &p.light, err));
    QN_TRY(qn_field_make(s->arena, s->opt->height, s->opt->width, &p.extra, err));
    QN_TRY(qn_arena_array(s->arena, (size_t)p.n, (size_t)out->channels, &pixels, err));
    out->pixels = pixels;
    looks[out->mode].paint(&p, out);
    return QUERN_OK;
}
