/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/blocked.h - convolution and its neighbours on blocked tensors: eight channels
 * lie side by side, so that one vector is one pixel of eight channels.
 *
 * A blocked tensor is [image][block of 8 channels][row][column][8], float32.  Around
 * the rows and columns lies a halo of zeros that stands in for padding; a reader never
 * asks whether it is inside, and a writer writes the inside only.  The channels of the
 * last block that do not exist (the tail) are zeros, too, and every kernel keeps them
 * so.
 *
 * All kernels take a descriptor, constant while a node runs, and a task, one part of
 * the result.  Tasks of a node may run in any order and at the same time if each has
 * its own scratch; an element has the same bits however the work is cut.  Data may have
 * any alignment; 32 bytes are fast. */
#ifndef QN_KERNELS_BLOCKED_H
#define QN_KERNELS_BLOCKED_H

#include "kernels/act.h"

#include <stdbool.h>
#include <stdint.h>

#define QN_BLOCK8 8 /* channels in a block */

typedef struct qn_plane8c {
    float *data;               /* image 0, block 0, row 0, column 0: behind the halo */
    int64_t row, plane, image; /* floats from row to row, block to block, and so on */
    int64_t c, h, w;           /* without tail and halo */
} qn_plane8c;

static inline int64_t qn_blocks8c(int64_t channels)
{
    return (channels + QN_BLOCK8 - 1) / QN_BLOCK8;
}

/* Sizes and strides of a tensor with this halo on every side (the halo behind a row is
 * the one before the next).  n images take n * p->image floats; p->data, which is left
 * alone, belongs *origin floats behind their beginning. */
void qn_plane8c_shape(qn_plane8c *p, int64_t c, int64_t h, int64_t w, int64_t halo,
                      int64_t *origin);
/* Zeros everything but rows and columns of image i; origin and strides as above. */
void qn_plane8c_clear_halo(const qn_plane8c *p, int64_t origin, int64_t i);

/* Which part of the result: things [i0, i1) and channel groups [c0, c1); what they are
 * each slot says. */
typedef struct qn_task8c {
    int64_t image;
    int64_t i0, i1, c0, c1;
    float *scratch; /* of this task only; NULL where the slot needs none */
} qn_task8c;

/* Where an element of a filter lies in the w of the pack functions: floats from group
 * to group, output channel to output channel of a group, input channel to input
 * channel, and tap to tap.  All 0: w is dense, [oc][ic / groups][kernel]. */
typedef struct qn_filters8c {
    int64_t group, oc, ic, tap[2];
} qn_filters8c;

/* ---- convolution ------------------------------------------------------------------
 *
 * y = act(convolution(x) + bias + add).  The input pixel of tap (ky, kx) of output
 * (r, c) is (r*stride + ky*dilation - pad) on each axis; the halo of x covers all that
 * are outside.  y.h and y.w say how many outputs there are. */

/* x stands for act(x * scale + shift): what a batch normalisation in front of a
 * convolution makes of it, whose padding is zero all the same. */
typedef struct qn_ahead8c {
    const float *scale; /* [8 * blocks of x], tail 0; NULL: x is what it is */
    const float *shift; /* the same, of image 0 */
    int64_t image;      /* floats from image to image of shift */
    qn_act act;         /* none, ReLU or Clip that keeps 0 */
} qn_ahead8c;

typedef struct qn_conv8c {
    qn_plane8c x, y, add; /* add.data NULL: nothing to add; else sizes of y */
    const float *weight;  /* as the pack function of the slot lays it out */
    int64_t weight_image; /* floats from image to image of weight; 0: one for all; slot
                             conv8c */
    const float *bias;    /* [8 * blocks of y], tail 0; NULL: none */
    const int64_t *segment; /* of qn_conv8c_segments, for slots conv8c and stem8c */
    int64_t kernel[2], stride[2], dilation[2], pad[2]; /* rows, columns */
    int64_t groups;
    int64_t y_step; /* floats from pixel to pixel of y and add: 8; k*8 when a transposed
                       convolution writes every k-th (y.row is then k rows) */
    qn_filters8c filters; /* read by the pack functions only */
    int tile;      /* outputs of a Winograd tile on each axis: 4 or 2; of stride 2: 2 */
    bool twice;    /* each pixel of x stands twice on each axis; slot wino8c, tile 4 */
    int add_shift; /* 1: so does each pixel of add; not in slot dw8c */
    qn_act act;
    qn_ahead8c ahead; /* of the pixels of x that are inside; slot wino8c */
} qn_conv8c;

/* Output channels are computed in panels of two blocks; an odd number of blocks has
 * three in the last panel, or one in the only one.  Each group has its own panels. */
static inline int64_t qn_panels8c(int64_t blocks)
{
    return blocks < 2 ? blocks : blocks / 2;
}
/* How many panels a convolution has: the c range of its tasks. */
int64_t qn_conv8c_panels(const qn_conv8c *c);
typedef struct qn_panel8c {
    int64_t group, block, blocks; /* its first block of y, counted over all groups */
} qn_panel8c;
qn_panel8c qn_conv8c_panel(const qn_conv8c *c, int64_t panel);

/* slot conv8c_f32: any kernel, stride, dilation; groups if the channels of a group are
 * whole blocks on both sides.  i: output pixels in row-major order; c: panels. */
typedef void qn_conv8c_f32_fn(const qn_conv8c *c, const qn_task8c *t);
/* Where each run of 8 input channels begins, relative to the output pixel's corner. */
int64_t qn_conv8c_n_segments(const qn_conv8c *c);
void qn_conv8c_segments(const qn_conv8c *c, int64_t *segment);
/* w [oc][ic / groups][kernel] -> [panel][ic block][kernel][8][8 * blocks of panel]. */
int64_t qn_conv8c_weight_size(const qn_conv8c *c); /* floats */
void qn_conv8c_pack(const qn_conv8c *c, const float *w, float *packed);

/* slot gate8c_f32: weights of a 1x1 convolution, those of each input channel multiplied
 * by the channel's factor: with them x needs no factors.  i: not used; c: panels. */
typedef struct qn_gate8c {
    const qn_conv8c *conv; /* of one group, 1x1; its planes' data is not read */
    qn_plane8c z;          /* [c of x][1][1] */
    float *y;              /* weights as packed, image by image */
    int64_t image;         /* floats from one to the next */
} qn_gate8c;
typedef void qn_gate8c_f32_fn(const qn_gate8c *g, const qn_task8c *t);

/* slot stem8c_f32: x is plain [image][c][h][w] (row, plane: floats from row to row,
 * channel to channel), without halo: padding is made in the scratch.  For few
 * channels; groups 1.  i: output rows; c: panels. */
typedef void qn_stem8c_f32_fn(const qn_conv8c *c, const qn_task8c *t);
int64_t qn_stem8c_scratch(const qn_conv8c *c);    /* floats a task */
int64_t qn_stem8c_n_segments(const qn_conv8c *c); /* for qn_conv8c.segment */
void qn_stem8c_segments(const qn_conv8c *c, int64_t *segment);
int64_t qn_stem8c_weight_size(const qn_conv8c *c);
/* w [oc][ic][kernel] -> [panel][ic][kernel][8 * blocks of panel] */
void qn_stem8c_pack(const qn_conv8c *c, const float *w, float *packed);
/* For the rows of the slot: the scratch holds [ic][rows][row] of the padded image,
 * which serves a band of output rows; fill copies it there from padded row `row` on. */
int64_t qn_stem8c_row(const qn_conv8c *c);
int64_t qn_stem8c_rows(const qn_conv8c *c);
int64_t qn_stem8c_band(const qn_conv8c *c);
int64_t qn_stem8c_segment_size(const qn_conv8c *c);
void qn_stem8c_fill(const qn_conv8c *c, const float *image, int64_t row, float *to);

/* slot wino8c_f32: 3x3, dilation 1, groups 1, stride 1 by Winograd's minimal filtering;
 * tile 4: F(4x4,3x3) on the points 0, +-sqrt(1/2), +-sqrt(2), inf; tile 2: F(2x2,3x3)
 * on 0, +-1, inf.  i: tiles of all images, row-major in an image, t->image is not used;
 * c: panels.  The transformed input is made once per task and block of tiles: cut tiles
 * first and panels only when there are few tiles.
 * The error is that of a sum of ic + 32 terms whose magnitudes the transforms have
 * raised: about twice (tile 4) and 0.7 times (tile 2) the error of a direct sum; of
 * stride 2, that of 4 ic terms.
 *
 * twice: a tile of 4 reads x at 4 places an axis, u0 .. u3, of which the middle two
 * stand twice.  With D = u2 - u1 and S = w0 + w1 + w2 its outputs are T - Q + A, T + P,
 * T + Q and T - P + B for A = w0 (u0 - u2), T = S/2 (u1 + u2), P = (w2 - S/2) D, Q =
 * (S/2 - w0) D, B = w2 (u3 - u1): 25 products instead of 36, of 16 transformed inputs,
 * and the error of a direct sum.
 *
 * stride 2 (on both axes; tile 2): an output sees every second pixel of x through w0
 * and w2 and those between through w1.  Of the pixels x0 .. x4 of an axis the even ones
 * make F(2,2), y0 = A + T, y1 = T + B for A = w0 (x0 - x2), T = (w0 + w2) x2, B = w2
 * (x4 - x2); the odd ones add w1 x1 to y0 and w1 x3 to y1, which is where A and B go,
 * too.  So the products are added up, over channels and phases at once, in three sums
 * an axis, A + w1 x1, T and B + w1 x3: 25 products a tile of 4 outputs instead of 36,
 * in 9 sums, of 16 different filters, and the error of a direct sum. */
typedef void qn_wino8c_f32_fn(const qn_conv8c *c, const qn_task8c *t);
int64_t qn_wino8c_tiles(const qn_conv8c *c, int64_t images);
int64_t qn_wino8c_scratch(const qn_conv8c *c); /* floats a task */
int64_t qn_wino8c_weight_size(const qn_conv8c *c);
/* w [oc][ic][3][3] -> [panel][filter][8 * ic blocks][8 * blocks of panel], computed in
 * double. */
void qn_wino8c_pack(const qn_conv8c *c, const float *w, float *packed);
/* For the rows of the slot: tiles in a block, and floats from point to point of the
 * transformed input [point][ic block][tile][8]. */
#define QN_WINO8C_MAX_BLOCK 96
int64_t qn_wino8c_block(const qn_conv8c *c);
/* Sums of products of a tile along one axis, and how many transformed inputs and
 * filters there are.  The last sum of an axis is a part of the last output only. */
int64_t qn_wino8c_side(const qn_conv8c *c);
int64_t qn_wino8c_inputs(const qn_conv8c *c);
int64_t qn_wino8c_filters(const qn_conv8c *c);
/* Sum e is that over all channels of these transformed inputs times filters: of input e
 * and filter e, but for twice and stride 2. */
typedef struct qn_wino8c_terms {
    int n, input[4], filter[4];
} qn_wino8c_terms;
qn_wino8c_terms qn_wino8c_terms_of(const qn_conv8c *c, int e);
int64_t qn_wino8c_point(const qn_conv8c *c);

/* slot dw8c_f32: depthwise, one filter a channel, groups and y.c are x.c; any kernel,
 * stride, dilation.  y may be x if the kernel is 1x1 and the stride 1.  i: output rows;
 * c: blocks. */
typedef void qn_dw8c_f32_fn(const qn_conv8c *c, const qn_task8c *t);
int64_t qn_dw8c_weight_size(const qn_conv8c *c);
/* w [c][kernel] -> [block][kernel][8] */
void qn_dw8c_pack(const qn_conv8c *c, const float *w, float *packed);

/* ---- the neighbours ----------------------------------------------------------------
 *
 * i: output rows; c: blocks; no scratch, unless the slot says otherwise. */

/* Slot pool8c_f32: the largest value of a window, NaN if there is one; or the mean.
 * The halo is not looked at: a window is cut at the edge.  The mean is over the taps
 * inside, or, with count_pad, inside the image and its padding. */
typedef struct qn_pool8c {
    qn_plane8c x, y;
    int64_t kernel[2], stride[2], dilation[2];
    int64_t pad[2], end[2]; /* padding before and behind, of rows and columns */
    bool mean, count_pad;
} qn_pool8c;
typedef void qn_pool8c_f32_fn(const qn_pool8c *p, const qn_task8c *t);

/* Slot poolgrad8c_f32: the way back.  dx is 0 but for what each element of dy gives: to
 * the first element of its window that is y (to none if y is NaN); or the same to all
 * elements of it, x and y not read.  i: not used, all rows are computed. */
typedef struct qn_poolgrad8c {
    qn_pool8c pool;    /* as it was; for the mean only the sizes of x and y */
    qn_plane8c dy, dx; /* of the sizes of pool.y and pool.x */
} qn_poolgrad8c;
typedef void qn_poolgrad8c_f32_fn(const qn_poolgrad8c *p, const qn_task8c *t);

/* Slot mean8c_f32: y [c][1][1], the mean of each channel.  i is not used. */
typedef struct qn_map8c {
    qn_plane8c x, z, y;
    qn_act act;
} qn_map8c;
typedef void qn_mean8c_f32_fn(const qn_map8c *m, const qn_task8c *t);

/* Slot add8c_f32: y = act(x + z), of one size; z.data NULL: act(x).  y may be x or z.
 */
typedef void qn_add8c_f32_fn(const qn_map8c *m, const qn_task8c *t);

/* Slot scale8c_f32: y = act(x * z), z [c][1][1]: a factor for each channel. */
typedef void qn_scale8c_f32_fn(const qn_map8c *m, const qn_task8c *t);

/* Slot weave8c_f32: channel c of y is channel (first + c) / 2 of x or, if first + c is
 * odd, of z, which is like x. */
typedef struct qn_weave8c {
    qn_plane8c x, z, y;
    int64_t first;
} qn_weave8c;
typedef void qn_weave8c_f32_fn(const qn_weave8c *w, const qn_task8c *t);

/* Slot resize8c_f32: an output is a mixture of the inputs at rows row0, row1 and
 * columns col0, col1 of its own row and column: first a + col_mix * (b - a) in both
 * rows, then the same by row_mix.  row_mix NULL: the input at row0, col0 as it is. */
typedef struct qn_resize8c {
    qn_plane8c x, y;
    const int32_t *row0, *row1, *col0, *col1; /* [y.h], [y.w], inside x */
    const float *row_mix, *col_mix;           /* of row1, col1 */
} qn_resize8c;
typedef void qn_resize8c_f32_fn(const qn_resize8c *r, const qn_task8c *t);

/* Slots to8c_f32 and from8c_f32: between a plain tensor [image][c][h][w] (row, plane:
 * floats from row to row, channel to channel) and a blocked one.  x is the source. */
typedef void qn_to8c_f32_fn(const qn_map8c *m, const qn_task8c *t);
typedef void qn_from8c_f32_fn(const qn_map8c *m, const qn_task8c *t);

/* ---- batch normalisation -----------------------------------------------------------
 *
 * y = act(weight * x + bias) with a weight and a bias for each channel, formed from the
 * statistics of the batch; on the way back dx = weight * (g - shift - (x - mean) *
 * slope), where g is dy before the activation.  Sums over a plane are formed in
 * stretches of at most QN_NORM8C_STRETCH pixels, which are added in double. */
#define QN_NORM8C_STRETCH 512
typedef struct qn_norm8c {
    qn_plane8c x, y, dy, dx; /* of one size; y may be x, dx may be dy or x */
    const float *weight, *bias, *mean, *shift, *slope; /* [8 * blocks], tail 0 */
    qn_act act;
    double *sums; /* [image][block][2][8] */
} qn_norm8c;

/* Slot moments8c_f32: sums[image][block] = mean of the plane, sum of squares around it.
 * i: not used, here and in normsums8c.  However large the mean, the squares have an
 * error of at most (QN_NORM8C_STRETCH / 2 + 8) * eps of themselves, mostly 1e-6. */
typedef void qn_moments8c_f32_fn(const qn_norm8c *p, const qn_task8c *t);
/* Slot norm8c_f32: y. */
typedef void qn_norm8c_f32_fn(const qn_norm8c *p, const qn_task8c *t);
/* Slot normsums8c_f32: sums[image][block] = sum of g, sum of g * (x - mean). */
typedef void qn_normsums8c_f32_fn(const qn_norm8c *p, const qn_task8c *t);
/* Slot normgrad8c_f32: dx. */
typedef void qn_normgrad8c_f32_fn(const qn_norm8c *p, const qn_task8c *t);

/* Where sums of a block of an image stand. */
static inline double *qn_norm8c_sums(const qn_norm8c *p, int64_t image, int64_t block)
{
    return p->sums + (image * qn_blocks8c(p->x.c) + block) * 2 * QN_BLOCK8;
}

#endif
