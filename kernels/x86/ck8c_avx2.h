/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/ck8c_avx2.h - products of a tile of a convolution (tmpl/ck8c_words8.h)
 * with 16 registers: 12 accumulators, up to three weights, one input. */
#ifndef QN_KERNELS_X86_CK8C_AVX2_H
#define QN_KERNELS_X86_CK8C_AVX2_H

#include "kernels/x86/v8_avx2.h"

#include "kernels/tmpl/ck8c_words8.h"

/* Pixels of a tile with one, two and three blocks, and of a number of whole tiles
 * (CK_WHOLE). */
#define CK_PIXELS_1 8
#define CK_PIXELS_2 6
#define CK_PIXELS_3 4
#define CK_MOST     8
#define CK_FETCH    3 /* lines of the next tile, for each of its segments */
#define CK_WHOLE    12

/* clang-format off */
#define CK_VALUE(i)  const qn_v8 v##i = _mm256_broadcast_ss(x##i + k);
#define CK_FMA(i, j) c##i##j = qn_fma8(v##i, w##j, c##i##j);
#define CK_STEP_1(i) CK_VALUE(i) CK_FMA(i, 0)
#define CK_STEP_2(i) CK_STEP_1(i) CK_FMA(i, 1)
#define CK_STEP_3(i) CK_STEP_2(i) CK_FMA(i, 2)
/* clang-format on */

#endif
