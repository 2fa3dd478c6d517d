/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/dwtaps_avx2.c - slot dwtaps_f32 for AVX2. */
#include "kernels/kernels.h"
#include "kernels/x86/v8_avx2.h"
#include "kernels/tmpl/dwtaps.h"
