/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/einsum.h - sums of products over labelled dims, the general case. */
#ifndef QN_KERNELS_EINSUM_H
#define QN_KERNELS_EINSUM_H

#include "kernels/numeric.h"

enum { QN_EINSUM_DIMS = 64 };

/* Dims of the result first, then those summed over.  step[i * QN_EINSUM_DIMS + d]: step
 * of operand i along dim d, 0 where it lacks it. */
typedef struct qn_einsum {
    int n_in, n_out, n_sum;
    int64_t size[QN_EINSUM_DIMS];
    const int64_t *step;
    int64_t terms; /* product of the sizes summed over */
} qn_einsum;

/* y[begin .. end) of the dense result = sum of the product of the operands; integers
 * are modulo 2^64 first, floats in double. */
#define QN_EINSUM_FN(suffix)                                           \
    void qn_einsum_##suffix(const qn_einsum *e, const void *const *in, \
                            qn_t_##suffix *y, int64_t begin, int64_t end);
QN_EINSUM_FN(f32)
QN_EINSUM_FN(f64)
QN_EINSUM_FN(i8)
QN_EINSUM_FN(i16)
QN_EINSUM_FN(i32)
QN_EINSUM_FN(i64)

/* y [dense] = x, whose dim d has step[d]: a transpose of elements of 4 or 8 bytes. */
void qn_permute_4(int rank, const int64_t *dim, const int64_t *step, const void *x,
                  void *y);
void qn_permute_8(int rank, const int64_t *dim, const int64_t *step, const void *x,
                  void *y);

#endif
