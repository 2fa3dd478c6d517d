/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/wino8c_avx2.c - slot wino8c_f32 for AVX2. */
#include "kernels/kernels.h"
#include "kernels/x86/ck8c_avx2.h"
#include "kernels/tmpl/wino8c.h"
