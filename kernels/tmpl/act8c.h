/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/act8c.h - activations of 8 lanes, and what a blocked kernel does to the
 * run of pixels it has just stored: activate, and zero the tail.  In the words of
 * v8_<instruction set>.h, which the includer has included.
 *
 * None, ReLU and Clip are bounds that kernels apply in registers; the others work on a
 * run that is still in the first-level cache.  tanh and erf are those of vmath.h with
 * fused multiply-add; the exponential is shorter, GELU has a polynomial of its own.
 * Errors: everywhere at most 1.3e-7 * max(|x|, 1); in units of the last place sigmoid
 * and SiLU 6 for |x| <= 10 and 22 for all x, tanh 2.1, erf 2.5. */
#ifndef QN_KERNELS_TMPL_ACT8C_H
#define QN_KERNELS_TMPL_ACT8C_H

#include "kernels/blocked.h"

#include <math.h>

/* ---- bounds ---------------------------------------------------------------------- */

typedef struct qn_bounds8 {
    float lo, hi;
    bool has_lo, has_hi;
} qn_bounds8;

static inline qn_bounds8 qn_bounds8_of(const qn_act *act)
{
    qn_bounds8 b = {-INFINITY, INFINITY, false, false};
    if (act->kind == QN_ACT_RELU) b.lo = 0, b.has_lo = true;
    if (act->kind == QN_ACT_CLIP)
        b = (qn_bounds8){act->alpha, act->beta, true, act->beta < INFINITY};
    return b;
}

/* The second operand is the answer when one is NaN. */
static inline qn_v8 qn_bound8(const qn_bounds8 *b, qn_v8 x)
{
    if (b->has_lo) x = qn_max8(qn_set8(b->lo), x);
    if (b->has_hi) x = qn_min8(qn_set8(b->hi), x);
    return x;
}

/* ---- functions ------------------------------------------------------------------- */

/* 2^(n + f), |f| <= 1/2; n is in the low bits of t. */
static inline qn_v8 qn_two_to8(qn_v8 f, qn_v8 t)
{
    qn_v8 p = qn_fma8(f, qn_set8(0x1.5c08e6p-10f), qn_set8(0x1.3d0c52p-7f));
    p = qn_fma8(f, p, qn_set8(0x1.c6b6e4p-5f));
    p = qn_fma8(f, p, qn_set8(0x1.ebf918p-3f));
    p = qn_fma8(f, p, qn_set8(0x1.62e428p-1f));
    p = qn_fma8(f, p, qn_set8(1));
    return qn_scale8(p, t);
}

/* exp(x) = 2^n 2^f, |f| <= 1/2, for -86 <= x <= 88; others are taken as the nearer end;
 * NaN gives NaN.  Relative error at most 2e-7 + 1.5e-8 |x|. */
static inline qn_v8 qn_exp8(qn_v8 x)
{
    const qn_v8 magic = qn_set8(0x1.8p23f), per_two = qn_set8(0x1.715476p+0f);
    x = qn_max8(qn_set8(-86), qn_min8(qn_set8(88), x));
    qn_v8 t = qn_fma8(x, per_two, magic); /* its low bits are n */
    return qn_two_to8(qn_fms8(x, per_two, qn_sub8(t, magic)), t);
}

static inline qn_v8 qn_sigmoid8(qn_v8 x)
{
    qn_v8 e = qn_exp8(qn_neg8(x));
    return qn_div8(qn_set8(1), qn_add8(qn_set8(1), e));
}

static inline qn_v8 qn_silu8(qn_v8 x)
{
    qn_v8 e = qn_exp8(qn_neg8(x));
    return qn_div8(x, qn_add8(qn_set8(1), e));
}

static inline qn_v8 qn_tanh8(qn_v8 x)
{
    qn_v8 a = qn_abs8(x), z = qn_mul8(x, x);
    qn_v8 p = qn_fma8(z, qn_set8(-0x1.76abf6p-8f), qn_set8(0x1.5256cep-6f));
    p = qn_fma8(z, p, qn_set8(-0x1.b84448p-5f));
    p = qn_fma8(z, p, qn_set8(0x1.110768p-3f));
    p = qn_fma8(z, p, qn_set8(-0x1.555534p-2f));
    qn_v8 near = qn_fma8(qn_mul8(x, z), p, x);
    qn_v8 e = qn_add8(qn_exp8(qn_add8(a, a)), qn_set8(1));
    qn_v8 far = qn_sub8(qn_set8(1), qn_div8(qn_set8(2), e));
    far = qn_sign8(far, x);
    return qn_if_ge8(a, qn_set8(0.625f), far, near);
}

static inline qn_v8 qn_erf8(qn_v8 x)
{
    qn_v8 a = qn_abs8(x), z = qn_mul8(x, x);
    qn_v8 t = qn_min8(qn_set8(4), a);
    qn_v8 p = qn_fma8(z, qn_set8(0x1.496a28p-14f), qn_set8(-0x1.a3f6fcp-11f));
    p = qn_fma8(z, p, qn_set8(0x1.5405b2p-8f));
    p = qn_fma8(z, p, qn_set8(-0x1.b7f90cp-6f));
    p = qn_fma8(z, p, qn_set8(0x1.ce2cf8p-4f));
    p = qn_fma8(z, p, qn_set8(-0x1.81273ep-2f));
    p = qn_fma8(z, p, qn_set8(0x1.20dd74p+0f));
    qn_v8 near = qn_mul8(x, p);
    qn_v8 g = qn_fma8(t, qn_set8(0x1.919d80p-13f), qn_set8(-0x1.89282cp-9f));
    g = qn_fma8(t, g, qn_set8(0x1.694cecp-6f));
    g = qn_fma8(t, g, qn_set8(-0x1.a835d4p-4f));
    g = qn_fma8(t, g, qn_set8(-0x1.467380p-1f));
    g = qn_fma8(t, g, qn_set8(-0x1.209f00p+0f));
    g = qn_fma8(t, g, qn_set8(-0x1.0ce49ap-12f));
    qn_v8 far = qn_sub8(qn_set8(1), qn_exp8(g));
    far = qn_sign8(far, x);
    return qn_if_ge8(a, qn_set8(1), far, near);
}

/* x/2 erfc(-x / sqrt(2)) = max(x, 0) - |x| 2^g(|x|): g is smooth, so that one
 * polynomial does; from 6.5 on the second part is nothing. */
static inline qn_v8 qn_gelu8(qn_v8 x)
{
    const qn_v8 a = qn_min8(qn_set8(6.5f), qn_abs8(x));
    qn_v8 g = qn_fma8(a, qn_set8(0x1.293d2ap-17f), qn_set8(-0x1.e3ff8ep-15f));
    g = qn_fma8(a, g, qn_set8(-0x1.aabfd8p-12f));
    g = qn_fma8(a, g, qn_set8(0x1.e28cbcp-8f));
    g = qn_fma8(a, g, qn_set8(-0x1.af71e2p-5f));
    g = qn_fma8(a, g, qn_set8(-0x1.d62f2cp-2f));
    g = qn_fma8(a, g, qn_set8(-0x1.26af12p+0f));
    g = qn_fma8(a, g, qn_set8(-1));
    const qn_v8 t = qn_add8(g, qn_set8(0x1.8p23f)); /* its low bits are n */
    const qn_v8 f = qn_sub8(g, qn_sub8(t, qn_set8(0x1.8p23f)));
    return qn_fnma8(a, qn_two_to8(f, t), qn_max8(qn_set8(0), x));
}

static inline qn_v8 qn_unit8(qn_v8 x) /* between 0 and 1 */
{
    return qn_max8(qn_set8(0), qn_min8(qn_set8(1), x));
}

static inline qn_v8 qn_hard_swish8(qn_v8 x)
{
    qn_v8 s = qn_fma8(x, qn_set8(0x1.555556p-3f), qn_set8(0.5f));
    return qn_mul8(x, qn_unit8(s));
}

/* ---- runs ------------------------------------------------------------------------ */

static inline bool qn_act8_is_bounds(const qn_act *act)
{
    return act->kind == QN_ACT_NONE || act->kind == QN_ACT_RELU ||
           act->kind == QN_ACT_CLIP;
}

#define QN_EACH8(expression)              \
    for (int64_t i = 0; i < n; i++) {     \
        qn_v8 x = qn_load8(p + 8 * i);    \
        qn_store8(p + 8 * i, expression); \
    }                                     \
    break;

/* Activates n vectors in place; bounds have been seen to. */
static inline void qn_act8_run(const qn_act *act, float *p, int64_t n)
{
    const qn_v8 a = qn_set8(act->alpha), b = qn_set8(act->beta);
    switch (act->kind) {
    case QN_ACT_LEAKY_RELU:
        QN_EACH8(qn_if_sign8(x, qn_mul8(x, a), x))
    case QN_ACT_HARD_SIGMOID:
        QN_EACH8(qn_unit8(qn_fma8(x, a, b)))
    case QN_ACT_HARD_SWISH:
        QN_EACH8(qn_hard_swish8(x))
    case QN_ACT_SIGMOID:
        QN_EACH8(qn_sigmoid8(x))
    case QN_ACT_SILU:
        QN_EACH8(qn_silu8(x))
    case QN_ACT_TANH:
        QN_EACH8(qn_tanh8(x))
    case QN_ACT_GELU:
        QN_EACH8(qn_gelu8(x))
    default:
        break;
    }
}
#undef QN_EACH8

/* Keeps the lanes of the last block's real channels. */
static inline void qn_tail8_run(int64_t channels, float *p, int64_t n)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                     0,  0,  0,  0,  0,  0,  0,  0};
    const int32_t *mask = ones + (8 - channels % 8) % 8;
    for (int64_t i = 0; i < n; i++)
        qn_store8(p + 8 * i, qn_mask8(qn_load8(p + 8 * i), mask));
}

/* What is left to do to n stored pixels of a block of y. */
static inline void qn_finish8(const qn_act *act, const qn_plane8c *y, int64_t block,
                              float *p, int64_t n)
{
    if (!qn_act8_is_bounds(act)) qn_act8_run(act, p, n);
    if (block == y->c / 8) qn_tail8_run(y->c, p, n); /* a whole last block is before */
}

/* Convolutions apply these before they store: bounds, and HardSwish, which is short. */
static inline bool qn_act8_is_early(const qn_act *act)
{
    return qn_act8_is_bounds(act) || act->kind == QN_ACT_HARD_SWISH;
}

/* What is left behind those. */
static inline void qn_finish_late8(const qn_act *act, const qn_plane8c *y,
                                   int64_t block, float *p, int64_t n)
{
    const qn_act none = {QN_ACT_NONE, 0, 0};
    qn_finish8(qn_act8_is_early(act) ? &none : act, y, block, p, n);
}

#endif
