/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/map8c_neon.c - slots add8c_f32, scale8c_f32, resize8c_f32,
 * to8c_f32 and from8c_f32 for NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/v8_neon.h"
#include "kernels/tmpl/map8c.h"
