/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/rows_neon.c - slots softmax_f32 and rownorm_f32 for NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/v8_neon.h"
#include "kernels/tmpl/rows8.h"
