/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/recurrent_ref.c - cells of recurrent networks in float and double. */
#include "kernels/recurrent.h"
#include "kernels/vmath.h"

#include <string.h>

#define SUF f32
#include "kernels/tmpl/vrecurrent.h"
#define SUF f64
#include "kernels/tmpl/vrecurrent.h"
