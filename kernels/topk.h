/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/topk.h - the k first of n elements in order of size. */
#ifndef QN_KERNELS_TOPK_H
#define QN_KERNELS_TOPK_H

#include <stdbool.h>
#include <stdint.h>

/* Writes the positions of the k largest (or smallest) of x[0], x[stride], .. x[(n-1) *
 * stride] to index, best first.  Equal elements: the lower position is better.  NaN is
 * larger than every number.  k <= n. */
typedef void qn_topk_fn(int64_t n, const void *x, int64_t stride, bool largest,
                        int64_t k, int64_t *index);

enum qn_topk_type {
    QN_TOPK_FLOAT,
    QN_TOPK_DOUBLE,
    QN_TOPK_INT8,
    QN_TOPK_UINT8,
    QN_TOPK_INT16,
    QN_TOPK_UINT16,
    QN_TOPK_INT32,
    QN_TOPK_UINT32,
    QN_TOPK_INT64,
    QN_TOPK_UINT64,
    QN_TOPK_TYPES
};
qn_topk_fn *qn_topk_kernel(int type);

#endif
