/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/heat_avx2.c - slot heat_f64 for AVX2. */
#include "kernels/kernels.h"

qn_heat_f64_fn qn_heat_f64_avx2;

#define HEAT_F64 qn_heat_f64_avx2
#include "kernels/tmpl/vheat.h"
