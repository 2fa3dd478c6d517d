/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/dw8c.h - depthwise convolution on blocked tensors: a row of outputs is
 * cut as evenly as possible into stretches of at most DW_MOST outputs, which the
 * includer defines (6 or 8).  Kernels 3, 5 and 7 wide with stride 1 and 2 have code of
 * their own, and those 1 and 2 wide with stride 1; any other goes tap by tap. */
#include "kernels/tmpl/act8c.h"

qn_dw8c_f32_fn QN_V8_ROW(dw8c_f32);

/* What all stretches of a block share. */
typedef struct qn_dwk8c {
    qn_v8 bias;
    const float *weight; /* [rows][columns][8] */
    int64_t rows, row;   /* kernel rows; floats from one's input to the next's */
    int64_t cols, col;   /* the same for columns */
    int64_t step;        /* floats from one output's input to the next's */
    int64_t y_step;      /* floats from one output to the next */
    qn_bounds8 bounds;
    bool hard_swish;
} qn_dwk8c;

/* add may be NULL. */
typedef void qn_dwk8c_fn(const qn_dwk8c *a, const float *x, const float *add, float *y);

/* clang-format off */
#define DW_FN__(k, s, n) dw_##k##_##s##_##n
#define DW_FN_(k, s, n)  DW_FN__(k, s, n)
#define DW_FN(k, s, n)   DW_FN_(k, s, n)
/* clang-format on */

#define DW_SET dw_1_1
#define DW_K   1
#define DW_S   1
#include "kernels/tmpl/dwk8c_sizes.h"
#define DW_SET dw_2_1
#define DW_K   2
#define DW_S   1
#include "kernels/tmpl/dwk8c_sizes.h"
#define DW_SET dw_3_1
#define DW_K   3
#define DW_S   1
#include "kernels/tmpl/dwk8c_sizes.h"
#define DW_SET dw_3_2
#define DW_K   3
#define DW_S   2
#include "kernels/tmpl/dwk8c_sizes.h"
#define DW_SET dw_5_1
#define DW_K   5
#define DW_S   1
#include "kernels/tmpl/dwk8c_sizes.h"
#define DW_SET dw_5_2
#define DW_K   5
#define DW_S   2
#include "kernels/tmpl/dwk8c_sizes.h"
#define DW_SET dw_7_1
#define DW_K   7
#define DW_S   1
#include "kernels/tmpl/dwk8c_sizes.h"
#define DW_SET dw_7_2
#define DW_K   7
#define DW_S   2
#include "kernels/tmpl/dwk8c_sizes.h"

/* n outputs of any kernel: their taps in the same order. */
static inline void any_stretch(const qn_dwk8c *a, const float *x, const float *add,
                               float *y, const int n)
{
    qn_v8 sum[4] = {a->bias, a->bias, a->bias, a->bias};
    const float *w = a->weight;
    for (int64_t ky = 0; ky < a->rows; ky++)
        for (int64_t kx = 0; kx < a->cols; kx++, w += 8) {
            const float *from = x + ky * a->row + kx * a->col;
#pragma GCC unroll 4
            for (int i = 0; i < n; i++)
                sum[i] = qn_fma8(qn_load8(from + i * a->step), qn_load8(w), sum[i]);
        }
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        if (add) sum[i] = qn_add8(sum[i], qn_load8(add + a->y_step * i));
        sum[i] = qn_bound8(&a->bounds, sum[i]);
        if (a->hard_swish) sum[i] = qn_hard_swish8(sum[i]);
        qn_store8(y + a->y_step * i, sum[i]);
    }
}

static void any_4(const qn_dwk8c *a, const float *x, const float *add, float *y)
{
    any_stretch(a, x, add, y, 4);
}

static void any_3(const qn_dwk8c *a, const float *x, const float *add, float *y)
{
    any_stretch(a, x, add, y, 3);
}

static void any_2(const qn_dwk8c *a, const float *x, const float *add, float *y)
{
    any_stretch(a, x, add, y, 2);
}

static void any_1(const qn_dwk8c *a, const float *x, const float *add, float *y)
{
    any_stretch(a, x, add, y, 1);
}

static qn_dwk8c_fn *const dw_any[4] = {any_1, any_2, any_3, any_4};

/* The table for a kernel, and the longest stretch it has. */
static qn_dwk8c_fn *const *choose(const qn_conv8c *c, int64_t *max)
{
    static qn_dwk8c_fn *const *const table[8][2] = {
        [1] = {dw_1_1}, /* 1 and 2: phases of a gradient */
        [2] = {dw_2_1},         [3] = {dw_3_1, dw_3_2},
        [5] = {dw_5_1, dw_5_2}, [7] = {dw_7_1, dw_7_2},
    };
    int64_t k = c->kernel[1], s = c->stride[1];
    qn_dwk8c_fn *const *own =
        k < 8 && s <= 2 && c->dilation[1] == 1 ? table[k][s - 1] : NULL;
    *max = own ? DW_MOST : 4;
    return own ? own : dw_any;
}

static void finish_row(const qn_conv8c *c, int64_t block, float *y)
{
    const int64_t n = c->y_step == 8 ? c->y.w : 1;
    if (qn_act8_is_early(&c->act) && block != c->y.c / 8) return;
    for (int64_t i = 0; i < c->y.w; i += n)
        qn_finish_late8(&c->act, &c->y, block, y + i * c->y_step, n);
}

void QN_V8_ROW(dw8c_f32)(const qn_conv8c *c, const qn_task8c *t)
{
    int64_t max;
    qn_dwk8c_fn *const *fn = choose(c, &max);
    int64_t parts = (c->y.w + max - 1) / max;
    int64_t size = parts > 0 ? c->y.w / parts : 0, longer = c->y.w - parts * size;
    qn_dwk8c a = {.rows = c->kernel[0],
                  .row = c->dilation[0] * c->x.row,
                  .cols = c->kernel[1],
                  .col = c->dilation[1] * 8,
                  .step = c->stride[1] * 8,
                  .y_step = c->y_step,
                  .bounds = qn_bounds8_of(&c->act),
                  .hard_swish = c->act.kind == QN_ACT_HARD_SWISH};
    for (int64_t b = t->c0; b < t->c1; b++) {
        a.weight = c->weight + b * a.rows * a.cols * 8;
        a.bias = c->bias ? qn_load8(c->bias + b * 8) : qn_zero8();
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x = c->x.data + t->image * c->x.image + b * c->x.plane +
                             (r * c->stride[0] - c->pad[0]) * c->x.row - c->pad[1] * 8;
            float *y =
                c->y.data + t->image * c->y.image + b * c->y.plane + r * c->y.row;
            const float *add = c->add.data ? c->add.data + t->image * c->add.image +
                                                 b * c->add.plane + r * c->add.row
                                           : NULL;
            for (int64_t i = 0, at = 0; i < parts; i++) {
                int64_t n = size + (i < longer);
                fn[n - 1](&a, x + at * a.step, add ? add + at * c->y_step : NULL,
                          y + at * c->y_step);
                at += n;
            }
            finish_row(c, b, y);
        }
    }
}
