/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/gemv_ref.c - the reference rows of slots gemv_f32 and gemv_f64. */
#include "kernels/kernels.h"

qn_gemv_f32_fn qn_gemv_f32_ref;
qn_gemv_f64_fn qn_gemv_f64_ref;

#define T           float
#define GEMV        qn_gemv_f32_ref
#define GEMV_FOLD   fold_f32
#define GEMV_DOTS   dots_f32
#define GEMV_SWEEPS sweeps_f32
#include "kernels/tmpl/gemv.h"
#undef T
#undef GEMV
#undef GEMV_FOLD
#undef GEMV_DOTS
#undef GEMV_SWEEPS

#define T           double
#define GEMV        qn_gemv_f64_ref
#define GEMV_FOLD   fold_f64
#define GEMV_DOTS   dots_f64
#define GEMV_SWEEPS sweeps_f64
#include "kernels/tmpl/gemv.h"
