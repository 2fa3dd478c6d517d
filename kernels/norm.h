/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/norm.h - moments of a run of numbers, and the maps that use them.  Sums are
 * formed in double, in eight lanes. */
#ifndef QN_KERNELS_NORM_H
#define QN_KERNELS_NORM_H

#include <stdint.h>

/* Mean and population variance of n numbers; NaN for none. */
typedef struct qn_moments {
    double mean, variance;
} qn_moments;
qn_moments qn_moments_f32(const float *x, int64_t n);
qn_moments qn_moments_f64(const double *x, int64_t n);
/* The mean of the squares. */
double qn_mean_square_f32(const float *x, int64_t n);
double qn_mean_square_f64(const double *x, int64_t n);

/* y = (x - mean) * scale + bias; y may be x. */
void qn_affine_f32(float *y, const float *x, int64_t n, double mean, double scale,
                   double bias);
void qn_affine_f64(double *y, const double *x, int64_t n, double mean, double scale,
                   double bias);
/* y = (x - mean) * factor * scale[i] + bias[i]; bias may be NULL. */
void qn_normalize_f32(float *y, const float *x, int64_t n, const double mean_factor[2],
                      const float *scale, const float *bias);
void qn_normalize_f64(double *y, const double *x, int64_t n,
                      const double mean_factor[2], const double *scale,
                      const double *bias);

/* One row of layer normalisation: y = (x - mean) / sqrt(variance + epsilon) * scale[i]
 * + bias[i], all [n]; gives the moments of x.  bias NULL: 0.  y NULL: the moments only;
 * y is not x.  Errors of a few units in the last place of |x| / sqrt(variance). */
typedef struct qn_rownorm {
    int64_t n;
    double epsilon;
    const float *scale, *bias;
} qn_rownorm;
qn_moments qn_rownorm_f32_ref(const qn_rownorm *p, const float *x, float *y);

/* y = act((x - mean) * scale + bias); act: a qn_unary_op with the parameters p, -1 for
 * none.  The way back first needs two sums, of g and of g (x - mean), where g is dy
 * before the activation, and then is dx = scale * (g - shift - (x - mean) * slope).
 * y is formed again where it is needed; dx may be dy or x. */
typedef struct qn_norm_map {
    double mean, scale, bias;
    int act;
    double p[2];
} qn_norm_map;
typedef struct qn_grad_sums {
    double sum, product;
} qn_grad_sums;
typedef struct qn_norm_back {
    double scale, shift, slope;
} qn_norm_back;
qn_grad_sums qn_norm_grad_sums_f32(const float *dy, const float *x, int64_t n,
                                   const qn_norm_map *m);
qn_grad_sums qn_norm_grad_sums_f64(const double *dy, const double *x, int64_t n,
                                   const qn_norm_map *m);
void qn_norm_grad_f32(float *dx, const float *dy, const float *x, int64_t n,
                      const qn_norm_map *m, const qn_norm_back *b);
void qn_norm_grad_f64(double *dx, const double *dy, const double *x, int64_t n,
                      const qn_norm_map *m, const qn_norm_back *b);

/* The way back through a row of y = h * scale[i] + bias[i], h = (x - mean) * factor:
 * adds dy * h to dscale and dy to dbias (NULL: not wanted) and gives
 * dx = factor * (u - mean of u - h * mean of u h), u = dy * scale; dx NULL: not wanted.
 * With about_zero the mean is 0 for any x, so the mean of u is left out. */
typedef struct qn_row_back {
    double mean, factor;
    int about_zero;
    const void *scale;
    void *dscale, *dbias;
} qn_row_back;
void qn_norm_row_back_f32(float *dx, const float *dy, const float *x, int64_t n,
                          const qn_row_back *r);
void qn_norm_row_back_f64(double *dx, const double *dy, const double *x, int64_t n,
                          const qn_row_back *r);
/* dx = a * dy + b * (x - mean) + c. */
typedef struct qn_norm_mix {
    double a, b, c, mean;
} qn_norm_mix;
void qn_norm_mix_f32(float *dx, const float *dy, const float *x, int64_t n,
                     const qn_norm_mix *m);
void qn_norm_mix_f64(double *dx, const double *dy, const double *x, int64_t n,
                     const qn_norm_mix *m);

/* Local response over channels: x, y [channels][pitch], columns [0, n) of them, at most
 * QN_LRN_BLOCK.  y = x / (bias + alpha/size * sum of squares over the window)^beta. */
#define QN_LRN_BLOCK 512
typedef struct qn_lrn {
    int64_t channels, pitch, size;
    float alpha, beta, bias;
} qn_lrn;
void qn_lrn_f32(const qn_lrn *how, const float *x, float *y, int64_t n);
void qn_lrn_f64(const qn_lrn *how, const double *x, double *y, int64_t n);

/* n runs of `count` numbers `pitch` apart: y = x / (sum |x|^p)^(1/p), 0 where the norm
 * is 0; p is 1 or 2. */
void qn_lpscale_f32(float *y, const float *x, int64_t count, int64_t pitch, int64_t p);
void qn_lpscale_f64(double *y, const double *x, int64_t count, int64_t pitch,
                    int64_t p);

#endif
