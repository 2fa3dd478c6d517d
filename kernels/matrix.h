/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/matrix.h - matrix products that have one implementation only. */
#ifndef QN_KERNELS_MATRIX_H
#define QN_KERNELS_MATRIX_H

#include "kernels/kernels.h"
#include "kernels/numeric.h"

/* The rows that are always there, for callers that hold no table. */
qn_gemm_f32_fn qn_gemm_f32_ref;
qn_gemm_f64_fn qn_gemm_f64_ref;

/* As slot gemm_f32 (slots is not used), in arithmetic modulo 2^32 and 2^64 (signed
 * operands alike). */
void qn_gemm_u32(const qn_kernels *slots, bool ta, bool tb, int64_t m, int64_t n,
                 int64_t k, uint32_t alpha, const uint32_t *a, int64_t lda,
                 const uint32_t *b, int64_t ldb, uint32_t beta, uint32_t *c,
                 int64_t ldc);
void qn_gemm_u64(const qn_kernels *slots, bool ta, bool tb, int64_t m, int64_t n,
                 int64_t k, uint64_t alpha, const uint64_t *a, int64_t lda,
                 const uint64_t *b, int64_t ldb, uint64_t beta, uint64_t *c,
                 int64_t ldc);

/* An 8-bit matrix as int32 minus its zero points: y[i,j] = x[i,j] - zero[i*zr + j*zc];
 * zero NULL means 0.  x has m rows of n elements, dense. */
typedef struct qn_zero {
    const void *v;    /* of the type of x */
    int64_t row, col; /* steps */
} qn_zero;
void qn_widen_u8(int64_t m, int64_t n, const uint8_t *x, qn_zero zero, int32_t *y);
void qn_widen_i8(int64_t m, int64_t n, const int8_t *x, qn_zero zero, int32_t *y);

/* n sums to 8 bits: y = round(x a b[j] / y) + zero, ties to even, saturated. */
typedef struct qn_rescale {
    float a, y;
    const float *b;
    int64_t b_step; /* 0: one b for all */
    int32_t zero;
} qn_rescale;
void qn_rescale_u8(int64_t n, const int32_t *x, const qn_rescale *s, uint8_t *y);
void qn_rescale_i8(int64_t n, const int32_t *x, const qn_rescale *s, int8_t *y);

/* Y [m,n], dense, = alpha * Y + beta * C, where C has steps row and col (0: broadcast).
 * alpha 0 does not read Y; C NULL means 0.  Integers go through double unless alpha is
 * 0 or 1 and beta is 1. */
typedef struct qn_bias {
    int64_t m, n, row, col;
} qn_bias;
void qn_bias_f32(qn_bias p, double alpha, float *y, double beta, const float *c);
void qn_bias_f64(qn_bias p, double alpha, double *y, double beta, const double *c);
void qn_bias_i32(qn_bias p, double alpha, int32_t *y, double beta, const int32_t *c);
void qn_bias_i64(qn_bias p, double alpha, int64_t *y, double beta, const int64_t *c);
void qn_bias_u32(qn_bias p, double alpha, uint32_t *y, double beta, const uint32_t *c);
void qn_bias_u64(qn_bias p, double alpha, uint64_t *y, double beta, const uint64_t *c);

#endif
