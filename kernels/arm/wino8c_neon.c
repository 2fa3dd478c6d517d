/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/wino8c_neon.c - slot wino8c_f32 for NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/ck8c_neon.h"
#include "kernels/tmpl/wino8c.h"
