/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/pool8c_avx2.c - slots pool8c_f32, mean8c_f32 and poolgrad8c_f32 for AVX2.
 */
#include "kernels/kernels.h"
#include "kernels/x86/v8_avx2.h"
#include "kernels/tmpl/pool8c.h"
