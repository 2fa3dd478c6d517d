/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/sample.h - the value of an image between its pixels: at a point of a plane or
 * a volume, by nearest, linear or cubic kernels, with three ideas of what lies outside
 * (ONNX GridSample-22).  A point becomes a list of pixels with weights, which serves
 * all channels. */
#ifndef QN_KERNELS_SAMPLE_H
#define QN_KERNELS_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum { QN_SAMPLE_RANK = 3, QN_SAMPLE_TAPS = 64 };

typedef enum qn_sample_mode {
    QN_SAMPLE_LINEAR,
    QN_SAMPLE_NEAREST,
    QN_SAMPLE_CUBIC
} qn_sample_mode;
typedef enum qn_sample_outside {
    QN_OUTSIDE_ZEROS,
    QN_OUTSIDE_BORDER,
    QN_OUTSIDE_REFLECTION
} qn_sample_outside;

typedef struct qn_sample {
    int rank; /* 1 .. QN_SAMPLE_RANK */
    int64_t dim[QN_SAMPLE_RANK];
    qn_sample_mode mode;
    qn_sample_outside outside;
    bool align_corners;
} qn_sample;

/* Pixels [0, n) of a plane and their weights; those outside are left out. */
typedef struct qn_point {
    int n;
    int64_t at[QN_SAMPLE_TAPS];
    double weight[QN_SAMPLE_TAPS];
} qn_point;

/* Pixel coordinate on axis d of a coordinate in [-1, 1]. */
double qn_sample_pixel(const qn_sample *how, int d, double normalized);
/* pixel [rank], slowest axis first; any values, NaN too. */
void qn_sample_point(const qn_sample *how, const double *pixel, qn_point *point);
double qn_sample_f32(const qn_point *point, const float *plane);
double qn_sample_f64(const qn_point *point, const double *plane);

#endif
