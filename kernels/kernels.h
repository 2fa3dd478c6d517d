/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/kernels.h - arithmetic on raw pointers: the slots that have more than one
 * implementation, and the table that holds the choice.
 *
 * A kernel never allocates, never fails, never sees a thread or a graph.  Unless a slot
 * says otherwise: pointers may have any alignment, operands do not overlap, NaN in
 * gives NaN out.  The plain C row of a slot is the definition of right. */
#ifndef QN_KERNELS_KERNELS_H
#define QN_KERNELS_KERNELS_H

#include "kernels/blocked.h"
#include "kernels/drift.h"
#include "kernels/gradw8c.h"
#include "kernels/heat.h"
#include "kernels/norm.h"
#include "kernels/panels.h"
#include "kernels/softmax.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instruction sets, as bits.  REF is always there. */
enum qn_isa {
    QN_ISA_REF = 0,
    QN_ISA_AVX2 = 1, /* AVX2 + FMA + F16C */
    QN_ISA_NEON = 2,
    QN_ISA_AVX512 = 4 /* AVX-512 F, BW, DQ and VL, on top of AVX2 */
};

typedef struct qn_kernels qn_kernels;

/* C [m,n] = alpha * op(A) [m,k] * op(B) [k,n] + beta * C, all row-major.
 * ta/tb: the operand lies transposed.  lda, ldb, ldc: elements from row to row.
 * beta 0 does not read C.  k 0 gives beta * C.  Any order of summation:
 * |error| <= (k+2) * eps * sum |a*b|.  slots is the table the function was found in:
 * an outside library's own functions stand there. */
typedef void qn_gemm_f32_fn(const qn_kernels *slots, bool ta, bool tb, int64_t m,
                            int64_t n, int64_t k, float alpha, const float *a,
                            int64_t lda, const float *b, int64_t ldb, float beta,
                            float *c, int64_t ldc);
typedef void qn_gemm_f64_fn(const qn_kernels *slots, bool ta, bool tb, int64_t m,
                            int64_t n, int64_t k, double alpha, const double *a,
                            int64_t lda, const double *b, int64_t ldb, double beta,
                            double *c, int64_t ldc);

/* y [n] = alpha * x [k] * op(B) [k,n] + beta * y.  tb: B lies transposed, [n,k].
 * ldb, beta and the error as for gemm. */
typedef void qn_gemv_f32_fn(bool tb, int64_t n, int64_t k, float alpha, const float *x,
                            const float *b, int64_t ldb, float beta, float *y);
typedef void qn_gemv_f64_fn(bool tb, int64_t n, int64_t k, double alpha,
                            const double *x, const double *b, int64_t ldb, double beta,
                            double *y);

/* y[i] = bias + sum over t < taps of weight[t] * x[i + shift[t]], i < n: a depthwise
 * convolution whose padding and strides are already taken out. */
typedef void qn_dwtaps_f32_fn(int64_t n, int taps, const int64_t *shift,
                              const float *weight, float bias, const float *x,
                              float *y);

/* y[i] = f(x[i]), i < n, where f is a qn_unary_op of elementwise.h defined on float32,
 * with its parameters p[2].  y may be x.  Every row gives the same bits. */
typedef void qn_unary_f32_fn(int op, const float *x, float *y, int64_t n,
                             const float *p);

/* dx[i] = dy[i] f'(x[i]), as qn_unary_grad of elementwise.h.  Same bits in every row.
 */
typedef void qn_unary_grad_f32_fn(int op, const float *dy, const float *v, float *dx,
                                  int64_t n, const double *p);

/* y [n] in place becomes the activation of that kind (act.h).  Same bits in every row.
 */
typedef void qn_act_f32_fn(int kind, float alpha, float beta, float *y, int64_t n);

/* As the functions of that name in softmax.h (a result below the smallest normal number
 * may be 0) and norm.h. */
typedef void qn_softmax_f32_fn(qn_softmax_kind kind, int64_t n, int64_t inner,
                               const float *x, float *y, int64_t begin, int64_t end);
typedef qn_moments qn_rownorm_f32_fn(const qn_rownorm *p, const float *x, float *y);

/*  slot name, function type; *8c* are described in blocked.h, panels in panels.h */
#define QN_SLOT_MAP(X)                      \
    X(gemm_f32, qn_gemm_f32_fn)             \
    X(gemm_f64, qn_gemm_f64_fn)             \
    X(gemv_f32, qn_gemv_f32_fn)             \
    X(gemv_f64, qn_gemv_f64_fn)             \
    X(panels_f32, qn_panels_f32_fn)         \
    X(dwtaps_f32, qn_dwtaps_f32_fn)         \
    X(unary_f32, qn_unary_f32_fn)           \
    X(act_f32, qn_act_f32_fn)               \
    X(unary_grad_f32, qn_unary_grad_f32_fn) \
    X(softmax_f32, qn_softmax_f32_fn)       \
    X(rownorm_f32, qn_rownorm_f32_fn)       \
    X(conv8c_f32, qn_conv8c_f32_fn)         \
    X(gate8c_f32, qn_gate8c_f32_fn)         \
    X(stem8c_f32, qn_stem8c_f32_fn)         \
    X(wino8c_f32, qn_wino8c_f32_fn)         \
    X(dw8c_f32, qn_dw8c_f32_fn)             \
    X(gradw8c_f32, qn_gradw8c_f32_fn)       \
    X(gradwino8c_f32, qn_gradwino8c_f32_fn) \
    X(dwgradw8c_f32, qn_dwgradw8c_f32_fn)   \
    X(pool8c_f32, qn_pool8c_f32_fn)         \
    X(mean8c_f32, qn_mean8c_f32_fn)         \
    X(add8c_f32, qn_add8c_f32_fn)           \
    X(scale8c_f32, qn_scale8c_f32_fn)       \
    X(weave8c_f32, qn_weave8c_f32_fn)       \
    X(resize8c_f32, qn_resize8c_f32_fn)     \
    X(to8c_f32, qn_to8c_f32_fn)             \
    X(from8c_f32, qn_from8c_f32_fn)         \
    X(poolgrad8c_f32, qn_poolgrad8c_f32_fn) \
    X(moments8c_f32, qn_moments8c_f32_fn)   \
    X(norm8c_f32, qn_norm8c_f32_fn)         \
    X(normsums8c_f32, qn_normsums8c_f32_fn) \
    X(normgrad8c_f32, qn_normgrad8c_f32_fn) \
    X(heat_f64, qn_heat_f64_fn)             \
    X(drift_f32, qn_drift_f32_fn)

/* Row-major CBLAS, as OpenBLAS exports it: order, transposes, sizes, operands. */
typedef void qn_cblas_sgemm_fn(int order, int ta, int tb, int m, int n, int k,
                               float alpha, const float *a, int lda, const float *b,
                               int ldb, float beta, float *c, int ldc);
typedef void qn_cblas_dgemm_fn(int order, int ta, int tb, int m, int n, int k,
                               double alpha, const double *a, int lda, const double *b,
                               int ldb, double beta, double *c, int ldc);

struct qn_kernels {
    unsigned isa;                   /* bits of qn_isa that were allowed */
    qn_cblas_sgemm_fn *cblas_sgemm; /* of an outside library; NULL: none */
    qn_cblas_dgemm_fn *cblas_dgemm;
#define X(slot, type) type *slot;
    QN_SLOT_MAP(X)
#undef X
};

/* Bits of qn_isa that this machine has. */
unsigned qn_cpu_isa(void);
/* The best of a mask: "ref", "neon", "avx2", "avx512". */
const char *qn_isa_name(unsigned isa);
/* The bits of a name and of what it stands on; false: not on this machine, or unknown.
 */
bool qn_isa_named(const char *name, unsigned *isa);
/* Fills the table from kernels.def: in each slot the last row whose needs are met. */
void qn_kernels_init(qn_kernels *k, unsigned isa);

/* One line of kernels.def, for tests, bench and listings. */
typedef struct qn_kernel_row {
    const char *slot, *name;
    unsigned need;
    void (*fn)(void);
} qn_kernel_row;
const qn_kernel_row *qn_kernel_rows(int *n);

#endif
