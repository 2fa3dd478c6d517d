/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/softmax.h - softmax, its logarithm and hardmax along one dim. */
#ifndef QN_KERNELS_SOFTMAX_H
#define QN_KERNELS_SOFTMAX_H

#include "kernels/numeric.h"

typedef enum qn_softmax_kind {
    QN_SOFTMAX, /* exp(x - max) / sum */
    QN_LOG_SOFTMAX,
    QN_HARDMAX /* 1 at the first largest element, else 0 */
} qn_softmax_kind;

/* Slices [begin, end) of [outer, n, inner], normalised along n.  y may be x.  Each
 * slice is shifted by its maximum, so no finite input overflows; a slice of only -inf
 * is NaN. */
void qn_softmax_f32(qn_softmax_kind kind, int64_t n, int64_t inner, const float *x,
                    float *y, int64_t begin, int64_t end);
void qn_softmax_f64(qn_softmax_kind kind, int64_t n, int64_t inner, const double *x,
                    double *y, int64_t begin, int64_t end);

#endif
