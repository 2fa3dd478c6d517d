/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/f4_neon.h - the words kernels are written in that reckon in double: four
 * floats, four doubles (two registers), four integers, and lanes that are chosen (all
 * bits set or none).  kernels/x86/f4_avx2.h says the same. */
#ifndef QN_KERNELS_ARM_F4_NEON_H
#define QN_KERNELS_ARM_F4_NEON_H

#include <arm_neon.h>
#include <stdint.h>

typedef float32x4_t qn_f4;
typedef struct qn_d4 {
    float64x2_t lo, hi;
} qn_d4;
typedef int32x4_t qn_i4;
typedef uint32x4_t qn_lanes4;

/* ---- floats ---------------------------------------------------------------------- */

static inline qn_f4 qn_load4f(const float *p)
{
    return vld1q_f32(p);
}

static inline void qn_store4f(float *p, qn_f4 x)
{
    vst1q_f32(p, x);
}

static inline qn_f4 qn_set4f(float x)
{
    return vdupq_n_f32(x);
}

static inline qn_f4 qn_add4f(qn_f4 a, qn_f4 b)
{
    return vaddq_f32(a, b);
}

/* The second operand is the answer when they are equal. */
static inline qn_f4 qn_max4f(qn_f4 a, qn_f4 b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static inline qn_f4 qn_min4f(qn_f4 a, qn_f4 b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

/* Column k of the four rows of four at p[0..3]. */
static inline void qn_columns4f(const float *const p[4], qn_f4 column[4])
{
    const qn_f4 a = qn_load4f(p[0]), b = qn_load4f(p[1]);
    const qn_f4 c = qn_load4f(p[2]), d = qn_load4f(p[3]);
    const qn_f4 ab = vtrn1q_f32(a, b), cd = vtrn1q_f32(c, d);
    const qn_f4 ab1 = vtrn2q_f32(a, b), cd1 = vtrn2q_f32(c, d);
    column[0] = vcombine_f32(vget_low_f32(ab), vget_low_f32(cd));
    column[1] = vcombine_f32(vget_low_f32(ab1), vget_low_f32(cd1));
    column[2] = vcombine_f32(vget_high_f32(ab), vget_high_f32(cd));
    column[3] = vcombine_f32(vget_high_f32(ab1), vget_high_f32(cd1));
}

/* ---- doubles --------------------------------------------------------------------- */

static inline qn_d4 qn_widen4(qn_f4 x)
{
    return (qn_d4){vcvt_f64_f32(vget_low_f32(x)), vcvt_high_f64_f32(x)};
}

static inline qn_f4 qn_round4(qn_d4 x)
{
    return vcvt_high_f32_f64(vcvt_f32_f64(x.lo), x.hi);
}

static inline qn_d4 qn_set4d(double x)
{
    return (qn_d4){vdupq_n_f64(x), vdupq_n_f64(x)};
}

static inline qn_d4 qn_add4d(qn_d4 a, qn_d4 b)
{
    return (qn_d4){vaddq_f64(a.lo, b.lo), vaddq_f64(a.hi, b.hi)};
}

static inline qn_d4 qn_sub4d(qn_d4 a, qn_d4 b)
{
    return (qn_d4){vsubq_f64(a.lo, b.lo), vsubq_f64(a.hi, b.hi)};
}

static inline qn_d4 qn_mul4d(qn_d4 a, qn_d4 b)
{
    return (qn_d4){vmulq_f64(a.lo, b.lo), vmulq_f64(a.hi, b.hi)};
}

/* ---- integers -------------------------------------------------------------------- */

static inline qn_i4 qn_load4i(const int32_t *p)
{
    return vld1q_s32(p);
}

static inline void qn_store4i(int32_t *p, qn_i4 x)
{
    vst1q_s32(p, x);
}

static inline qn_i4 qn_set4i(int32_t x)
{
    return vdupq_n_s32(x);
}

static inline qn_i4 qn_sub4i(qn_i4 a, qn_i4 b)
{
    return vsubq_s32(a, b);
}

/* Cut off towards 0. */
static inline qn_i4 qn_whole4(qn_f4 x)
{
    return vcvtq_s32_f32(x);
}

static inline qn_d4 qn_widen4i(qn_i4 x)
{
    return (qn_d4){vcvtq_f64_s64(vmovl_s32(vget_low_s32(x))),
                   vcvtq_f64_s64(vmovl_high_s32(x))};
}

/* at[k] = p + row[k] stride + 2 column[k] */
static inline void qn_places4(const float *p, int64_t stride, qn_i4 row, qn_i4 column,
                              const float *at[4])
{
    at[0] =
        p + vgetq_lane_s32(row, 0) * stride + 2 * (int64_t)vgetq_lane_s32(column, 0);
    at[1] =
        p + vgetq_lane_s32(row, 1) * stride + 2 * (int64_t)vgetq_lane_s32(column, 1);
    at[2] =
        p + vgetq_lane_s32(row, 2) * stride + 2 * (int64_t)vgetq_lane_s32(column, 2);
    at[3] =
        p + vgetq_lane_s32(row, 3) * stride + 2 * (int64_t)vgetq_lane_s32(column, 3);
}

/* ---- chosen lanes ---------------------------------------------------------------- */

static inline qn_lanes4 qn_equal4f(qn_f4 a, qn_f4 b)
{
    return vceqq_f32(a, b);
}

static inline qn_lanes4 qn_less4i(qn_i4 a, qn_i4 b)
{
    return vcltq_s32(a, b);
}

static inline qn_lanes4 qn_both4(qn_lanes4 a, qn_lanes4 b)
{
    return vandq_u32(a, b);
}

static inline qn_lanes4 qn_either4(qn_lanes4 a, qn_lanes4 b)
{
    return vorrq_u32(a, b);
}

/* Those where an array of -1 and 0 has -1. */
static inline qn_lanes4 qn_lanes4_of(const int32_t *p)
{
    return vreinterpretq_u32_s32(vld1q_s32(p));
}

/* Bit k for lane k. */
static inline int qn_bits4(qn_lanes4 m)
{
    static const uint32_t bit[4] = {1, 2, 4, 8};
    return (int)vaddvq_u32(vandq_u32(m, vld1q_u32(bit)));
}

#endif
