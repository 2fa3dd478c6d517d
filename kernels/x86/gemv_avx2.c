/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/gemv_avx2.c - the plain C of slot gemv_f32, compiled for 8 lanes.  A
 * vector times a matrix reads each element once, so memory sets the pace and plain C
 * keeps up. */
#include "kernels/kernels.h"

qn_gemv_f32_fn qn_gemv_f32_avx2;

#define T           float
#define GEMV        qn_gemv_f32_avx2
#define GEMV_FOLD   fold_f32
#define GEMV_DOTS   dots_f32
#define GEMV_SWEEPS sweeps_f32
#include "kernels/tmpl/gemv.h"
