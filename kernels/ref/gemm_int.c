/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/gemm_int.c - integer matrix products: the template on unsigned types, so
 * that overflow wraps, and the widening of 8-bit operands. */
#include "kernels/matrix.h"

#define T         uint32_t
#define GEMM      qn_gemm_u32
#define GEMM_ROWS rows_u32
#define GEMM_DOTS dots_u32
#include "kernels/tmpl/gemm.h"
#undef T
#undef GEMM
#undef GEMM_ROWS
#undef GEMM_DOTS

#define T         uint64_t
#define GEMM      qn_gemm_u64
#define GEMM_ROWS rows_u64
#define GEMM_DOTS dots_u64
#include "kernels/tmpl/gemm.h"
#undef T
#undef GEMM
#undef GEMM_ROWS
#undef GEMM_DOTS

#define T       uint8_t
#define LEAST   0
#define MOST    UINT8_MAX
#define WIDEN   qn_widen_u8
#define RESCALE qn_rescale_u8
#include "kernels/tmpl/widen.h"
#undef T
#undef LEAST
#undef MOST
#undef WIDEN
#undef RESCALE

#define T       int8_t
#define LEAST   INT8_MIN
#define MOST    INT8_MAX
#define WIDEN   qn_widen_i8
#define RESCALE qn_rescale_i8
#include "kernels/tmpl/widen.h"
