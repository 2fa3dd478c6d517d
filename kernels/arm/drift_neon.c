/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/drift_neon.c - slot drift_f32 for NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/f4_neon.h"

#define DRIFT_F32 qn_drift_f32_neon
#include "kernels/tmpl/vdrift.h"
