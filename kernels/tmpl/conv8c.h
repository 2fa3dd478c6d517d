/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/conv8c.h - direct convolution: tiles of a few pixels by 16 channels (24
 * or 8 for an odd block) over a flat list of pixels.
 *
 * A tile knows its pixels by their distances only, so stride, dilation, padding and the
 * end of a row cost nothing.  Pixels are taken in runs whose input stays in the second-
 * level cache while every panel of weights passes over it; a run is cut into tiles as
 * evenly as possible, for a tile of one or two pixels cannot fill the pipelines. */
qn_conv8c_f32_fn QN_V8_ROW(conv8c_f32);
qn_gate8c_f32_fn QN_V8_ROW(gate8c_f32);
qn_stem8c_f32_fn QN_V8_ROW(stem8c_f32);

#define CK_TILE   "kernels/tmpl/ck8c.h"
#define CK_TYPE   qn_ck8c_fn
#define CK_SET    ck_eight
#define CK_EIGHT  1
#define CK_LENGTH 8
#include "kernels/tmpl/ck8c_sizes.h"

#define CK_TILE   "kernels/tmpl/ck8c.h"
#define CK_TYPE   qn_ck8c_fn
#define CK_SET    ck_three
#define CK_EIGHT  0
#define CK_LENGTH 3
#include "kernels/tmpl/ck8c_sizes.h"

#define CK_TILE   "kernels/tmpl/ck8c.h"
#define CK_TYPE   qn_ck8c_fn
#define CK_SET    ck_any
#define CK_EIGHT  0
#define CK_LENGTH a->length
#include "kernels/tmpl/ck8c_sizes.h"

enum { MIN_RUN = 60, MAX_RUN = 480, L2_FLOATS = 128 * 1024 };

typedef struct run {
    int64_t first, n; /* output pixels, flat */
    int64_t top;      /* the output row whose input is at the beginning */
    const float *x[MAX_RUN];
    int64_t y[MAX_RUN], add[MAX_RUN];
} run;

/* n addends of row `row` from column `col` on. */
static void find_addends(const qn_conv8c *c, int64_t row, int64_t col, int64_t n,
                         int64_t *add)
{
    const int64_t at = (row >> c->add_shift) * c->add.row;
    for (int64_t i = 0; i < n; i++)
        add[i] = at + ((col + i) >> c->add_shift) * c->y_step;
}

/* x_row, x_col: floats from output to output on the input's side. */
static void find_pixels(const qn_conv8c *c, const float *x, int64_t x_row,
                        int64_t x_col, run *r)
{
    int64_t row = r->first / c->y.w, col = r->first % c->y.w;
    for (int64_t i = 0, n; i < r->n; i += n, row++, col = 0) {
        n = c->y.w - col < r->n - i ? c->y.w - col : r->n - i;
        const float *from = x + (row - r->top) * x_row + col * x_col;
        const int64_t to = row * c->y.row + col * c->y_step;
        for (int64_t k = 0; k < n; k++) {
            r->x[i + k] = from + k * x_col;
            r->y[i + k] = to + k * c->y_step;
        }
        if (c->add.data) find_addends(c, row, col, n, r->add + i);
    }
}

/* Meanwhile the next panel of weights is fetched, a quarter with each tile, and the
 * next tile's input if these are the first weights to see it. */
static void compute_tiles(qn_ck8c_fn *const *fn, int64_t max, qn_ck8c *a, const run *r)
{
    const bool fetch = a->after != NULL;
    const int64_t part = (a->end - a->segment) * CK_AHEAD * 16;
    const float *next = a->ahead;
    int64_t tiles = (r->n + max - 1) / max, size = r->n / tiles, longer = r->n % tiles;
    for (int64_t t = 0, p = 0; t < tiles; t++) {
        int64_t n = size + (t < longer);
        a->ahead = t < QN_BLOCK8 / CK_AHEAD ? next + t * part : a->w;
        a->after = fetch && p + n < r->n ? r->x[p + n] : NULL;
        fn[n - 1](a, r->x + p, r->y + p, r->add + p);
        p += n;
    }
}

/* What a store in registers could not do, to the stretches that lie in one piece. */
static void finish_run(const qn_conv8c *c, const run *r, int64_t block, float *y)
{
    bool tail = block == c->y.c / QN_BLOCK8;
    if (!tail && qn_act8_is_early(&c->act)) return;
    int64_t left = c->y.w - r->first % c->y.w;
    for (int64_t i = 0, n; i < r->n; i += n, left = c->y.w) {
        n = c->y_step != QN_BLOCK8 ? 1 : left < r->n - i ? left : r->n - i;
        qn_finish_late8(&c->act, &c->y, block, y + r->y[i], n);
    }
}

/* Panels [c0, c1) over the pixels of a run; a holds the segments, and in after anything
 * but NULL if the input may be far away. */
static void compute_run(const qn_conv8c *c, const qn_task8c *t,
                        qn_ck8c_fn *const (*set)[CK_MOST], qn_ck8c a, const run *r)
{
    static const float zeros[3 * QN_BLOCK8];
    static const int64_t max_pixels[] = {CK_PIXELS_1, CK_PIXELS_2, CK_PIXELS_3};
    const bool fetch = a.after != NULL;
    int64_t k = (a.end - a.segment) * a.length, group = -1;
    for (int64_t i = t->c0; i < t->c1; i++) {
        qn_panel8c p = qn_conv8c_panel(c, i);
        a.shift = p.group * (c->x.c / c->groups / QN_BLOCK8) * c->x.plane;
        a.w = c->weight + t->image * c->weight_image + p.block * QN_BLOCK8 * k;
        a.ahead = a.w + p.blocks * QN_BLOCK8 * k;
        a.bias = c->bias ? c->bias + p.block * QN_BLOCK8 : zeros;
        a.y = c->y.data + t->image * c->y.image + p.block * c->y.plane;
        a.add = c->add.data
                    ? c->add.data + t->image * c->add.image + p.block * c->add.plane
                    : NULL;
        a.after = fetch && p.group != group ? r->x[0] : NULL;
        group = p.group;
        compute_tiles(set[p.blocks - 1], max_pixels[p.blocks - 1], &a, r);
        for (int64_t b = 0; b < p.blocks; b++)
            finish_run(c, r, p.block + b, a.y + b * c->y.plane);
    }
}

/* Pixels of a run, so that their input takes about L2_FLOATS; none but the only one has
 * less than a tile or two, for a tile of one pixel takes as long as one of four. */
static int64_t run_size(const qn_conv8c *c, int64_t n)
{
    int64_t per_pixel = qn_blocks8c(c->x.c / c->groups) * QN_BLOCK8;
    if (c->kernel[0] > 1 || c->kernel[1] > 1) per_pixel *= c->stride[0] * c->stride[1];
    int64_t fit = L2_FLOATS / per_pixel;
    fit = fit < MIN_RUN ? MIN_RUN : fit > MAX_RUN ? MAX_RUN : fit;
    if (n <= fit) return fit;
    const int64_t runs = (n + fit - 1) / fit, size = (n + runs - 1) / runs;
    const int64_t whole = (size + CK_WHOLE - 1) / CK_WHOLE * CK_WHOLE;
    const int64_t last = n % whole;
    if (last > 0 && last < CK_WHOLE / 2) return size;
    return whole < MAX_RUN ? whole : MAX_RUN;
}

void QN_V8_ROW(conv8c_f32)(const qn_conv8c *c, const qn_task8c *t)
{
    qn_ck8c a = {
        .after = c->x.data,
        .segment = c->segment,
        .end = c->segment + qn_conv8c_n_segments(c),
        .length = QN_BLOCK8,
        .y_plane = c->y.plane,
        .add_plane = c->add.plane,
        .bounds = qn_bounds8_of(&c->act),
        .hard_swish = c->act.kind == QN_ACT_HARD_SWISH,
    };
    int64_t size = run_size(c, t->i1 - t->i0);
    run r;
    r.top = 0;
    for (r.first = t->i0; r.first < t->i1; r.first += r.n) {
        r.n = t->i1 - r.first < size ? t->i1 - r.first : size;
        find_pixels(c, c->x.data + t->image * c->x.image, c->stride[0] * c->x.row,
                    c->stride[1] * QN_BLOCK8, &r);
        compute_run(c, t, ck_eight, a, &r);
    }
}

/* The weights of n blocks of input channels, a panel of that many blocks. */
static inline __attribute__((always_inline)) void
gate_panel(const qn_gate8c *g, const float *z, const float *w, float *y, int64_t n,
           const int blocks)
{
    for (; n > 0; n--, z += g->z.plane)
#pragma GCC unroll 8
        for (int k = 0; k < QN_BLOCK8; k++) {
            const qn_v8 factor = qn_set8(z[k]);
#pragma GCC unroll 3
            for (int b = 0; b < blocks; b++, w += 8, y += 8)
                qn_store8(y, qn_mul8(qn_load8(w), factor));
        }
}

void QN_V8_ROW(gate8c_f32)(const qn_gate8c *g, const qn_task8c *t)
{
    const int64_t n = qn_conv8c_n_segments(g->conv);
    const float *z = g->z.data + t->image * g->z.image;
    for (int64_t i = t->c0; i < t->c1; i++) {
        const qn_panel8c p = qn_conv8c_panel(g->conv, i);
        const int64_t at = p.block * QN_BLOCK8 * n * QN_BLOCK8;
        const float *w = g->conv->weight + at;
        float *y = g->y + t->image * g->image + at;
        if (p.blocks == 2)
            gate_panel(g, z, w, y, n, 2);
        else if (p.blocks == 3)
            gate_panel(g, z, w, y, n, 3);
        else
            gate_panel(g, z, w, y, n, 1);
    }
}

/* The same over a band of rows at a time, padded in the scratch. */
void QN_V8_ROW(stem8c_f32)(const qn_conv8c *c, const qn_task8c *t)
{
    int64_t row = qn_stem8c_row(c), band = qn_stem8c_band(c);
    qn_ck8c a = {
        .segment = c->segment,
        .end = c->segment + qn_stem8c_n_segments(c),
        .length = qn_stem8c_segment_size(c),
        .y_plane = c->y.plane,
        .add_plane = c->add.plane,
        .bounds = qn_bounds8_of(&c->act),
        .hard_swish = c->act.kind == QN_ACT_HARD_SWISH,
    };
    run r;
    for (int64_t top = t->i0; top < t->i1; top += band) {
        int64_t rows = t->i1 - top < band ? t->i1 - top : band;
        int64_t end = (top + rows) * c->y.w;
        qn_stem8c_fill(c, c->x.data + t->image * c->x.image, top * c->stride[0],
                       t->scratch);
        r.top = top;
        for (r.first = top * c->y.w; r.first < end; r.first += r.n) {
            r.n = end - r.first < MAX_RUN ? end - r.first : MAX_RUN;
            find_pixels(c, t->scratch, c->stride[0] * row, c->stride[1], &r);
            compute_run(c, t, a.length == 3 ? ck_three : ck_any, a, &r);
        }
    }
}
