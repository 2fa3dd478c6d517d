/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/dw8c_neon.c - slot dw8c_f32 for NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/v8_neon.h"

#define DW_MOST 6
#include "kernels/tmpl/dw8c.h"
