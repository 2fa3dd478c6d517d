/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/synth.c - a procedural picture from options to pixels, and its draws. */
#include "engine/cells/synth_parts.h"

#include <string.h>

typedef struct mode_row {
    const char *name, *about;
    int share;
} mode_row;

static const mode_row modes[] = {
#define X(name, text, share, about) {text, about, share},
    QN_SYNTH_MAP(X)
#undef X
};

const char *qn_synth_mode_name(int mode, const char **about)
{
    if (mode < 0 || mode >= QN_N_SYNTH_MODES) return NULL;
    if (about) *about = modes[mode].about;
    return modes[mode].name;
}

bool qn_synth_mode_find(const char *name, int *mode)
{
    *mode = QN_SYNTH_MIXED;
    if (strcmp(name, "mixed") == 0) return true;
    for (*mode = 0; *mode < QN_N_SYNTH_MODES; ++*mode)
        if (strcmp(name, modes[*mode].name) == 0) return true;
    return false;
}

/* ---- draws ---- */

qn_dice qn_dice_make(uint64_t seed, int64_t index)
{
    return (qn_dice){.rng = qn_rng_make(seed, "cells", (uint64_t)index),
                     .key = seed,
                     .planes = (uint64_t)index << 8};
}

double qn_dice_between(qn_dice *d, double low, double high)
{
    return low + (high - low) * qn_rng_uniform53(&d->rng, d->at++);
}

double qn_dice_normal(qn_dice *d, double deviation)
{
    return deviation * qn_rng_normal(&d->rng, d->at++);
}

bool qn_dice_chance(qn_dice *d, double p)
{
    return qn_dice_between(d, 0, 1) < p;
}

/* ---- a picture ---- */

static qn_synth_mode draw_mode(qn_dice *d)
{
    int all = 0, k = 0;
    for (int i = 0; i < QN_N_SYNTH_MODES; i++)
        all += modes[i].share;
    double rest = qn_dice_between(d, 0, all);
    while (k + 1 < QN_N_SYNTH_MODES && (rest -= modes[k].share) >= 0)
        k++;
    return (qn_synth_mode)k;
}

static quern_status check(const qn_synth_options *o, quern_error *err)
{
    if (o->height < QN_SYNTH_LEAST_SIDE || o->height > QN_SYNTH_MOST_SIDE ||
        o->width < QN_SYNTH_LEAST_SIDE || o->width > QN_SYNTH_MOST_SIDE)
        return qn_fail(err, QUERN_INVALID, "%lldx%lld pixels; sides are %d to %d",
                       (long long)o->width, (long long)o->height, QN_SYNTH_LEAST_SIDE,
                       QN_SYNTH_MOST_SIDE);
    if (!(o->diameter >= 4 && o->diameter <= 1000))
        return qn_fail(err, QUERN_INVALID, "cells of %g pixels; they have 4 to 1000",
                       o->diameter);
    if (!(o->jpeg >= 0 && o->jpeg <= 1))
        return qn_fail(err, QUERN_INVALID, "blocks of JPEG in %g of all; 0 to 1",
                       o->jpeg);
    return QUERN_OK;
}

/* Draws of their own, so that all else is the same with and without. */
static void compress(const qn_synth_options *opt, int64_t index, qn_synth *s)
{
    const qn_rng rng = qn_rng_make(opt->seed, "jpeg", (uint64_t)index);
    if (qn_rng_uniform53(&rng, 0) < opt->jpeg)
        qn_synth_jpeg(s, 15 + (int)(75 * qn_rng_uniform53(&rng, 1)));
}

quern_status qn_synth_make(const qn_synth_options *opt, int64_t index, qn_arena *arena,
                           qn_synth *out, quern_error *err)
{
    *out = (qn_synth){0};
    QN_TRY(check(opt, err));
    qn_synth_scene scene = {
        .opt = opt, .dice = qn_dice_make(opt->seed, index), .arena = arena};
    const qn_synth_mode drawn = draw_mode(&scene.dice);
    out->mode = opt->mode == QN_SYNTH_MIXED ? drawn : (qn_synth_mode)opt->mode;
    QN_TRY(qn_synth_place(&scene, err));
    out->labels = scene.labels;
    out->n = scene.n;
    QN_TRY(qn_synth_render(&scene, out, err));
    compress(opt, index, out);
    return QUERN_OK;
}
