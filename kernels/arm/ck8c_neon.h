/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/ck8c_neon.h - products of a tile of a convolution (tmpl/ck8c_words8.h)
 * with 32 registers of 4 lanes: up to 18 accumulators, four or six weights and, for
 * each pixel, a register with the inputs of four steps, multiplied lane by lane. */
#ifndef QN_KERNELS_ARM_CK8C_NEON_H
#define QN_KERNELS_ARM_CK8C_NEON_H

#include "kernels/arm/v8_neon.h"

#include "kernels/tmpl/ck8c_words8.h"

/* Pixels of a tile with one, two and three blocks, and of a number of whole tiles
 * (CK_WHOLE). */
#define CK_PIXELS_1 8
#define CK_PIXELS_2 4
#define CK_PIXELS_3 3
#define CK_MOST     8
#define CK_FETCH    3 /* lines of the next tile, for each of its segments */
#define CK_WHOLE    24

/* clang-format off */
/* Segments of eight: four steps at a time. */
#define CK_QUAD(i)   const float32x4_t v##i = vld1q_f32(x##i + k);
#define CK_FMA(i, j, lane) \
    c##i##j.lo = vfmaq_laneq_f32(c##i##j.lo, w##j.lo, v##i, lane); \
    c##i##j.hi = vfmaq_laneq_f32(c##i##j.hi, w##j.hi, v##i, lane);
#define CK_LANE0_1(i) CK_FMA(i, 0, 0)
#define CK_LANE0_2(i) CK_LANE0_1(i) CK_FMA(i, 1, 0)
#define CK_LANE0_3(i) CK_LANE0_2(i) CK_FMA(i, 2, 0)
#define CK_LANE1_1(i) CK_FMA(i, 0, 1)
#define CK_LANE1_2(i) CK_LANE1_1(i) CK_FMA(i, 1, 1)
#define CK_LANE1_3(i) CK_LANE1_2(i) CK_FMA(i, 2, 1)
#define CK_LANE2_1(i) CK_FMA(i, 0, 2)
#define CK_LANE2_2(i) CK_LANE2_1(i) CK_FMA(i, 1, 2)
#define CK_LANE2_3(i) CK_LANE2_2(i) CK_FMA(i, 2, 2)
#define CK_LANE3_1(i) CK_FMA(i, 0, 3)
#define CK_LANE3_2(i) CK_LANE3_1(i) CK_FMA(i, 1, 3)
#define CK_LANE3_3(i) CK_LANE3_2(i) CK_FMA(i, 2, 3)
#define CK_LANE(lane) \
    { \
        CK_CAT(CK_LOAD_, CK_NV) \
        CK_CAT(CK_ROWS_, CK_MR)(CK_CAT(CK_LANE##lane##_, CK_NV)) \
        w += 8 * CK_NV; \
    }

/* Any other: step by step. */
#define CK_VALUE(i)  const float v##i = x##i[k];
#define CK_ONE(i, j) \
    c##i##j.lo = vfmaq_n_f32(c##i##j.lo, w##j.lo, v##i); \
    c##i##j.hi = vfmaq_n_f32(c##i##j.hi, w##j.hi, v##i);
#define CK_STEP_1(i) CK_VALUE(i) CK_ONE(i, 0)
#define CK_STEP_2(i) CK_STEP_1(i) CK_ONE(i, 1)
#define CK_STEP_3(i) CK_STEP_2(i) CK_ONE(i, 2)
/* clang-format on */

#endif
