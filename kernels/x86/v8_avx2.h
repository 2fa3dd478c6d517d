/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/v8_avx2.h - the words the blocked kernels of kernels/tmpl/ are written
 * in: a vector of eight floats, here one register.  kernels/arm/v8_neon.h says the
 * same. */
#ifndef QN_KERNELS_X86_V8_AVX2_H
#define QN_KERNELS_X86_V8_AVX2_H

#include <immintrin.h>
#include <stdint.h>

typedef __m256 qn_v8;

/* The name of a slot's row for this instruction set. */
#define QN_V8_ROW(slot) qn_##slot##_avx2

static inline qn_v8 qn_load8(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void qn_store8(float *p, qn_v8 x)
{
    _mm256_storeu_ps(p, x);
}

static inline qn_v8 qn_set8(float x)
{
    return _mm256_set1_ps(x);
}

static inline qn_v8 qn_zero8(void)
{
    return _mm256_setzero_ps();
}

static inline qn_v8 qn_add8(qn_v8 a, qn_v8 b)
{
    return _mm256_add_ps(a, b);
}

static inline qn_v8 qn_sub8(qn_v8 a, qn_v8 b)
{
    return _mm256_sub_ps(a, b);
}

static inline qn_v8 qn_mul8(qn_v8 a, qn_v8 b)
{
    return _mm256_mul_ps(a, b);
}

static inline qn_v8 qn_div8(qn_v8 a, qn_v8 b)
{
    return _mm256_div_ps(a, b);
}

/* a b + c */
static inline qn_v8 qn_fma8(qn_v8 a, qn_v8 b, qn_v8 c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* c - a b */
static inline qn_v8 qn_fnma8(qn_v8 a, qn_v8 b, qn_v8 c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

/* a b - c */
static inline qn_v8 qn_fms8(qn_v8 a, qn_v8 b, qn_v8 c)
{
    return _mm256_fmsub_ps(a, b, c);
}

/* The second operand is the answer when one is NaN. */
static inline qn_v8 qn_max8(qn_v8 a, qn_v8 b)
{
    return _mm256_max_ps(a, b);
}

static inline qn_v8 qn_min8(qn_v8 a, qn_v8 b)
{
    return _mm256_min_ps(a, b);
}

/* A NaN if there is one. */
static inline qn_v8 qn_max_nan8(qn_v8 a, qn_v8 b)
{
    __m256 nan = _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
    return _mm256_blendv_ps(_mm256_max_ps(a, b), a, nan);
}

static inline qn_v8 qn_neg8(qn_v8 x)
{
    return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f));
}

static inline qn_v8 qn_abs8(qn_v8 x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

/* x, which has no sign, with that of s. */
static inline qn_v8 qn_sign8(qn_v8 x, qn_v8 s)
{
    return _mm256_or_ps(x, _mm256_and_ps(s, _mm256_set1_ps(-0.0f)));
}

/* a >= b ? x : y; NaN is not. */
static inline qn_v8 qn_if_ge8(qn_v8 a, qn_v8 b, qn_v8 x, qn_v8 y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_GE_OQ));
}

/* x if s has its sign bit set, else y. */
static inline qn_v8 qn_if_sign8(qn_v8 s, qn_v8 x, qn_v8 y)
{
    return _mm256_blendv_ps(y, x, s);
}

/* x, but 0 where a < b. */
static inline qn_v8 qn_unless_lt8(qn_v8 a, qn_v8 b, qn_v8 x)
{
    return _mm256_and_ps(x, _mm256_cmp_ps(a, b, _CMP_NLT_UQ));
}

/* p 2^n, n the low bits of t. */
static inline qn_v8 qn_scale8(qn_v8 p, qn_v8 t)
{
    __m256i n = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(n, _mm256_castps_si256(p)));
}

/* x where mask, an array of 8, is -1; 0 where it is 0. */
static inline qn_v8 qn_mask8(qn_v8 x, const int32_t *mask)
{
    const __m256i m = _mm256_loadu_si256((const __m256i *)mask);
    return _mm256_and_ps(x, _mm256_castsi256_ps(m));
}

/* x where mask is -1, y where it is 0. */
static inline qn_v8 qn_choose8(const int32_t *mask, qn_v8 x, qn_v8 y)
{
    return _mm256_blendv_ps(y, x, _mm256_loadu_ps((const float *)mask));
}

/* Lane k is lane[k] of x. */
static inline qn_v8 qn_permute8(qn_v8 x, const int32_t *lane)
{
    return _mm256_permutevar8x32_ps(x, _mm256_loadu_si256((const __m256i *)lane));
}

/* v[i][k] becomes v[k][i]. */
static inline void qn_transpose8(qn_v8 v[8])
{
    __m256 a[8], b[8];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_ps(v[2 * i], v[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_ps(v[2 * i], v[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
        b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
        b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
        b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
        v[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
    }
}

#endif
