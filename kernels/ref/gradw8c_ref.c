/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/gradw8c_ref.c - gradients of filters, a pixel at a time. */
#include "kernels/kernels.h"

#include <string.h>

qn_gradw8c_f32_fn qn_gradw8c_f32_ref;
qn_dwgradw8c_f32_fn qn_dwgradw8c_f32_ref;

/* What one pixel adds to a panel.  x: its corner. */
static void add_pixel(const qn_gradw8c *g, const qn_panel8c *p, const float *x,
                      const float *dy, float *sum)
{
    const int64_t n = qn_gradw8c_n_rows(g);
    for (int64_t r = 0; r < n; r++)
        for (int64_t b = 0; b < p->blocks; b++)
            for (int64_t l = 0; l < QN_BLOCK8; l++)
                *sum++ += x[g->row[r]] * dy[b * g->c.y.plane + l];
}

/* Output rows [top, end) of an image; x: where row 0 begins. */
static void add_rows(const qn_gradw8c *g, const qn_task8c *t, int64_t image,
                     const int64_t rows[2], const float *x, int64_t x_row,
                     int64_t x_col, float *sum)
{
    const qn_conv8c *c = &g->c;
    for (int64_t i = t->c0; i < t->c1; i++) {
        const qn_panel8c p = qn_conv8c_panel(c, i);
        const int64_t group = p.group * (c->x.c / c->groups / QN_BLOCK8) * c->x.plane;
        const float *dy = c->y.data + image * c->y.image + p.block * c->y.plane;
        for (int64_t r = rows[0]; r < rows[1]; r++)
            for (int64_t k = 0; k < c->y.w; k++)
                add_pixel(g, &p, x + group + r * x_row + k * x_col,
                          dy + r * c->y.row + k * QN_BLOCK8,
                          sum + p.block * QN_BLOCK8 * qn_gradw8c_n_rows(g));
    }
}

static void add_plain(const qn_gradw8c *g, const qn_task8c *t, int64_t image,
                      float *sum)
{
    const qn_conv8c *c = &g->c;
    const int64_t row = qn_stem8c_row(c), band = qn_stem8c_band(c);
    for (int64_t top = 0; top < c->y.h; top += band) {
        const int64_t rows[2] = {top, c->y.h - top < band ? c->y.h : top + band};
        qn_stem8c_fill(c, c->x.data + image * c->x.image, top * c->stride[0],
                       t->scratch);
        add_rows(g, t, image, rows, t->scratch - top * c->stride[0] * row,
                 c->stride[0] * row, c->stride[1], sum);
    }
}

void qn_gradw8c_f32_ref(const qn_gradw8c *g, const qn_task8c *t, float *sum)
{
    const qn_conv8c *c = &g->c;
    const int64_t n_rows = qn_gradw8c_n_rows(g), all[2] = {0, c->y.h};
    for (int64_t i = t->c0; i < t->c1; i++) {
        const qn_panel8c p = qn_conv8c_panel(c, i);
        memset(sum + p.block * QN_BLOCK8 * n_rows, 0,
               (size_t)(p.blocks * QN_BLOCK8 * n_rows) * sizeof *sum);
    }
    for (int64_t n = t->i0; n < t->i1; n++)
        if (g->is_plain)
            add_plain(g, t, n, sum);
        else
            add_rows(g, t, n, all, c->x.data + n * c->x.image, c->stride[0] * c->x.row,
                     c->stride[1] * QN_BLOCK8, sum);
}

/* The sum of one tap of a channel over an image. */
static float sum_image(const qn_conv8c *c, const float *x, const float *dy)
{
    float sum = 0;
    for (int64_t r = 0; r < c->y.h; r++)
        for (int64_t k = 0; k < c->y.w; k++)
            sum += x[r * c->stride[0] * c->x.row + k * c->stride[1] * QN_BLOCK8] *
                   dy[r * c->y.row + k * QN_BLOCK8];
    return sum;
}

void qn_dwgradw8c_f32_ref(const qn_gradw8c *g, const qn_task8c *t, float *sum)
{
    const qn_conv8c *c = &g->c;
    const int64_t taps = c->kernel[0] * c->kernel[1];
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++) {
        const int64_t block = ch / QN_BLOCK8, lane = ch % QN_BLOCK8;
        for (int64_t tap = 0; tap < taps; tap++) {
            const int64_t row = tap / c->kernel[1] * c->dilation[0] - c->pad[0];
            const int64_t col = tap % c->kernel[1] * c->dilation[1] - c->pad[1];
            const float *x = c->x.data + block * c->x.plane + row * c->x.row +
                             col * QN_BLOCK8 + lane;
            const float *dy = c->y.data + block * c->y.plane + lane;
            float *to = &sum[(block * taps + tap) * QN_BLOCK8 + lane];
            *to = 0;
            for (int64_t n = t->i0; n < t->i1; n++)
                *to += sum_image(c, x + n * c->x.image, dy + n * c->y.image);
        }
    }
}
