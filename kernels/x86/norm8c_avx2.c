/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/norm8c_avx2.c - slots moments8c_f32, norm8c_f32, normsums8c_f32 and
 * normgrad8c_f32 for AVX2. */
#include "kernels/kernels.h"
#include "kernels/x86/v8_avx2.h"
#include "kernels/tmpl/norm8c.h"
