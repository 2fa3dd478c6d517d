/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/norm8c_neon.c - slots moments8c_f32, norm8c_f32, normsums8c_f32 and
 * normgrad8c_f32 for NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/v8_neon.h"
#include "kernels/tmpl/norm8c.h"
