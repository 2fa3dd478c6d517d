/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/panels_neon.c - slots panels_f32 and gemm_f32 for NEON.  Of the 32
 * registers 24 hold sums and 6 hold, for each row of a tile, the inputs of four steps,
 * which are multiplied lane by lane; weights come four at a time. */

/* Loads that gcc moves ahead of the products before it has given out registers would
 * push sums out of theirs. */
#pragma GCC optimize("no-schedule-insns")

#include "kernels/kernels.h"
#include "kernels/arm/ck8c_neon.h"

/* clang-format off */
#define GK_ROWS_1(...) GK_FMA(0, __VA_ARGS__)
#define GK_ROWS_2(...) GK_ROWS_1(__VA_ARGS__) GK_FMA(1, __VA_ARGS__)
#define GK_ROWS_3(...) GK_ROWS_2(__VA_ARGS__) GK_FMA(2, __VA_ARGS__)
#define GK_ROWS_4(...) GK_ROWS_3(__VA_ARGS__) GK_FMA(3, __VA_ARGS__)
#define GK_ROWS_5(...) GK_ROWS_4(__VA_ARGS__) GK_FMA(4, __VA_ARGS__)
#define GK_ROWS_6(...) GK_ROWS_5(__VA_ARGS__) GK_FMA(5, __VA_ARGS__)

#define GK_INPUTS(i) const float32x4_t v##i = vld1q_f32(x##i + k);
/* Half of vector j of the sums of row i. */
#define GK_FMA(i, j, half, lane) \
    c##i##j.half = vfmaq_laneq_f32(c##i##j.half, four, v##i, lane);
#define GK_FOUR(at, j, half, lane) \
    { \
        const float32x4_t four = vld1q_f32(w + 16 * lane + at); \
        CK_CAT(GK_ROWS_, GK_MR)(j, half, lane) \
    }
#define GK_STEP(lane) \
    GK_FOUR(0, 0, lo, lane) GK_FOUR(4, 0, hi, lane) \
    GK_FOUR(8, 1, lo, lane) GK_FOUR(12, 1, hi, lane)
/* clang-format on */

#define GK_AT_ONCE     4
#define GK_STEPS_DENSE GK_EACH(GK_INPUTS) GK_STEP(0) GK_STEP(1) GK_STEP(2) GK_STEP(3)
#include "kernels/tmpl/panels16.h"
