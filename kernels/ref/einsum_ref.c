/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/einsum_ref.c - sums of products; unsigned types share the signed code,
 * for the low bits are the same. */
#include "kernels/einsum.h"

#define SUF f32
#include "kernels/tmpl/veinsum.h"
#define SUF f64
#include "kernels/tmpl/veinsum.h"
#define SUF i8
#include "kernels/tmpl/veinsum.h"
#define SUF i16
#include "kernels/tmpl/veinsum.h"
#define SUF i32
#include "kernels/tmpl/veinsum.h"
#define SUF i64
#include "kernels/tmpl/veinsum.h"

#define T       uint32_t
#define PERMUTE qn_permute_4
#include "kernels/tmpl/vpermute.h"
#undef T
#undef PERMUTE
#define T       uint64_t
#define PERMUTE qn_permute_8
#include "kernels/tmpl/vpermute.h"
