/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/arm/gradw8c_neon.c - slots gradw8c_f32, gradwino8c_f32 and dwgradw8c_f32 for
 * NEON. */
#include "kernels/kernels.h"
#include "kernels/arm/ck8c_neon.h"
#include "kernels/tmpl/vgradw8c.h"
#include "kernels/tmpl/dwgradw8c.h"
#include "kernels/tmpl/gradwino8c.h"
