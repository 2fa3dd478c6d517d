/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/bias.c - the bias of Gemm for every type it takes. */
#include "kernels/matrix.h"

#define SUF f32
#include "kernels/tmpl/bias.h"
#define SUF f64
#include "kernels/tmpl/bias.h"
#define SUF i32
#include "kernels/tmpl/bias.h"
#define SUF i64
#include "kernels/tmpl/bias.h"
#define SUF u32
#include "kernels/tmpl/bias.h"
#define SUF u64
#include "kernels/tmpl/bias.h"
