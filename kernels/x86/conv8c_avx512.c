/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/conv8c_avx512.c - slots conv8c_f32 and stem8c_f32 for AVX-512. */
#include "kernels/kernels.h"
#include "kernels/x86/ck8c_avx512.h"
#include "kernels/tmpl/conv8c.h"
