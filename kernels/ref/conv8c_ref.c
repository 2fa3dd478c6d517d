/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/conv8c_ref.c - blocked convolution, one output at a time: the sums in
 * their order, the bias first, as blocked.h says. */
#include "kernels/kernels.h"

qn_conv8c_f32_fn qn_conv8c_f32_ref;
qn_gate8c_f32_fn qn_gate8c_f32_ref;
qn_stem8c_f32_fn qn_stem8c_f32_ref;

/* One pixel of a panel.  x: the pixel's input; segment, n, length: where the k are. */
typedef struct pixel {
    const float *x, *w, *bias, *add;
    float *y;
    const int64_t *segment;
    int64_t n, length;
} pixel;

static void compute_pixel(const qn_conv8c *c, const qn_panel8c *p, const pixel *at)
{
    for (int64_t o = 0; o < p->blocks * QN_BLOCK8; o++) {
        int64_t block = o / QN_BLOCK8, lane = o % QN_BLOCK8;
        float *y = at->y + block * c->y.plane + lane;
        float sum = at->bias ? at->bias[o] : 0;
        const float *w = at->w + o;
        for (int64_t s = 0; s < at->n; s++)
            for (int64_t k = 0; k < at->length; k++, w += p->blocks * QN_BLOCK8)
                sum += at->x[at->segment[s] + k] * *w;
        if (at->add) sum += at->add[block * c->add.plane + lane];
        qn_act_f32(c->act.kind, c->act.alpha, c->act.beta, &sum, 1);
        *y = (p->block + block) * QN_BLOCK8 + lane < c->y.c ? sum : 0;
    }
}

/* at->x is where row 0 of the output begins. */
static void compute_rows(const qn_conv8c *c, const qn_task8c *t, pixel at,
                         int64_t x_row, int64_t x_col)
{
    const float *x = at.x;
    for (int64_t i = t->c0; i < t->c1; i++) {
        qn_panel8c p = qn_conv8c_panel(c, i);
        int64_t y = t->image * c->y.image + p.block * c->y.plane;
        int64_t add = t->image * c->add.image + p.block * c->add.plane;
        int64_t group = p.group * (c->x.c / c->groups / QN_BLOCK8) * c->x.plane;
        at.w = c->weight + t->image * c->weight_image +
               p.block * QN_BLOCK8 * at.n * at.length;
        at.bias = c->bias ? c->bias + p.block * QN_BLOCK8 : NULL;
        for (int64_t j = t->i0; j < t->i1; j++) {
            int64_t row = j / c->y.w, col = j % c->y.w;
            at.x = x + group + row * x_row + col * x_col;
            at.y = c->y.data + y + row * c->y.row + col * c->y_step;
            at.add = c->add.data
                         ? c->add.data + add + (row >> c->add_shift) * c->add.row +
                               (col >> c->add_shift) * c->y_step
                         : NULL;
            compute_pixel(c, &p, &at);
        }
    }
}

void qn_conv8c_f32_ref(const qn_conv8c *c, const qn_task8c *t)
{
    const pixel at = {.x = c->x.data + t->image * c->x.image,
                      .segment = c->segment,
                      .n = qn_conv8c_n_segments(c),
                      .length = QN_BLOCK8};
    compute_rows(c, t, at, c->stride[0] * c->x.row, c->stride[1] * QN_BLOCK8);
}

void qn_gate8c_f32_ref(const qn_gate8c *g, const qn_task8c *t)
{
    const int64_t n = qn_conv8c_n_segments(g->conv) * QN_BLOCK8;
    for (int64_t i = t->c0; i < t->c1; i++) {
        const qn_panel8c p = qn_conv8c_panel(g->conv, i);
        const int64_t width = p.blocks * QN_BLOCK8, at = p.block * QN_BLOCK8 * n;
        const float *w = g->conv->weight + at;
        float *y = g->y + t->image * g->image + at;
        for (int64_t e = 0; e < n * width; e++) {
            const int64_t ch = e / width;
            const float *z = g->z.data + t->image * g->z.image +
                             ch / QN_BLOCK8 * g->z.plane + ch % QN_BLOCK8;
            y[e] = w[e] * *z;
        }
    }
}

void qn_stem8c_f32_ref(const qn_conv8c *c, const qn_task8c *t)
{
    int64_t row = qn_stem8c_row(c), band = qn_stem8c_band(c);
    for (int64_t top = t->i0; top < t->i1; top += band) {
        int64_t rows = t->i1 - top < band ? t->i1 - top : band;
        qn_task8c part = *t;
        part.i0 = top * c->y.w, part.i1 = (top + rows) * c->y.w;
        qn_stem8c_fill(c, c->x.data + t->image * c->x.image, top * c->stride[0],
                       t->scratch);
        const pixel at = {.x = t->scratch - top * c->stride[0] * row,
                          .segment = c->segment,
                          .n = qn_stem8c_n_segments(c),
                          .length = qn_stem8c_segment_size(c)};
        compute_rows(c, &part, at, c->stride[0] * row, c->stride[1]);
    }
}
