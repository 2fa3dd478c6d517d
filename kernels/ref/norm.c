/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/norm.c - normalisation in float and double. */
#include "kernels/norm.h"

#include "kernels/elementwise.h"

#include <math.h>

#define T           float
#define MATH(name)  name##f
#define MOMENTS     qn_moments_f32
#define MEAN_SQUARE qn_mean_square_f32
#define SUMS        sums_f32
#define AFFINE      qn_affine_f32
#define NORMALIZE   qn_normalize_f32
#define LRN         qn_lrn_f32
#define LPSCALE     qn_lpscale_f32
#include "kernels/tmpl/vnorm.h"
#undef T
#undef MATH
#undef MOMENTS
#undef MEAN_SQUARE
#undef SUMS
#undef AFFINE
#undef NORMALIZE
#undef LRN
#undef LPSCALE

#define T           double
#define MATH(name)  name
#define MOMENTS     qn_moments_f64
#define MEAN_SQUARE qn_mean_square_f64
#define SUMS        sums_f64
#define AFFINE      qn_affine_f64
#define NORMALIZE   qn_normalize_f64
#define LRN         qn_lrn_f64
#define LPSCALE     qn_lpscale_f64
#include "kernels/tmpl/vnorm.h"
#undef T

#define T       float
#define ELEM    QN_E_F32
#define L(name) name##_f32
#define V(name) qn_##name##_f32
#include "kernels/tmpl/vnormgrad.h"
#undef T
#undef ELEM
#undef L
#undef V

#define T       double
#define ELEM    QN_E_F64
#define L(name) name##_f64
#define V(name) qn_##name##_f64
#include "kernels/tmpl/vnormgrad.h"

qn_moments qn_rownorm_f32_ref(const qn_rownorm *p, const float *x, float *y)
{
    const qn_moments m = qn_moments_f32(x, p->n);
    const double how[2] = {m.mean, 1 / sqrt(m.variance + p->epsilon)};
    if (y) qn_normalize_f32(y, x, p->n, how, p->scale, p->bias);
    return m;
}
