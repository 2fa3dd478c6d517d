/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/synth_parts.h - what the files of synth.h share: random draws one after
 * the other, planes of doubles, cells that have been placed. */
#ifndef QN_ENGINE_CELLS_SYNTH_PARTS_H
#define QN_ENGINE_CELLS_SYNTH_PARTS_H

#include "engine/cells/synth.h"
#include "engine/rng.h"

/* ---- draws ---- */

typedef struct qn_dice {
    qn_rng rng;
    uint64_t at;  /* draws made */
    uint64_t key; /* of the picture: planes of noise have streams of their own */
    uint64_t planes;
} qn_dice;

qn_dice qn_dice_make(uint64_t seed, int64_t index);
double qn_dice_between(qn_dice *d, double low, double high);
double qn_dice_normal(qn_dice *d, double deviation);
bool qn_dice_chance(qn_dice *d, double p);

/* ---- planes ---- */

typedef struct qn_field {
    int64_t height, width;
    double *v, *spare; /* [height][width]; the second for what is made of the first */
} qn_field;

quern_status qn_field_make(qn_arena *arena, int64_t height, int64_t width,
                           qn_field *out, quern_error *err);
/* By a Gaussian, the rim repeated outwards. */
void qn_field_blur(qn_field *f, double sigma);
/* Normal noise, blurred, of deviation 1. */
void qn_field_noise(qn_field *f, qn_dice *dice, double sigma);
/* The number that a share p of the pixels is below. */
double qn_field_quantile(qn_field *f, double p);

/* ---- what stands on the plane ---- */

typedef struct qn_synth_scene {
    const qn_synth_options *opt;
    qn_dice dice;
    qn_arena *arena;
    qn_labels labels;
    uint32_t n;
    double radius;      /* of a typical cell of this picture */
    double *brightness; /* [n + 1] */
    qn_field edge;      /* distance to the nearest pixel of another label */
} qn_synth_scene;

/* Cells of a picture: labels, brightness, edge. */
quern_status qn_synth_place(qn_synth_scene *scene, quern_error *err);
/* What a microscope makes of them: pixels. */
quern_status qn_synth_render(qn_synth_scene *scene, qn_synth *out, quern_error *err);
/* Its pixels as a JPEG of that quality, 1 to 100, would give them back. */
void qn_synth_jpeg(qn_synth *s, int quality);

#endif
