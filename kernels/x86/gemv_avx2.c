/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/gemv_avx2.c - slot gemv_f32 for AVX2. */
#include "kernels/kernels.h"
#include "kernels/x86/v8_avx2.h"
#include "kernels/tmpl/gemv8.h"
