/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/attention_ref.c - rows of attention scores in float and double. */
#include "kernels/attention.h"
#include "kernels/softmax.h"
#include "kernels/vmath.h"

#include <string.h>

#define SUF f32
#include "kernels/tmpl/vattention.h"
#define SUF f64
#include "kernels/tmpl/vattention.h"
