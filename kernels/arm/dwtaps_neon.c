/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/dwtaps_neon.c - slot dwtaps_f32 for NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/v8_neon.h"
#include "kernels/tmpl/dwtaps.h"
