/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/pool8c_neon.c - slots pool8c_f32, mean8c_f32 and poolgrad8c_f32 for NEON.
 */
#include "kernels/kernels.h"
#include "kernels/arm/v8_neon.h"
#include "kernels/tmpl/pool8c.h"
