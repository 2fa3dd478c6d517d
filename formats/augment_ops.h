/* SPDX-License-Identifier: Apache-2.0 */
/* formats/augment_ops.h - what the families of augmentations share: the picture they
 * work on, the numbers they draw, and the primitives that lists and the random policies
 * both use. */
#ifndef QN_FORMATS_AUGMENT_OPS_H
#define QN_FORMATS_AUGMENT_OPS_H

#include "engine/rng.h"
#include "formats/augment.h"

/* Where in the picture before a pixel of the picture after comes from, both measured in
 * pixels from the centre: x' = m[0] x + m[1] y + m[2], y' = m[3] x + m[4] y + m[5]. */
typedef struct qn_affine {
    double m[6];
} qn_affine;

typedef struct qn_canvas {
    int height, width, channels;
    uint8_t *pixels, *spare; /* [height][width][channels]; operations may swap them */
    qn_affine affine;        /* still to be done: warps of a row become one */
} qn_canvas;

/* The numbers of one operation on one picture in one epoch, one after the other. */
typedef struct qn_draw {
    const qn_augment_key *key;
    qn_rng rng;
    uint64_t n_blocks;
    int left; /* words of block not drawn yet */
    uint32_t block[4];
} qn_draw;

uint32_t qn_draw_bits(qn_draw *draw);
double qn_draw_uniform(qn_draw *draw, double lo, double hi);
int qn_draw_int(qn_draw *draw, int lo, int hi); /* lo .. hi, both included */

struct qn_augment_op {
    const char *name, *about;
    bool is_affine; /* adds to canvas->affine and touches no pixel */
    void (*apply)(qn_canvas *canvas, const qn_augment_step *step, qn_draw *draw);
    /* Amounts a and b: how many there are and must be given, limits, defaults. */
    int n_args, n_needed;
    struct {
        double lo, hi, otherwise;
    } arg[2];
};

typedef void qn_augment_fn(qn_canvas *canvas, const qn_augment_step *step,
                           qn_draw *draw);
/* One per row of the table, by family. */
qn_augment_fn qn_augment_flip, qn_augment_shift, qn_augment_crop; /* _move.c */
qn_augment_fn qn_augment_zoom, qn_augment_rotate, qn_augment_scale,
    qn_augment_shear; /* _warp.c */
qn_augment_fn qn_augment_bright, qn_augment_contrast, qn_augment_sat, qn_augment_hue,
    qn_augment_gray;                                               /* _colour.c */
qn_augment_fn qn_augment_blur, qn_augment_noise, qn_augment_erase; /* _grain.c */
qn_augment_fn qn_augment_randaug, qn_augment_trivial;              /* _policy.c */

/* ---- primitives ---- */

/* Index i of n continued by reflection: -1 is 1, n is n - 2. */
int qn_reflect(int64_t i, int n);
/* Puts a warp behind those that wait; does those that wait. */
void qn_canvas_turn(qn_canvas *canvas, const qn_affine *then);
void qn_canvas_settle(qn_canvas *canvas);
qn_affine qn_affine_identity(void);
qn_affine qn_affine_rotation(double degrees);

/* Factor 1 changes nothing; 0 is black, gray of the mean, gray, smooth. */
void qn_canvas_bright(qn_canvas *canvas, double factor);
void qn_canvas_contrast(qn_canvas *canvas, double factor);
void qn_canvas_saturate(qn_canvas *canvas, double factor);
void qn_canvas_sharpen(qn_canvas *canvas, double factor);
/* Keeps the upper bits of each byte; inverts bytes from threshold on. */
void qn_canvas_posterize(qn_canvas *canvas, int bits);
void qn_canvas_solarize(qn_canvas *canvas, int threshold);
/* Stretches each channel to 0 .. 255; flattens its histogram. */
void qn_canvas_autocontrast(qn_canvas *canvas);
void qn_canvas_equalize(qn_canvas *canvas);

static inline uint8_t qn_byte(double x)
{
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x + 0.5);
}

static inline size_t qn_canvas_bytes(const qn_canvas *c)
{
    return (size_t)c->height * (size_t)c->width * (size_t)c->channels;
}

static inline void qn_canvas_swap(qn_canvas *c)
{
    uint8_t *p = c->pixels;
    c->pixels = c->spare;
    c->spare = p;
}

#endif
