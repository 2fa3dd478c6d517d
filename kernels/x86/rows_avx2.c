/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/rows_avx2.c - slots softmax_f32 and rownorm_f32 for AVX2. */
#include "kernels/kernels.h"
#include "kernels/x86/v8_avx2.h"
#include "kernels/tmpl/rows8.h"
