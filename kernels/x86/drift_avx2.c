/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/drift_avx2.c - slot drift_f32 for AVX2. */
#include "kernels/kernels.h"
#include "kernels/x86/f4_avx2.h"

#define DRIFT_F32 qn_drift_f32_avx2
#include "kernels/tmpl/vdrift.h"
