/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/gemm_ref.c - the reference rows of slots gemm_f32 and gemm_f64. */
#include "kernels/matrix.h"

#define T         float
#define GEMM      qn_gemm_f32_ref
#define GEMM_ROWS rows_f32
#define GEMM_DOTS dots_f32
#include "kernels/tmpl/gemm.h"
#undef T
#undef GEMM
#undef GEMM_ROWS
#undef GEMM_DOTS

#define T         double
#define GEMM      qn_gemm_f64_ref
#define GEMM_ROWS rows_f64
#define GEMM_DOTS dots_f64
#include "kernels/tmpl/gemm.h"
