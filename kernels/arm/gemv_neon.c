/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/gemv_neon.c - slot gemv_f32 for NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/v8_neon.h"
#include "kernels/tmpl/gemv8.h"
