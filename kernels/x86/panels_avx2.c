/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/panels_avx2.c - slots panels_f32 and gemm_f32 for AVX2. */
#include "kernels/kernels.h"
#include "kernels/x86/ck8c_avx2.h"
#include "kernels/tmpl/panels16.h"
