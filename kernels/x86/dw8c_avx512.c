/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/dw8c_avx512.c - slot dw8c_f32 for AVX-512. */
#include "kernels/kernels.h"
#include "kernels/x86/v8_avx512.h"

#define DW_MOST 8
#include "kernels/tmpl/dw8c.h"
