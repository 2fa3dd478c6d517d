/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/im2col.c - windows to columns by element size and for 8-bit integers, and
 * columns back to images. */
#include "kernels/conv.h"

#define COPY(v)      (v)
#define LESS_ZERO(v) ((v)-zero)

#define IM2COL unfold_4
#define FROM   uint32_t
#define TO     uint32_t
#define VALUE  COPY
#define ZERO_ARG
static void IM2COL(const qn_window *w, const qn_cols *part, const FROM *x, TO *cols);
#include "kernels/tmpl/im2col.h"
#undef IM2COL
#undef FROM
#undef TO
#define IM2COL unfold_8
#define FROM   uint64_t
#define TO     uint64_t
static void IM2COL(const qn_window *w, const qn_cols *part, const FROM *x, TO *cols);
#include "kernels/tmpl/im2col.h"
#undef IM2COL
#undef FROM
#undef TO
#undef VALUE
#undef ZERO_ARG
#define VALUE    LESS_ZERO
#define ZERO_ARG , int zero
#define TO       int32_t
#define IM2COL   qn_im2col_u8
#define FROM     uint8_t
#include "kernels/tmpl/im2col.h"
#undef IM2COL
#undef FROM
#define IM2COL qn_im2col_i8
#define FROM   int8_t
#include "kernels/tmpl/im2col.h"

void qn_im2col_4(const qn_window *w, const qn_cols *part, const void *x, void *cols)
{
    unfold_4(w, part, x, cols);
}

void qn_im2col_8(const qn_window *w, const qn_cols *part, const void *x, void *cols)
{
    unfold_8(w, part, x, cols);
}

#define T      float
#define COL2IM qn_col2im_f32
#include "kernels/tmpl/col2im.h"
#undef T
#undef COL2IM
#define T      double
#define COL2IM qn_col2im_f64
#include "kernels/tmpl/col2im.h"
#undef T
#undef COL2IM
#define T      uint8_t
#define COL2IM qn_col2im_u8
#include "kernels/tmpl/col2im.h"
#undef T
#undef COL2IM
#define T      uint16_t
#define COL2IM qn_col2im_u16
#include "kernels/tmpl/col2im.h"
#undef T
#undef COL2IM
#define T      uint32_t
#define COL2IM qn_col2im_u32
#include "kernels/tmpl/col2im.h"
#undef T
#undef COL2IM
#define T      uint64_t
#define COL2IM qn_col2im_u64
#include "kernels/tmpl/col2im.h"
