/* SPDX-License-Identifier: Apache-2.0 */
/* engine/product.h - batched matrix products under the pool.
 *
 * Every operator that multiplies matrices comes through here: one call describes a
 * batch of equal products, which are cut into blocks whose shapes depend on the problem
 * only (same bits at any number of threads), and each block goes to the gemm slot of
 * its element type, or to gemv where one side is a vector. */
#ifndef QN_ENGINE_PRODUCT_H
#define QN_ENGINE_PRODUCT_H

#include "engine/op.h"

/* C[i] = alpha * op(A[i]) * op(B[i]) + beta * C[i], i over a batch of up to
 * QUERN_MAX_RANK dims; then act on C.  Row-major; strides count elements. */
typedef struct qn_gemm {
    quern_dtype dtype; /* float32, float64 or a 32- or 64-bit integer */
    bool ta, tb;
    int64_t m, n, k, lda, ldb, ldc;
    double alpha, beta; /* integers: 1, and 0 or 1 */
    const void *a, *b;
    void *c;
    int rank; /* of the batch; 0: one product */
    int64_t dim[QUERN_MAX_RANK];
    int64_t step_a[QUERN_MAX_RANK], step_b[QUERN_MAX_RANK], step_c[QUERN_MAX_RANK];
    const qn_act *act; /* NULL: none; float32 and float64 only */
} qn_gemm;

/* One product of dense matrices, alpha 1, beta 0. */
qn_gemm qn_gemm_dense(quern_dtype dtype, bool ta, bool tb, int64_t m, int64_t n,
                      int64_t k);
void qn_gemm_run(const qn_gemm *g, const qn_kernels *k, qn_pool *pool);

#endif
