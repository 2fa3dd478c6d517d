/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vgradw8c.h - gradients of filters as products over pixels.
 *
 * Pixels are taken in runs whose dY, a panel of it, and one block of X stay in the
 * first-level cache.  A run is a list of places, so stride, padding, the end of a row
 * and of an image cost nothing; all panels pass over all rows of a run, and the sums
 * of a tile are in memory only between runs. */
#include <stddef.h>
#include <string.h>

qn_gradw8c_f32_fn QN_V8_ROW(gradw8c_f32);

typedef struct qn_gw8c_pixel {
    int64_t x, dy;
} qn_gw8c_pixel;

/* What all tiles of a run share. */
typedef struct qn_gw8c {
    const float *x, *dy;
    const qn_gw8c_pixel *pixel, *end;
    int64_t dy_plane;
    bool add_up; /* to what is there; else from 0 */
    /* gw_fetch: each pixel fetches a place of ahead, a block that the next run will
     * read; which place stands `shift` bytes behind the pixel. */
    const float *ahead;
    int64_t shift;
} qn_gw8c;
typedef void qn_gw8c_fn(const qn_gw8c *a, const int64_t *row, float *sum);

/* clang-format off */
#define GW_POINT(i)    const float *x##i = a->x + row[i];
#define GW_ZERO(i, j)  qn_v8 c##i##j = qn_zero8();
#define GW_INIT_1(i)   GW_ZERO(i, 0)
#define GW_INIT_2(i)   GW_INIT_1(i) GW_ZERO(i, 1)
#define GW_INIT_3(i)   GW_INIT_2(i) GW_ZERO(i, 2)
#define GW_GET(i, j)   c##i##j = qn_load8(sum + (i * CK_NV + j) * 8);
#define GW_RESUME_1(i) GW_GET(i, 0)
#define GW_RESUME_2(i) GW_RESUME_1(i) GW_GET(i, 1)
#define GW_RESUME_3(i) GW_RESUME_2(i) GW_GET(i, 2)
#define GW_PUT(i, j)   qn_store8(sum + (i * CK_NV + j) * 8, c##i##j);
#define GW_STORE_1(i)  GW_PUT(i, 0)
#define GW_STORE_2(i)  GW_STORE_1(i) GW_PUT(i, 1)
#define GW_STORE_3(i)  GW_STORE_2(i) GW_PUT(i, 2)
#define GW_LOAD_1      const qn_v8 w0 = qn_load8(w);
#define GW_LOAD_2      GW_LOAD_1 const qn_v8 w1 = qn_load8(w + plane);
#define GW_LOAD_3      GW_LOAD_2 const qn_v8 w2 = qn_load8(w + 2 * plane);
/* clang-format on */

#define GW_FETCH 0
#define CK_TILE  "kernels/tmpl/gw8c.h"
#define CK_TYPE  qn_gw8c_fn
#define CK_SET   gw
#include "kernels/tmpl/ck8c_sizes.h"
#undef GW_FETCH

#define GW_FETCH 1
#define CK_TILE  "kernels/tmpl/gw8c.h"
#define CK_TYPE  qn_gw8c_fn
#define CK_SET   gw_fetch
#include "kernels/tmpl/ck8c_sizes.h"
#undef GW_FETCH

enum { GW_RUN = 192 };

/* Strided windows take more of the cache a pixel. */
static int64_t run_length(const qn_conv8c *c)
{
    return c->stride[0] * c->stride[1] > 1 ? GW_RUN / 2 : GW_RUN;
}

/* A place in the list of all pixels. */
typedef struct qn_gw8c_cursor {
    int64_t image, row, col;
} qn_gw8c_cursor;

typedef struct qn_gw8c_run {
    qn_gw8c_pixel pixel[GW_RUN];
    int64_t n;
    qn_gw8c_cursor first;
} qn_gw8c_run;

/* The blocks that the next run will read, one for each tile of this one. */
typedef struct qn_gw8c_fetch {
    const float *x, *dy;
    int64_t x_blocks, dy_blocks, x_plane, dy_plane; /* blocks left */
    int64_t shift;                                  /* bytes from run to run */
} qn_gw8c_fetch;

/* The next of them, if there is one. */
static bool fetch_block(qn_gw8c_fetch *f, qn_gw8c *a)
{
    if (f->x_blocks > 0) {
        f->x_blocks--;
        a->ahead = f->x;
        a->shift = f->shift + (int64_t)offsetof(qn_gw8c_pixel, x);
        f->x += f->x_plane;
        return true;
    }
    if (f->dy_blocks == 0) return false;
    f->dy_blocks--;
    a->ahead = f->dy;
    a->shift = f->shift + (int64_t)offsetof(qn_gw8c_pixel, dy);
    f->dy += f->dy_plane;
    return true;
}

/* Blocks of x and of dY that panels [c0, c1) read. */
static qn_gw8c_fetch plan_fetch(const qn_gradw8c *g, const qn_task8c *t,
                                const qn_gw8c_pixel *now, const qn_gw8c_run *next)
{
    const qn_conv8c *c = &g->c;
    const qn_panel8c first = qn_conv8c_panel(c, t->c0);
    const qn_panel8c last = qn_conv8c_panel(c, t->c1 - 1);
    const int64_t x_blocks = g->is_plain ? 0 : qn_blocks8c(c->x.c / c->groups);
    if (next->n == 0) return (qn_gw8c_fetch){0};
    return (qn_gw8c_fetch){
        .x = c->x.data + first.group * x_blocks * c->x.plane,
        .dy = c->y.data + first.block * c->y.plane,
        .x_blocks = (last.group - first.group + 1) * x_blocks,
        .dy_blocks = last.block + last.blocks - first.block,
        .x_plane = c->x.plane,
        .dy_plane = c->y.plane,
        .shift = (const char *)next->pixel - (const char *)now,
    };
}

/* All panels of the task over the pixels of a run. */
static void add_run(const qn_gradw8c *g, const qn_task8c *t, qn_gw8c a,
                    const qn_gw8c_run *next, float *sum)
{
    static const int64_t max_rows[] = {CK_PIXELS_1, CK_PIXELS_2, CK_PIXELS_3};
    const qn_conv8c *c = &g->c;
    const float *x = a.x;
    const int64_t n_rows = qn_gradw8c_n_rows(g);
    qn_gw8c_fetch ahead = plan_fetch(g, t, a.pixel, next);
    for (int64_t i = t->c0; i < t->c1; i++) {
        const qn_panel8c p = qn_conv8c_panel(c, i);
        const int64_t max = max_rows[p.blocks - 1], width = p.blocks * QN_BLOCK8;
        const int64_t tiles = (n_rows + max - 1) / max;
        const int64_t size = n_rows / tiles, longer = n_rows % tiles;
        float *to = sum + p.block * QN_BLOCK8 * n_rows;
        a.dy = c->y.data + p.block * c->y.plane;
        a.x = x + p.group * (c->x.c / c->groups / QN_BLOCK8) * c->x.plane;
        for (int64_t k = 0, r = 0; k < tiles; k++) {
            const int64_t n = size + (k < longer);
            qn_gw8c_fn *const(*set)[CK_MOST] = fetch_block(&ahead, &a) ? gw_fetch : gw;
            set[p.blocks - 1][n - 1](&a, g->row + r, to + r * width);
            r += n;
        }
    }
}

/* Pixels that the next run may take: all that follow, or those of a band of rows, which
 * lies padded in the scratch. */
static int64_t pixels_left(const qn_gradw8c *g, const qn_task8c *t,
                           const qn_gw8c_cursor *at)
{
    const qn_conv8c *c = &g->c;
    int64_t rows = (t->i1 - at->image) * c->y.h - at->row;
    if (g->is_plain) {
        const int64_t band = qn_stem8c_band(c), end = at->row / band * band + band;
        rows = (end < c->y.h ? end : c->y.h) - at->row;
    }
    return at->image < t->i1 ? rows * c->y.w - at->col : 0;
}

/* Lists the next run; runs are as even as can be. */
static void list_run(const qn_gradw8c *g, const qn_task8c *t, qn_gw8c_cursor *at,
                     qn_gw8c_run *run)
{
    const qn_conv8c *c = &g->c;
    const bool plain = g->is_plain;
    const int64_t x_row = c->stride[0] * (plain ? qn_stem8c_row(c) : c->x.row);
    const int64_t x_col = c->stride[1] * (plain ? 1 : QN_BLOCK8);
    const int64_t top = plain ? at->row / qn_stem8c_band(c) * qn_stem8c_band(c) : 0;
    const int64_t left = pixels_left(g, t, at), most = run_length(c);
    const int64_t runs = (left + most - 1) / most;
    run->n = runs > 0 ? (left + runs - 1) / runs : 0;
    run->first = *at;
    for (int64_t i = 0; i < run->n;) {
        const int64_t x =
            (plain ? 0 : at->image * c->x.image) + (at->row - top) * x_row;
        const int64_t dy = at->image * c->y.image + at->row * c->y.row;
        for (; i < run->n && at->col < c->y.w; i++, at->col++)
            run->pixel[i] =
                (qn_gw8c_pixel){x + at->col * x_col, dy + at->col * QN_BLOCK8};
        if (at->col < c->y.w) return;
        at->col = 0;
        if (++at->row == c->y.h) at->row = 0, at->image++;
    }
}

/* The band that a run begins. */
static void fill_band(const qn_gradw8c *g, const qn_task8c *t, const qn_gw8c_run *run)
{
    const qn_conv8c *c = &g->c;
    if (run->first.col == 0 && run->first.row % qn_stem8c_band(c) == 0)
        qn_stem8c_fill(c, c->x.data + run->first.image * c->x.image,
                       run->first.row * c->stride[0], t->scratch);
}

void QN_V8_ROW(gradw8c_f32)(const qn_gradw8c *g, const qn_task8c *t, float *sum)
{
    qn_gw8c_run run[2] = {{.n = 0}}; /* a run may be longer than the next */
    qn_gw8c_cursor at = {.image = t->i0};
    qn_gw8c a = {.x = g->is_plain ? t->scratch : g->c.x.data, .dy_plane = g->c.y.plane};
    list_run(g, t, &at, &run[0]);
    for (int64_t k = 0; k == 0 || run[k % 2].n > 0; k++) {
        const qn_gw8c_run *now = &run[k % 2];
        list_run(g, t, &at, &run[(k + 1) % 2]);
        if (g->is_plain && now->n > 0) fill_band(g, t, now);
        a.pixel = now->pixel;
        a.end = now->pixel + now->n;
        a.add_up = k > 0;
        add_run(g, t, a, &run[(k + 1) % 2], sum);
    }
}
