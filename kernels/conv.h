/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/conv.h - the pieces of convolution in plain layout: unfolding windows into
 * the columns of a matrix (and back), the depthwise plane, and the bias. Columns: row
 * (channel, tap), column = flat output position. */
#ifndef QN_KERNELS_CONV_H
#define QN_KERNELS_CONV_H

#include "kernels/kernels.h"
#include "kernels/window.h"

/* Which part of the column matrix: rows [row0, row1) of channels*taps, output positions
 * [col0, col1).  ld: elements from row to row in the result. */
typedef struct qn_cols {
    int64_t row0, row1, col0, col1, ld;
} qn_cols;

/* x [channels][in...]; what the window reads outside is 0.  By element size. */
void qn_im2col_4(const qn_window *w, const qn_cols *part, const void *x, void *cols);
void qn_im2col_8(const qn_window *w, const qn_cols *part, const void *x, void *cols);
/* The same for 8-bit integers, less their zero point; outside is the zero point. */
void qn_im2col_u8(const qn_window *w, const qn_cols *part, const uint8_t *x, int zero,
                  int32_t *cols);
void qn_im2col_i8(const qn_window *w, const qn_cols *part, const int8_t *x, int zero,
                  int32_t *cols);

/* Adds the columns of all taps of one channel to the image they came from.  Here
 * w->in is the image, w->out the grid of windows; cols [taps][out...].  Integers wrap.
 */
void qn_col2im_f32(const qn_window *w, const float *cols, float *image);
void qn_col2im_f64(const qn_window *w, const double *cols, double *image);
void qn_col2im_u8(const qn_window *w, const uint8_t *cols, uint8_t *image);
void qn_col2im_u16(const qn_window *w, const uint16_t *cols, uint16_t *image);
void qn_col2im_u32(const qn_window *w, const uint32_t *cols, uint32_t *image);
void qn_col2im_u64(const qn_window *w, const uint64_t *cols, uint64_t *image);

/* One channel of a depthwise convolution, for small kernels (see qn_dwconv_fits):
 * output rows [row0, row1).  split turns the rows it needs into one padded plane per
 * stride phase, so that every tap is a shift; conv then sums shifted planes. */
typedef struct qn_dwconv {
    qn_window w;                     /* rank 2 */
    int64_t rows;                    /* output rows that one call may make */
    int64_t plane_h, plane_w, plane; /* of one phase; plane = elements */
} qn_dwconv;
#define QN_DWCONV_TAPS 128
bool qn_dwconv_init(qn_dwconv *dw, const qn_window *w, int64_t scratch_floats);
int64_t qn_dwconv_scratch(const qn_dwconv *dw); /* floats: planes, then one result */
void qn_dwconv_split(const qn_dwconv *dw, int64_t row0, int64_t row1, const float *x,
                     float *scratch);
/* y is the first of rows row0 .. row1 - 1 of the output plane. */
void qn_dwconv_rows(const qn_kernels *k, const qn_dwconv *dw, int64_t n_rows,
                    const float *weight, float bias, float *scratch, float *y);

/* y [n] = the sum of the rows of x [rows][ld]: neighbours first, then pairs of pairs.
 * x is overwritten. */
void qn_tree_sum_f32(int64_t rows, int64_t ld, float *x, int64_t n, float *y);
void qn_tree_sum_f64(int64_t rows, int64_t ld, double *x, int64_t n, double *y);

/* Adds bias to n values. */
void qn_shift_f32(float *y, float bias, int64_t n);
void qn_shift_f64(double *y, double bias, int64_t n);

#endif
