/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/v8_avx512.h - the words of v8_avx2.h where there are 32 registers, and
 * those of a vector of sixteen floats (qn_v16), which take two neighbouring vectors of
 * eight at a time. */
#ifndef QN_KERNELS_X86_V8_AVX512_H
#define QN_KERNELS_X86_V8_AVX512_H

#include "kernels/x86/v8_avx2.h"

#undef QN_V8_ROW
#define QN_V8_ROW(slot) qn_##slot##_avx512
#define QN_HAS_V16

typedef __m512 qn_v16;

static inline qn_v16 qn_load16(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void qn_store16(float *p, qn_v16 x)
{
    _mm512_storeu_ps(p, x);
}

static inline qn_v16 qn_set16(float x)
{
    return _mm512_set1_ps(x);
}

static inline qn_v16 qn_zero16(void)
{
    return _mm512_setzero_ps();
}

static inline qn_v16 qn_add16(qn_v16 a, qn_v16 b)
{
    return _mm512_add_ps(a, b);
}

static inline qn_v16 qn_sub16(qn_v16 a, qn_v16 b)
{
    return _mm512_sub_ps(a, b);
}

static inline qn_v16 qn_mul16(qn_v16 a, qn_v16 b)
{
    return _mm512_mul_ps(a, b);
}

static inline qn_v16 qn_div16(qn_v16 a, qn_v16 b)
{
    return _mm512_div_ps(a, b);
}

/* a b + c */
static inline qn_v16 qn_fma16(qn_v16 a, qn_v16 b, qn_v16 c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* c - a b */
static inline qn_v16 qn_fnma16(qn_v16 a, qn_v16 b, qn_v16 c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

/* a b - c */
static inline qn_v16 qn_fms16(qn_v16 a, qn_v16 b, qn_v16 c)
{
    return _mm512_fmsub_ps(a, b, c);
}

/* The second operand is the answer when one is NaN. */
static inline qn_v16 qn_max16(qn_v16 a, qn_v16 b)
{
    return _mm512_max_ps(a, b);
}

static inline qn_v16 qn_min16(qn_v16 a, qn_v16 b)
{
    return _mm512_min_ps(a, b);
}

static inline qn_v16 qn_neg16(qn_v16 x)
{
    return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
}

static inline qn_v16 qn_abs16(qn_v16 x)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x);
}

/* x, which has no sign, with that of s. */
static inline qn_v16 qn_sign16(qn_v16 x, qn_v16 s)
{
    return _mm512_or_ps(x, _mm512_and_ps(s, _mm512_set1_ps(-0.0f)));
}

/* a >= b ? x : y; NaN is not. */
static inline qn_v16 qn_if_ge16(qn_v16 a, qn_v16 b, qn_v16 x, qn_v16 y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GE_OQ), y, x);
}

/* x if s has its sign bit set, else y. */
static inline qn_v16 qn_if_sign16(qn_v16 s, qn_v16 x, qn_v16 y)
{
    return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(s)), y, x);
}

/* p 2^n, n the low bits of t. */
static inline qn_v16 qn_scale16(qn_v16 p, qn_v16 t)
{
    __m512i n = _mm512_slli_epi32(_mm512_castps_si512(t), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(n, _mm512_castps_si512(p)));
}

#endif
