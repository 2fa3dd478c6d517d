/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/elementwise.h - one result per element: functions of one and of two operands.
 *
 * A result may lie exactly over an operand that is read with stride 1; else nothing
 * overlaps.  Strides are in elements and are 0 (one value for all) or 1.  Integers wrap
 * around; dividing the smallest integer by -1 gives the smallest again. */
#ifndef QN_KERNELS_ELEMENTWISE_H
#define QN_KERNELS_ELEMENTWISE_H

#include "kernels/convert.h"

/* The loops below carry nothing from one element to the next. */
#ifdef __clang__
#define QN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define QN_INDEPENDENT _Pragma("GCC ivdep")
#endif
#define QN_ALWAYS_INLINE static inline __attribute__((always_inline))

/* ---- one operand --------------------------------------------------------------- */

/* clang-format off */
/* Functions of float and double with parameters p[0], p[1] (a, b below). */
#define QN_UNARY_FLOAT_MAP(X)                                                          \
    X(ceil) X(floor) X(round) /* half to even */                                       \
    X(sqrt) X(reciprocal) X(exp) X(log) X(erf)                                         \
    X(sin) X(cos) X(tan) X(asin) X(acos) X(atan)                                       \
    X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh)                                 \
    X(clip)       /* min(max(x, a), b) */                                              \
    X(leaky_relu) /* x < 0 ? a*x : x */                                                \
    X(elu)        /* x < 0 ? a*(exp(x)-1) : x */                                       \
    X(selu)       /* b * (x < 0 ? a*(exp(x)-1) : x) */                                 \
    X(celu)       /* max(0, x) + min(0, a*(exp(x/a)-1)) */                             \
    X(thresholded_relu) /* x > a ? x : 0 */                                            \
    X(sigmoid)                                                                         \
    X(hard_sigmoid) /* max(0, min(1, a*x + b)) */                                      \
    X(hard_swish)   /* x * max(0, min(1, x/6 + 0.5)) */                                \
    X(softplus) X(softsign)                                                            \
    X(gelu)      /* x/2 * (1 + erf(x / sqrt 2)) */                                     \
    X(gelu_tanh) /* x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) */               \
    X(swish)     /* x * sigmoid(a*x) */                                                \
    X(mish)      /* x * tanh(softplus(x)) */

/* Functions of every number; neg and relu not of unsigned ones. */
#define QN_UNARY_NUMBER_MAP(X)                                                         \
    X(abs) X(neg) X(sign) X(relu)                                                      \
    X(shrink) /* x < -b ? x+a : x > b ? x-a : 0 */
/* clang-format on */

#define QN_ENUM_UNARY(name) QN_UNARY_##name,
/* clang-format off */
enum qn_unary_op {
    QN_UNARY_FLOAT_MAP(QN_ENUM_UNARY) QN_UNARY_NUMBER_MAP(QN_ENUM_UNARY)
    QN_UNARY_bit_not, /* integers */
    QN_UNARY_not,     /* bool */
    QN_UNARY_COUNT
};
/* clang-format on */

typedef void qn_unary_fn(const void *x, void *y, int64_t n, const float *p);
/* NULL: the function is not defined on that type.  float16 and such are never. */
qn_unary_fn *qn_unary(enum qn_unary_op op, enum qn_elem type);

/* clang-format off */
/* The functions that have a gradient other than 0: those whose gradient is computed from
 * their value y, so that x need not be kept, and those that need x. */
#define QN_UNARY_GRAD_Y_MAP(X)                                                         \
    X(relu) X(clip) X(sigmoid) X(tanh) X(exp) X(sqrt) X(reciprocal)
#define QN_UNARY_GRAD_X_MAP(X)                                                         \
    X(log) X(erf) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh)         \
    X(asinh) X(acosh) X(atanh) X(abs) X(neg) X(leaky_relu) X(thresholded_relu) X(elu)  \
    X(selu) X(celu) X(shrink) X(softplus) X(softsign) X(hard_sigmoid) X(hard_swish)    \
    X(gelu) X(gelu_tanh) X(swish) X(mish)
#define QN_UNARY_GRAD_MAP(X) QN_UNARY_GRAD_Y_MAP(X) QN_UNARY_GRAD_X_MAP(X)
/* clang-format on */

/* dx = dy f'(x), with f's parameters in p[2]; v is x or, if qn_unary_grad_from_value,
 * y. dx may be dy or v.  float32 and float64. */
typedef void qn_unary_grad_fn(const void *dy, const void *v, void *dx, int64_t n,
                              const double *p);
qn_unary_grad_fn *qn_unary_grad(enum qn_unary_op op, enum qn_elem type); /* or NULL */
bool qn_unary_grad_from_value(enum qn_unary_op op);

/* y = min(max(x, *lo), *hi), any number; NaN passes. */
typedef void qn_clip_fn(const void *x, void *y, int64_t n, const void *lo,
                        const void *hi);
qn_clip_fn *qn_clip(enum qn_elem type);

/* y[i] = 1 where x[i] is NaN; where it is infinite and its sign is wanted. */
void qn_is_nan_f32(const float *x, uint8_t *y, int64_t n);
void qn_is_nan_f64(const double *x, uint8_t *y, int64_t n);
void qn_is_inf_f32(const float *x, uint8_t *y, int64_t n, bool negative, bool positive);
void qn_is_inf_f64(const double *x, uint8_t *y, int64_t n, bool negative,
                   bool positive);

/* ---- two operands -------------------------------------------------------------- */

/* clang-format off */
/* Of every number. */
#define QN_BINARY_NUMBER_MAP(X)                                                        \
    X(add) X(sub) X(mul)                                                               \
    X(div)  /* integers: towards zero; by zero gives 0, callers check before */        \
    X(mod)  /* sign of the divisor; integers by zero as above */                       \
    X(fmod) /* sign of the dividend */                                                 \
    X(max) X(min)                                                                      \
    X(prelu) /* a < 0 ? a*b : a */
/* Of every number; integers by repeated squaring: to a negative power 0, 1 or -1. */
#define QN_POW_MAP(X) X(pow)
/* Of integers; counts outside the width shift everything out. */
#define QN_BINARY_INT_MAP(X)                                                           \
    X(bit_and) X(bit_or) X(bit_xor) X(shift_left) X(shift_right)
/* Of every number, giving bool. */
#define QN_COMPARE_MAP(X) X(equal) X(less) X(less_equal) X(greater) X(greater_equal)
/* Of bool. */
#define QN_LOGIC_MAP(X) X(and) X(or) X(xor) X(same)
/* clang-format on */

#define QN_ENUM_BINARY(name) QN_BINARY_##name,
/* clang-format off */
enum qn_binary_op {
    QN_BINARY_NUMBER_MAP(QN_ENUM_BINARY) QN_POW_MAP(QN_ENUM_BINARY)
    QN_BINARY_INT_MAP(QN_ENUM_BINARY) QN_COMPARE_MAP(QN_ENUM_BINARY)
    QN_LOGIC_MAP(QN_ENUM_BINARY)
    QN_BINARY_COUNT
};
/* clang-format on */

typedef void qn_binary_fn(const void *a, int64_t sa, const void *b, int64_t sb, void *y,
                          int64_t n);
qn_binary_fn *qn_binary(enum qn_binary_op op, enum qn_elem type);

/* True when some element of an integer array is zero. */
bool qn_any_zero(const void *x, size_t elem_size, int64_t n);

/* y[i] = c[i] ? a[i] : b[i] for elements of 1, 2, 4, 8 or 16 bytes (else NULL). */
typedef struct qn_strided {
    const void *p;
    int64_t stride;
} qn_strided;
typedef void qn_select_fn(qn_strided c, qn_strided a, qn_strided b, void *y, int64_t n);
qn_select_fn *qn_select(size_t elem_size);

#endif
