/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/wino8c_avx512.c - slot wino8c_f32 for AVX-512. */
#include "kernels/kernels.h"
#include "kernels/x86/ck8c_avx512.h"
#include "kernels/tmpl/wino8c.h"
