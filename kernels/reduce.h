/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/reduce.h - sums, extremes and their places along some dims of an array. */
#ifndef QN_KERNELS_REDUCE_H
#define QN_KERNELS_REDUCE_H

#include "kernels/numeric.h"

enum { QN_REDUCE_RANK = 8 };

typedef enum qn_reduce_kind {
    QN_REDUCE_SUM,
    QN_REDUCE_MEAN,
    QN_REDUCE_MAX,
    QN_REDUCE_MIN,
    QN_REDUCE_PROD,
    QN_REDUCE_L1,
    QN_REDUCE_L2,
    QN_REDUCE_SUM_SQUARE,
    QN_REDUCE_LOG_SUM,
    QN_REDUCE_LOG_SUM_EXP /* floats only */
} qn_reduce_kind;

/* Dims in row-major order, split into outer kept ones, reduced ones, and the innermost
 * run of equal kind: `width` kept columns or `length` reduced elements lie densely. */
typedef struct qn_reduce_shape {
    int n_keep, n_red;
    int64_t keep[QN_REDUCE_RANK], keep_step[QN_REDUCE_RANK];
    int64_t red[QN_REDUCE_RANK], red_step[QN_REDUCE_RANK];
    int64_t width, length; /* one of them is 1 */
    int64_t outer, count;  /* product of keep; elements reduced into one */
} qn_reduce_shape;

/* reduced[d]: dim d vanishes. */
void qn_reduce_plan(int rank, const int64_t *dim, const bool *reduced,
                    qn_reduce_shape *shape);

/* y[o * width ..] for outer indices o in [begin, end).  Nothing to reduce gives the
 * identity: 0 for sums, 1 for products, the lowest or highest value for max and min.
 * Floats sum in double, integers modulo 2^64; NaN wins max and min. */
#define QN_REDUCE_FN(suffix)                                                         \
    void qn_reduce_##suffix(qn_reduce_kind kind, const qn_reduce_shape *s,           \
                            const qn_t_##suffix *x, qn_t_##suffix *y, int64_t begin, \
                            int64_t end);                                            \
    void qn_arg_##suffix(const qn_arg_shape *s, const qn_t_##suffix *x, int64_t *y,  \
                         int64_t begin, int64_t end);

/* Index of the extreme along the middle dim of [outer, n, inner]; n > 0.  Among equals
 * the first, or the last; NaN is the most extreme. */
typedef struct qn_arg_shape {
    int64_t n, inner;
    bool smallest, last;
} qn_arg_shape;

QN_REDUCE_FN(f32)
QN_REDUCE_FN(f64)
QN_REDUCE_FN(i8)
QN_REDUCE_FN(i16)
QN_REDUCE_FN(i32)
QN_REDUCE_FN(i64)
QN_REDUCE_FN(u8)
QN_REDUCE_FN(u16)
QN_REDUCE_FN(u32)
QN_REDUCE_FN(u64)

#endif
