/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/dwgradw8c.h - gradients of depthwise filters.  The sums of a few taps
 * stay in registers while they pass over an image: one dY serves all of them.  Kernels
 * 3, 5 and 7 wide without dilation have code of their own; any other goes tap by tap,
 * four pixels at a time. */
qn_dwgradw8c_f32_fn QN_V8_ROW(dwgradw8c_f32);

/* What the taps of a block share.  Steps are in floats. */
typedef struct qn_dg8c {
    const float *dy;
    int64_t h, w, dy_row;
    int64_t x_row, x_col; /* from one output's input to the next's */
    int64_t tap_row;      /* from one kernel row's input to the next's */
} qn_dg8c;

/* clang-format off */
#define DG_FN__(k, r, p) dg_##k##_##r##_##p
#define DG_FN_(k, r, p)  DG_FN__(k, r, p)
#define DG_FN            DG_FN_(DG_K, DG_R, DG_P)
/* clang-format on */

#define DG_K 3
#define DG_R 3
#define DG_P 1
#include "kernels/tmpl/dg8c.h"
#define DG_K 3
#define DG_R 1
#define DG_P 4
#include "kernels/tmpl/dg8c.h"
#define DG_K 5
#define DG_R 1
#define DG_P 2
#include "kernels/tmpl/dg8c.h"
#define DG_K 7
#define DG_R 1
#define DG_P 2
#include "kernels/tmpl/dg8c.h"
#define DG_K 1
#define DG_R 1
#define DG_P 4
#include "kernels/tmpl/dg8c.h"

/* Kernel rows [ky, rows) that have code of their own, one image; returns where to go
 * on. */
static int64_t add_whole_rows(const qn_dg8c *a, int64_t rows, int64_t cols,
                              const float *x, float *sum)
{
    int64_t ky = 0;
    for (; cols == 3 && ky + 3 <= rows; ky += 3)
        dg_3_3_1(a, x + ky * a->tap_row, sum + ky * 24);
    for (; cols == 3 && ky < rows; ky++)
        dg_3_1_4(a, x + ky * a->tap_row, sum + ky * 24);
    for (; cols == 5 && ky < rows; ky++)
        dg_5_1_2(a, x + ky * a->tap_row, sum + ky * 40);
    for (; cols == 7 && ky < rows; ky++)
        dg_7_1_2(a, x + ky * a->tap_row, sum + ky * 56);
    return ky;
}

/* One block of an image.  x: the input of the first tap of the first output. */
static void add_block(const qn_conv8c *c, const qn_dg8c *a, const float *x, float *sum)
{
    int64_t ky =
        c->dilation[1] == 1 ? add_whole_rows(a, c->kernel[0], c->kernel[1], x, sum) : 0;
    for (; ky < c->kernel[0]; ky++)
        for (int64_t kx = 0; kx < c->kernel[1]; kx++)
            dg_1_1_4(a, x + ky * a->tap_row + kx * c->dilation[1] * 8,
                     sum + (ky * c->kernel[1] + kx) * 8);
}

void QN_V8_ROW(dwgradw8c_f32)(const qn_gradw8c *g, const qn_task8c *t, float *sum)
{
    const qn_conv8c *c = &g->c;
    const int64_t taps = c->kernel[0] * c->kernel[1];
    qn_dg8c a = {.h = c->y.h,
                 .w = c->y.w,
                 .dy_row = c->y.row,
                 .x_row = c->stride[0] * c->x.row,
                 .x_col = c->stride[1] * 8,
                 .tap_row = c->dilation[0] * c->x.row};
    for (int64_t k = t->c0 * taps; k < t->c1 * taps; k++)
        qn_store8(sum + 8 * k, qn_zero8());
    for (int64_t n = t->i0; n < t->i1; n++)
        for (int64_t b = t->c0; b < t->c1; b++) {
            a.dy = c->y.data + n * c->y.image + b * c->y.plane;
            add_block(c, &a,
                      c->x.data + n * c->x.image + b * c->x.plane -
                          c->pad[0] * c->x.row - c->pad[1] * 8,
                      sum + b * taps * 8);
        }
}
