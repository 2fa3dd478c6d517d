/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/softmax_ref.c - softmax in float and double. */
#include "kernels/softmax.h"
#include "kernels/vmath.h"

#include <string.h>

#define SUF f32
#include "kernels/tmpl/vsoftmax.h"
#define SUF f64
#include "kernels/tmpl/vsoftmax.h"
