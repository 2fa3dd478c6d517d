/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/conv8c_neon.c - slots conv8c_f32 and stem8c_f32 for NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/ck8c_neon.h"
#include "kernels/tmpl/conv8c.h"
