/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/f4_avx2.h - the words kernels are written in that reckon in double: four
 * floats, four doubles, four integers, and lanes that are chosen (all bits set or
 * none). kernels/arm/f4_neon.h says the same. */
#ifndef QN_KERNELS_X86_F4_AVX2_H
#define QN_KERNELS_X86_F4_AVX2_H

#include <immintrin.h>
#include <stdint.h>

typedef __m128 qn_f4;
typedef __m256d qn_d4;
typedef __m128i qn_i4;
typedef __m128 qn_lanes4;

/* ---- floats ---------------------------------------------------------------------- */

static inline qn_f4 qn_load4f(const float *p)
{
    return _mm_loadu_ps(p);
}

static inline void qn_store4f(float *p, qn_f4 x)
{
    _mm_storeu_ps(p, x);
}

static inline qn_f4 qn_set4f(float x)
{
    return _mm_set1_ps(x);
}

static inline qn_f4 qn_add4f(qn_f4 a, qn_f4 b)
{
    return _mm_add_ps(a, b);
}

/* The second operand is the answer when they are equal. */
static inline qn_f4 qn_max4f(qn_f4 a, qn_f4 b)
{
    return _mm_max_ps(a, b);
}

static inline qn_f4 qn_min4f(qn_f4 a, qn_f4 b)
{
    return _mm_min_ps(a, b);
}

/* Column k of the four rows of four at p[0..3]. */
static inline void qn_columns4f(const float *const p[4], qn_f4 column[4])
{
    const qn_f4 a = qn_load4f(p[0]), b = qn_load4f(p[1]);
    const qn_f4 c = qn_load4f(p[2]), d = qn_load4f(p[3]);
    const qn_f4 ab = _mm_unpacklo_ps(a, b), cd = _mm_unpacklo_ps(c, d);
    const qn_f4 ab1 = _mm_unpackhi_ps(a, b), cd1 = _mm_unpackhi_ps(c, d);
    column[0] = _mm_movelh_ps(ab, cd), column[1] = _mm_movehl_ps(cd, ab);
    column[2] = _mm_movelh_ps(ab1, cd1), column[3] = _mm_movehl_ps(cd1, ab1);
}

/* ---- doubles --------------------------------------------------------------------- */

static inline qn_d4 qn_widen4(qn_f4 x)
{
    return _mm256_cvtps_pd(x);
}

static inline qn_f4 qn_round4(qn_d4 x)
{
    return _mm256_cvtpd_ps(x);
}

static inline qn_d4 qn_set4d(double x)
{
    return _mm256_set1_pd(x);
}

static inline qn_d4 qn_add4d(qn_d4 a, qn_d4 b)
{
    return _mm256_add_pd(a, b);
}

static inline qn_d4 qn_sub4d(qn_d4 a, qn_d4 b)
{
    return _mm256_sub_pd(a, b);
}

static inline qn_d4 qn_mul4d(qn_d4 a, qn_d4 b)
{
    return _mm256_mul_pd(a, b);
}

/* ---- integers -------------------------------------------------------------------- */

static inline qn_i4 qn_load4i(const int32_t *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline void qn_store4i(int32_t *p, qn_i4 x)
{
    _mm_storeu_si128((__m128i *)p, x);
}

static inline qn_i4 qn_set4i(int32_t x)
{
    return _mm_set1_epi32(x);
}

static inline qn_i4 qn_sub4i(qn_i4 a, qn_i4 b)
{
    return _mm_sub_epi32(a, b);
}

/* Cut off towards 0. */
static inline qn_i4 qn_whole4(qn_f4 x)
{
    return _mm_cvttps_epi32(x);
}

static inline qn_d4 qn_widen4i(qn_i4 x)
{
    return _mm256_cvtepi32_pd(x);
}

/* at[k] = p + row[k] stride + 2 column[k] */
static inline void qn_places4(const float *p, int64_t stride, qn_i4 row, qn_i4 column,
                              const float *at[4])
{
    const int64_t r01 = _mm_cvtsi128_si64(row), r23 = _mm_extract_epi64(row, 1);
    const int64_t c01 = _mm_cvtsi128_si64(column), c23 = _mm_extract_epi64(column, 1);
    at[0] = p + (int32_t)r01 * stride + 2 * (int64_t)(int32_t)c01;
    at[1] = p + (r01 >> 32) * stride + 2 * (c01 >> 32);
    at[2] = p + (int32_t)r23 * stride + 2 * (int64_t)(int32_t)c23;
    at[3] = p + (r23 >> 32) * stride + 2 * (c23 >> 32);
}

/* ---- chosen lanes ---------------------------------------------------------------- */

static inline qn_lanes4 qn_equal4f(qn_f4 a, qn_f4 b)
{
    return _mm_cmpeq_ps(a, b);
}

static inline qn_lanes4 qn_less4i(qn_i4 a, qn_i4 b)
{
    return _mm_castsi128_ps(_mm_cmplt_epi32(a, b));
}

static inline qn_lanes4 qn_both4(qn_lanes4 a, qn_lanes4 b)
{
    return _mm_and_ps(a, b);
}

static inline qn_lanes4 qn_either4(qn_lanes4 a, qn_lanes4 b)
{
    return _mm_or_ps(a, b);
}

/* Those where an array of -1 and 0 has -1. */
static inline qn_lanes4 qn_lanes4_of(const int32_t *p)
{
    return _mm_loadu_ps((const float *)p);
}

/* Bit k for lane k. */
static inline int qn_bits4(qn_lanes4 m)
{
    return _mm_movemask_ps(m);
}

#endif
