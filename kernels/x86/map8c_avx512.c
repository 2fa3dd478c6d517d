/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/map8c_avx512.c - slots add8c_f32, scale8c_f32, weave8c_f32, resize8c_f32,
 * to8c_f32 and from8c_f32 for AVX-512. */
#include "kernels/kernels.h"
#include "kernels/x86/v8_avx512.h"
#include "kernels/tmpl/map8c.h"
