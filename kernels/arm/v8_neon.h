/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/v8_neon.h - the words the blocked kernels of kernels/tmpl/ are written
 * in: a vector of eight floats, here two registers.  kernels/x86/v8_avx2.h says the
 * same. */
#ifndef QN_KERNELS_ARM_V8_NEON_H
#define QN_KERNELS_ARM_V8_NEON_H

#include <arm_neon.h>
#include <stdint.h>

typedef struct qn_v8 {
    float32x4_t lo, hi;
} qn_v8;

/* The name of a slot's row for this instruction set. */
#define QN_V8_ROW(slot) qn_##slot##_neon

static inline qn_v8 qn_load8(const float *p)
{
    return (qn_v8){vld1q_f32(p), vld1q_f32(p + 4)};
}

static inline void qn_store8(float *p, qn_v8 x)
{
    vst1q_f32(p, x.lo);
    vst1q_f32(p + 4, x.hi);
}

static inline qn_v8 qn_set8(float x)
{
    return (qn_v8){vdupq_n_f32(x), vdupq_n_f32(x)};
}

static inline qn_v8 qn_zero8(void)
{
    return qn_set8(0);
}

static inline qn_v8 qn_add8(qn_v8 a, qn_v8 b)
{
    return (qn_v8){vaddq_f32(a.lo, b.lo), vaddq_f32(a.hi, b.hi)};
}

static inline qn_v8 qn_sub8(qn_v8 a, qn_v8 b)
{
    return (qn_v8){vsubq_f32(a.lo, b.lo), vsubq_f32(a.hi, b.hi)};
}

static inline qn_v8 qn_mul8(qn_v8 a, qn_v8 b)
{
    return (qn_v8){vmulq_f32(a.lo, b.lo), vmulq_f32(a.hi, b.hi)};
}

static inline qn_v8 qn_div8(qn_v8 a, qn_v8 b)
{
    return (qn_v8){vdivq_f32(a.lo, b.lo), vdivq_f32(a.hi, b.hi)};
}

static inline qn_v8 qn_neg8(qn_v8 x)
{
    return (qn_v8){vnegq_f32(x.lo), vnegq_f32(x.hi)};
}

static inline qn_v8 qn_abs8(qn_v8 x)
{
    return (qn_v8){vabsq_f32(x.lo), vabsq_f32(x.hi)};
}

/* a b + c */
static inline qn_v8 qn_fma8(qn_v8 a, qn_v8 b, qn_v8 c)
{
    return (qn_v8){vfmaq_f32(c.lo, a.lo, b.lo), vfmaq_f32(c.hi, a.hi, b.hi)};
}

/* c - a b */
static inline qn_v8 qn_fnma8(qn_v8 a, qn_v8 b, qn_v8 c)
{
    return (qn_v8){vfmsq_f32(c.lo, a.lo, b.lo), vfmsq_f32(c.hi, a.hi, b.hi)};
}

/* a b - c */
static inline qn_v8 qn_fms8(qn_v8 a, qn_v8 b, qn_v8 c)
{
    return qn_fma8(a, b, qn_neg8(c));
}

/* x where the bits of lo and hi are set, else y. */
static inline qn_v8 qn_pick8(uint32x4_t lo, uint32x4_t hi, qn_v8 x, qn_v8 y)
{
    return (qn_v8){vbslq_f32(lo, x.lo, y.lo), vbslq_f32(hi, x.hi, y.hi)};
}

/* The second operand is the answer when one is NaN. */
static inline qn_v8 qn_max8(qn_v8 a, qn_v8 b)
{
    return qn_pick8(vcgtq_f32(a.lo, b.lo), vcgtq_f32(a.hi, b.hi), a, b);
}

static inline qn_v8 qn_min8(qn_v8 a, qn_v8 b)
{
    return qn_pick8(vcltq_f32(a.lo, b.lo), vcltq_f32(a.hi, b.hi), a, b);
}

/* A NaN if there is one. */
static inline qn_v8 qn_max_nan8(qn_v8 a, qn_v8 b)
{
    return (qn_v8){vmaxq_f32(a.lo, b.lo), vmaxq_f32(a.hi, b.hi)};
}

/* x, which has no sign, with that of s. */
static inline qn_v8 qn_sign8(qn_v8 x, qn_v8 s)
{
    const uint32x4_t sign = vdupq_n_u32(0x80000000);
    return qn_pick8(sign, sign, s, x);
}

/* a >= b ? x : y; NaN is not. */
static inline qn_v8 qn_if_ge8(qn_v8 a, qn_v8 b, qn_v8 x, qn_v8 y)
{
    return qn_pick8(vcgeq_f32(a.lo, b.lo), vcgeq_f32(a.hi, b.hi), x, y);
}

/* x if s has its sign bit set, else y. */
static inline qn_v8 qn_if_sign8(qn_v8 s, qn_v8 x, qn_v8 y)
{
    return qn_pick8(vcltzq_s32(vreinterpretq_s32_f32(s.lo)),
                    vcltzq_s32(vreinterpretq_s32_f32(s.hi)), x, y);
}

/* x, but 0 where a < b. */
static inline qn_v8 qn_unless_lt8(qn_v8 a, qn_v8 b, qn_v8 x)
{
    return qn_pick8(vcltq_f32(a.lo, b.lo), vcltq_f32(a.hi, b.hi), qn_zero8(), x);
}

static inline float32x4_t qn_scale4(float32x4_t p, float32x4_t t)
{
    int32x4_t n = vshlq_n_s32(vreinterpretq_s32_f32(t), 23);
    return vreinterpretq_f32_s32(vaddq_s32(n, vreinterpretq_s32_f32(p)));
}

/* p 2^n, n the low bits of t. */
static inline qn_v8 qn_scale8(qn_v8 p, qn_v8 t)
{
    return (qn_v8){qn_scale4(p.lo, t.lo), qn_scale4(p.hi, t.hi)};
}

/* x where mask, an array of 8, is -1; 0 where it is 0. */
static inline qn_v8 qn_mask8(qn_v8 x, const int32_t *mask)
{
    return qn_pick8(vreinterpretq_u32_s32(vld1q_s32(mask)),
                    vreinterpretq_u32_s32(vld1q_s32(mask + 4)), x, qn_zero8());
}

/* x where mask is -1, y where it is 0. */
static inline qn_v8 qn_choose8(const int32_t *mask, qn_v8 x, qn_v8 y)
{
    return qn_pick8(vreinterpretq_u32_s32(vld1q_s32(mask)),
                    vreinterpretq_u32_s32(vld1q_s32(mask + 4)), x, y);
}

/* Lane k is lane[k] of x. */
static inline qn_v8 qn_permute8(qn_v8 x, const int32_t *lane)
{
    float from[8], to[8];
    qn_store8(from, x);
    for (int k = 0; k < 8; k++)
        to[k] = from[lane[k]];
    return qn_load8(to);
}

static inline void qn_transpose4(float32x4_t v[4])
{
    float32x4_t a = vtrn1q_f32(v[0], v[1]), b = vtrn2q_f32(v[0], v[1]);
    float32x4_t c = vtrn1q_f32(v[2], v[3]), d = vtrn2q_f32(v[2], v[3]);
    v[0] = vcombine_f32(vget_low_f32(a), vget_low_f32(c));
    v[1] = vcombine_f32(vget_low_f32(b), vget_low_f32(d));
    v[2] = vcombine_f32(vget_high_f32(a), vget_high_f32(c));
    v[3] = vcombine_f32(vget_high_f32(b), vget_high_f32(d));
}

/* v[i][k] becomes v[k][i]. */
static inline void qn_transpose8(qn_v8 v[8])
{
    float32x4_t q[4][4]; /* the four squares, row by row */
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        q[0][i] = v[i].lo, q[1][i] = v[i].hi;
        q[2][i] = v[i + 4].lo, q[3][i] = v[i + 4].hi;
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        qn_transpose4(q[i]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        v[i] = (qn_v8){q[0][i], q[2][i]};
        v[i + 4] = (qn_v8){q[1][i], q[3][i]};
    }
}

#endif
