/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/resize.h - sampling along one axis by a table: output i is the sum of taps
 * coef[i][t] * input[index[i][t]].  Interpolation is separable, so an image is resized
 * one axis at a time.  The tables are made here from the coordinate rules of ONNX
 * Resize-19. */
#ifndef QN_KERNELS_RESIZE_H
#define QN_KERNELS_RESIZE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum qn_resize_mode { QN_NEAREST, QN_LINEAR, QN_CUBIC } qn_resize_mode;
typedef enum qn_resize_coord { /* where output i lies in the input */
                               QN_HALF_PIXEL,
                               QN_HALF_PIXEL_SYMMETRIC,
                               QN_PYTORCH_HALF_PIXEL,
                               QN_ALIGN_CORNERS,
                               QN_ASYMMETRIC,
                               QN_TF_CROP_AND_RESIZE,
                               QN_TF_HALF_PIXEL
} qn_resize_coord;
typedef enum qn_resize_round {
    QN_ROUND_PREFER_FLOOR,
    QN_ROUND_PREFER_CEIL,
    QN_FLOOR,
    QN_CEIL
} qn_resize_round;

typedef struct qn_resize {
    qn_resize_mode mode;
    qn_resize_coord coord;
    qn_resize_round round;
    bool antialias, exclude_outside;
    double cubic_a;
} qn_resize;

/* One axis.  index[out * taps], coef[out * taps]; index[i * taps] is -1 where output i
 * takes the extrapolation value. */
typedef struct qn_resize_axis {
    int64_t in, out, taps;
    double scale;  /* out / in before out was rounded */
    double roi[2]; /* begin and end, of QN_TF_CROP_AND_RESIZE */
    int64_t *index;
    double *coef;
} qn_resize_axis;

int64_t qn_resize_taps(const qn_resize *how, double scale);
void qn_resize_table(const qn_resize *how, qn_resize_axis *axis);

/* Lines [begin, end) of y [outer][out][inner] from x [outer][in][inner]; a line is one
 * (outer, i), or one outer if inner is 1. */
void qn_resize_lines_f32(const qn_resize_axis *axis, int64_t inner, float outside,
                         const float *x, float *y, int64_t begin, int64_t end);
void qn_resize_lines_f64(const qn_resize_axis *axis, int64_t inner, double outside,
                         const double *x, double *y, int64_t begin, int64_t end);

#endif
