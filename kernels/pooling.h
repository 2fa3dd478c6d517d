/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/pooling.h - pooling of one plane [in...] to [out...] by a window of any rank.
 * Windows are separable: the rows a window covers are first combined into one row, then
 * that row's elements along the last axis, so the inner loops run along rows. */
#ifndef QN_KERNELS_POOLING_H
#define QN_KERNELS_POOLING_H

#include "kernels/window.h"

#include <stddef.h>

/* row: scratch of w->in[w->rank - 1] elements.  A window without any element inside
 * gives the lowest value of the type.  NaN in the window gives NaN. */
void qn_maxpool_f32(const qn_window *w, const float *x, float *y, float *row);
void qn_maxpool_f64(const qn_window *w, const double *x, double *y, double *row);
void qn_maxpool_i8(const qn_window *w, const int8_t *x, int8_t *y, int8_t *row);
void qn_maxpool_u8(const qn_window *w, const uint8_t *x, uint8_t *y, uint8_t *row);

/* The same with index[o] = base + sum of coordinate[d] * pitch[d] of the first greatest
 * element; base - 1 where the window has no element inside.  y may be NULL. */
typedef struct qn_pool_index {
    int64_t base, pitch[QN_MAX_SPATIAL];
    int64_t *index;
} qn_pool_index;
void qn_maxpool_index_f32(const qn_window *w, const float *x, float *y,
                          const qn_pool_index *to);
void qn_maxpool_index_f64(const qn_window *w, const double *x, double *y,
                          const qn_pool_index *to);
void qn_maxpool_index_i8(const qn_window *w, const int8_t *x, int8_t *y,
                         const qn_pool_index *to);
void qn_maxpool_index_u8(const qn_window *w, const uint8_t *x, uint8_t *y,
                         const qn_pool_index *to);

/* Means (p 0) or Lp norms, (sum |x|^p)^(1/p).  count_pad: a mean divides by all
 * elements of the window that lie in the image or its padding, not only those in the
 * image. */
typedef struct qn_pool_sum {
    int64_t p;
    bool count_pad;
} qn_pool_sum;
void qn_sumpool_f32(const qn_window *w, const qn_pool_sum *how, const float *x,
                    float *y, float *row);
void qn_sumpool_f64(const qn_window *w, const qn_pool_sum *how, const double *x,
                    double *y, double *row);

/* The way back, dx [in...].  Greatest: dy goes to the first element of the window that
 * is y.  Mean: to all of them alike, count_pad as above. */
void qn_maxpool_grad_f32(const qn_window *w, const float *x, const float *y,
                         const float *dy, float *dx);
void qn_maxpool_grad_f64(const qn_window *w, const double *x, const double *y,
                         const double *dy, double *dx);
void qn_meanpool_grad_f32(const qn_window *w, bool count_pad, const float *dy,
                          float *dx);
void qn_meanpool_grad_f64(const qn_window *w, bool count_pad, const double *dy,
                          double *dx);

/* Of n elements: mean, greatest (lowest value of the type if n is 0), Lp norm. */
float qn_mean_f32(const float *x, int64_t n);
double qn_mean_f64(const double *x, int64_t n);
float qn_greatest_f32(const float *x, int64_t n);
double qn_greatest_f64(const double *x, int64_t n);
float qn_lpnorm_f32(const float *x, int64_t n, int64_t p);
double qn_lpnorm_f64(const double *x, int64_t n, int64_t p);
/* The way back through the mean and the greatest, y, of n elements. */
void qn_mean_grad_f32(float dy, float *dx, int64_t n);
void qn_mean_grad_f64(double dy, double *dx, int64_t n);
void qn_greatest_grad_f32(const float *x, float y, float dy, float *dx, int64_t n);
void qn_greatest_grad_f64(const double *x, double y, double dy, double *dx, int64_t n);

#endif
