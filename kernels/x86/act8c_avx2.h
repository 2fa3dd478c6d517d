/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/act8c_avx2.h - activations of 8 lanes, and what a blocked kernel does to
 * the run of pixels it has just stored: activate, and zero the tail.
 *
 * None, ReLU and Clip are bounds that kernels apply in registers; the others work on a
 * run that is still in the first-level cache.  tanh and erf are those of vmath.h with
 * fused multiply-add; the exponential is shorter.  Errors: everywhere at most 1.3e-7 *
 * max(|x|, 1); in units of the last place sigmoid and SiLU 6 for |x| <= 10 and 22 for
 * all x, tanh 2.1, erf 2.5. */
#ifndef QN_KERNELS_X86_ACT8C_AVX2_H
#define QN_KERNELS_X86_ACT8C_AVX2_H

#include "kernels/blocked.h"

#include <immintrin.h>
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
static inline __m256 qn_bound8(const qn_bounds8 *b, __m256 x)
{
    if (b->has_lo) x = _mm256_max_ps(_mm256_set1_ps(b->lo), x);
    if (b->has_hi) x = _mm256_min_ps(_mm256_set1_ps(b->hi), x);
    return x;
}

/* ---- functions ------------------------------------------------------------------- */

static inline __m256 qn_set8(float x)
{
    return _mm256_set1_ps(x);
}

/* exp(x) = 2^n 2^f, |f| <= 1/2, for -86 <= x <= 88; others are taken as the nearer end;
 * NaN gives NaN.  Relative error at most 2e-7 + 1.5e-8 |x|. */
static inline __m256 qn_exp8(__m256 x)
{
    const __m256 magic = qn_set8(0x1.8p23f), per_two = qn_set8(0x1.715476p+0f);
    x = _mm256_max_ps(qn_set8(-86), _mm256_min_ps(qn_set8(88), x));
    __m256 t = _mm256_fmadd_ps(x, per_two, magic); /* its low bits are n */
    __m256 f = _mm256_fmsub_ps(x, per_two, _mm256_sub_ps(t, magic));
    __m256 p = _mm256_fmadd_ps(f, qn_set8(0x1.5c08e6p-10f), qn_set8(0x1.3d0c52p-7f));
    p = _mm256_fmadd_ps(f, p, qn_set8(0x1.c6b6e4p-5f));
    p = _mm256_fmadd_ps(f, p, qn_set8(0x1.ebf918p-3f));
    p = _mm256_fmadd_ps(f, p, qn_set8(0x1.62e428p-1f));
    p = _mm256_fmadd_ps(f, p, qn_set8(1));
    __m256i n = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(n, _mm256_castps_si256(p)));
}

static inline __m256 qn_sigmoid8(__m256 x)
{
    __m256 e = qn_exp8(_mm256_xor_ps(x, qn_set8(-0.0f)));
    return _mm256_div_ps(qn_set8(1), _mm256_add_ps(qn_set8(1), e));
}

static inline __m256 qn_silu8(__m256 x)
{
    __m256 e = qn_exp8(_mm256_xor_ps(x, qn_set8(-0.0f)));
    return _mm256_div_ps(x, _mm256_add_ps(qn_set8(1), e));
}

static inline __m256 qn_tanh8(__m256 x)
{
    const __m256 sign = qn_set8(-0.0f);
    __m256 a = _mm256_andnot_ps(sign, x), z = _mm256_mul_ps(x, x);
    __m256 p = _mm256_fmadd_ps(z, qn_set8(-0x1.76abf6p-8f), qn_set8(0x1.5256cep-6f));
    p = _mm256_fmadd_ps(z, p, qn_set8(-0x1.b84448p-5f));
    p = _mm256_fmadd_ps(z, p, qn_set8(0x1.110768p-3f));
    p = _mm256_fmadd_ps(z, p, qn_set8(-0x1.555534p-2f));
    __m256 near = _mm256_fmadd_ps(_mm256_mul_ps(x, z), p, x);
    __m256 e = _mm256_add_ps(qn_exp8(_mm256_add_ps(a, a)), qn_set8(1));
    __m256 far = _mm256_sub_ps(qn_set8(1), _mm256_div_ps(qn_set8(2), e));
    far = _mm256_or_ps(far, _mm256_and_ps(x, sign));
    return _mm256_blendv_ps(near, far, _mm256_cmp_ps(a, qn_set8(0.625f), _CMP_GE_OQ));
}

static inline __m256 qn_erf8(__m256 x)
{
    const __m256 sign = qn_set8(-0.0f);
    __m256 a = _mm256_andnot_ps(sign, x), z = _mm256_mul_ps(x, x);
    __m256 t = _mm256_min_ps(qn_set8(4), a);
    __m256 p = _mm256_fmadd_ps(z, qn_set8(0x1.496a28p-14f), qn_set8(-0x1.a3f6fcp-11f));
    p = _mm256_fmadd_ps(z, p, qn_set8(0x1.5405b2p-8f));
    p = _mm256_fmadd_ps(z, p, qn_set8(-0x1.b7f90cp-6f));
    p = _mm256_fmadd_ps(z, p, qn_set8(0x1.ce2cf8p-4f));
    p = _mm256_fmadd_ps(z, p, qn_set8(-0x1.81273ep-2f));
    p = _mm256_fmadd_ps(z, p, qn_set8(0x1.20dd74p+0f));
    __m256 near = _mm256_mul_ps(x, p);
    __m256 g = _mm256_fmadd_ps(t, qn_set8(0x1.919d80p-13f), qn_set8(-0x1.89282cp-9f));
    g = _mm256_fmadd_ps(t, g, qn_set8(0x1.694cecp-6f));
    g = _mm256_fmadd_ps(t, g, qn_set8(-0x1.a835d4p-4f));
    g = _mm256_fmadd_ps(t, g, qn_set8(-0x1.467380p-1f));
    g = _mm256_fmadd_ps(t, g, qn_set8(-0x1.209f00p+0f));
    g = _mm256_fmadd_ps(t, g, qn_set8(-0x1.0ce49ap-12f));
    __m256 far = _mm256_sub_ps(qn_set8(1), qn_exp8(g));
    far = _mm256_or_ps(far, _mm256_and_ps(x, sign));
    return _mm256_blendv_ps(near, far, _mm256_cmp_ps(a, qn_set8(1), _CMP_GE_OQ));
}

static inline __m256 qn_gelu8(__m256 x)
{
    __m256 half = _mm256_mul_ps(x, qn_set8(0.5f));
    return _mm256_fmadd_ps(half, qn_erf8(_mm256_mul_ps(x, qn_set8(0x1.6a09e6p-1f))),
                           half);
}

static inline __m256 qn_unit8(__m256 x) /* between 0 and 1 */
{
    return _mm256_max_ps(qn_set8(0), _mm256_min_ps(qn_set8(1), x));
}

static inline __m256 qn_hard_swish8(__m256 x)
{
    __m256 s = _mm256_fmadd_ps(x, qn_set8(0x1.555556p-3f), qn_set8(0.5f));
    return _mm256_mul_ps(x, qn_unit8(s));
}

/* ---- runs ------------------------------------------------------------------------ */

static inline bool qn_act8_is_bounds(const qn_act *act)
{
    return act->kind == QN_ACT_NONE || act->kind == QN_ACT_RELU ||
           act->kind == QN_ACT_CLIP;
}

#define QN_EACH8(expression)                     \
    for (int64_t i = 0; i < n; i++) {            \
        __m256 x = _mm256_loadu_ps(p + 8 * i);   \
        _mm256_storeu_ps(p + 8 * i, expression); \
    }                                            \
    break;

/* Activates n vectors in place; bounds have been seen to. */
static inline void qn_act8_run(const qn_act *act, float *p, int64_t n)
{
    const __m256 a = qn_set8(act->alpha), b = qn_set8(act->beta);
    switch (act->kind) {
    case QN_ACT_LEAKY_RELU:
        QN_EACH8(_mm256_blendv_ps(x, _mm256_mul_ps(x, a), x))
    case QN_ACT_HARD_SIGMOID:
        QN_EACH8(qn_unit8(_mm256_fmadd_ps(x, a, b)))
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

/* All lanes, or those of the last block's real channels. */
static inline __m256 qn_tail_mask8(int64_t channels)
{
    static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                     0,  0,  0,  0,  0,  0,  0,  0};
    int64_t left = channels % 8 == 0 ? 8 : channels % 8;
    const int32_t *from = mask + 8 - left;
    return _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)from));
}

static inline void qn_tail8_run(int64_t channels, float *p, int64_t n)
{
    const __m256 mask = qn_tail_mask8(channels);
    for (int64_t i = 0; i < n; i++)
        _mm256_storeu_ps(p + 8 * i, _mm256_and_ps(_mm256_loadu_ps(p + 8 * i), mask));
}

/* What is left to do to n stored pixels of a block of y. */
static inline void qn_finish8(const qn_act *act, const qn_plane8c *y, int64_t block,
                              float *p, int64_t n)
{
    if (!qn_act8_is_bounds(act)) qn_act8_run(act, p, n);
    if (block == y->c / 8) qn_tail8_run(y->c, p, n); /* a whole last block is before */
}

#endif
