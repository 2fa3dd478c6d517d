/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/gradw8c_avx2.c - slots gradw8c_f32, gradwino8c_f32 and dwgradw8c_f32 for
 * AVX2. */
#include "kernels/kernels.h"
#include "kernels/x86/ck8c_avx2.h"
#include "kernels/tmpl/vgradw8c.h"
#include "kernels/tmpl/dwgradw8c.h"
#include "kernels/tmpl/gradwino8c.h"
