/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vgradw8c.h - gradients of filters as products over pixels.
 *
 * Pixels are taken in runs whose dY, a panel of it, and one block of X stay in the
 * first-level cache.  A run is a list of places, so stride, padding, the end of a row
 * and of an image cost nothing; all panels pass over all rows of a run, and the sums
 * of a tile are in memory only between runs. */
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

#define CK_TILE  "kernels/tmpl/gw8c.h"
#define CK_TYPE  qn_gw8c_fn
#define CK_SET   gw
#define CK_EIGHT 0
#include "kernels/tmpl/ck8c_sizes.h"

enum { GW_RUN = 192 };

/* Strided windows take more of the cache a pixel. */
static int64_t run_length(const qn_conv8c *c)
{
    return c->stride[0] * c->stride[1] > 1 ? GW_RUN / 2 : GW_RUN;
}

typedef struct qn_gw8c_run {
    qn_gw8c_pixel pixel[GW_RUN];
    int64_t n;
} qn_gw8c_run;

/* What the next run will read, fetched a few lines with each tile. */
typedef struct qn_gw8c_fetch {
    const qn_gw8c_run *run;                         /* NULL: nothing */
    const float *x, *dy;                            /* the next block of each */
    int64_t x_blocks, dy_blocks, x_plane, dy_plane; /* blocks left */
    int64_t at, step, share;                        /* pixels */
} qn_gw8c_fetch;

static void fetch_share(qn_gw8c_fetch *f)
{
    if (!f->run) return;
    const qn_gw8c_pixel *p = f->run->pixel;
    int64_t end = f->at + f->share * f->step;
    if (end > f->run->n) end = f->run->n;
    if (f->x_blocks > 0)
        for (; f->at < end; f->at += f->step)
            __builtin_prefetch(f->x + p[f->at].x, 0, 2);
    else if (f->dy_blocks > 0)
        for (; f->at < end; f->at += f->step)
            __builtin_prefetch(f->dy + p[f->at].dy, 0, 2);
    if (f->at < f->run->n) return;
    f->at = 0;
    if (f->x_blocks > 0)
        f->x_blocks--, f->x += f->x_plane;
    else if (f->dy_blocks > 0)
        f->dy_blocks--, f->dy += f->dy_plane;
}

/* Blocks of x and of dY that panels [c0, c1) read. */
static qn_gw8c_fetch plan_fetch(const qn_gradw8c *g, const qn_task8c *t,
                                const qn_gw8c_run *next, int64_t tiles)
{
    const qn_conv8c *c = &g->c;
    const qn_panel8c first = qn_conv8c_panel(c, t->c0);
    const qn_panel8c last = qn_conv8c_panel(c, t->c1 - 1);
    const int64_t x_blocks = qn_blocks8c(c->x.c / c->groups);
    qn_gw8c_fetch f = {.run = next,
                       .x = c->x.data + first.group * x_blocks * c->x.plane,
                       .dy = c->y.data + first.block * c->y.plane,
                       .x_plane = c->x.plane,
                       .dy_plane = c->y.plane};
    f.x_blocks = (last.group - first.group + 1) * x_blocks;
    f.dy_blocks = last.block + last.blocks - first.block;
    f.step = c->stride[1] == 1 ? 2 : 1;
    /* A block takes a whole number of tiles. */
    const int64_t per_block = tiles / (f.x_blocks + f.dy_blocks);
    f.share = per_block > 1 ? GW_RUN / f.step / per_block + 1 : GW_RUN;
    return f;
}

/* All panels of the task over the pixels of a run. */
static void add_run(const qn_gradw8c *g, const qn_task8c *t, qn_gw8c a,
                    const qn_gw8c_run *next, float *sum)
{
    static const int64_t max_rows[] = {CK_PIXELS_1, CK_PIXELS_2, CK_PIXELS_3};
    const qn_conv8c *c = &g->c;
    const float *x = a.x;
    const int64_t n_rows = qn_gradw8c_n_rows(g);
    qn_gw8c_fetch ahead = plan_fetch(g, t, next, (t->c1 - t->c0) * (n_rows / 6 + 1));
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
            fetch_share(&ahead);
            gw[p.blocks - 1][n - 1](&a, g->row + r, to + r * width);
            r += n;
        }
    }
}

/* A pixel of the list of all images. */
typedef struct qn_gw8c_cursor {
    int64_t image, row, col;
} qn_gw8c_cursor;

/* The next n pixels. */
static void list_run(const qn_conv8c *c, qn_gw8c_cursor *at, int64_t n,
                     qn_gw8c_run *run)
{
    run->n = n;
    for (int64_t i = 0; i < n; i++) {
        run->pixel[i].x = at->image * c->x.image + at->row * c->stride[0] * c->x.row +
                          at->col * c->stride[1] * QN_BLOCK8;
        run->pixel[i].dy =
            at->image * c->y.image + at->row * c->y.row + at->col * QN_BLOCK8;
        if (++at->col < c->y.w) continue;
        at->col = 0;
        if (++at->row == c->y.h) at->row = 0, at->image++;
    }
}

/* Images [t->i0, t->i1) as one list of pixels, in runs of equal length. */
static void add_images(const qn_gradw8c *g, const qn_task8c *t, float *sum)
{
    const qn_conv8c *c = &g->c;
    const int64_t all = (t->i1 - t->i0) * c->y.h * c->y.w;
    const int64_t most = run_length(c), runs = (all + most - 1) / most;
    const int64_t size = all / runs, longer = all % runs;
    qn_gw8c_run run[2];
    qn_gw8c_cursor at = {.image = t->i0};
    list_run(c, &at, size + (longer > 0), &run[0]);
    for (int64_t k = 0; k < runs; k++) {
        const qn_gw8c_run *now = &run[k % 2], *next = NULL;
        if (k + 1 < runs) {
            list_run(c, &at, size + (k + 1 < longer), &run[(k + 1) % 2]);
            next = &run[(k + 1) % 2];
        }
        const qn_gw8c a = {.x = c->x.data,
                           .pixel = now->pixel,
                           .end = now->pixel + now->n,
                           .dy_plane = c->y.plane,
                           .add_up = k > 0};
        add_run(g, t, a, next, sum);
    }
}

/* The same with x plain: a band of rows at a time, padded in the scratch. */
static void add_plain(const qn_gradw8c *g, const qn_task8c *t, float *sum)
{
    const qn_conv8c *c = &g->c;
    const int64_t width = qn_stem8c_row(c), most = qn_stem8c_band(c);
    const int64_t x_row = c->stride[0] * width;
    qn_gw8c_pixel pixel[GW_RUN];
    qn_gw8c a = {.x = t->scratch, .pixel = pixel, .dy_plane = c->y.plane};
    for (int64_t image = t->i0; image < t->i1; image++)
        for (int64_t top = 0; top < c->y.h; top += most) {
            const int64_t rows = c->y.h - top < most ? c->y.h - top : most;
            qn_stem8c_fill(c, c->x.data + image * c->x.image, top * c->stride[0],
                           t->scratch);
            for (int64_t k = 0, n; k < rows * c->y.w; k += n) {
                n = rows * c->y.w - k < GW_RUN ? rows * c->y.w - k : GW_RUN;
                for (int64_t i = 0; i < n; i++) {
                    const int64_t row = (k + i) / c->y.w, col = (k + i) % c->y.w;
                    pixel[i].x = row * x_row + col * c->stride[1];
                    pixel[i].dy =
                        image * c->y.image + (top + row) * c->y.row + col * QN_BLOCK8;
                }
                a.end = pixel + n;
                add_run(g, t, a, NULL, sum);
                a.add_up = true;
            }
        }
}

void QN_V8_ROW(gradw8c_f32)(const qn_gradw8c *g, const qn_task8c *t, float *sum)
{
    if (t->i0 >= t->i1) { /* nothing to add up */
        const qn_gw8c_pixel none = {0};
        add_run(g, t,
                (qn_gw8c){.x = g->c.x.data,
                          .pixel = &none,
                          .end = &none,
                          .dy_plane = g->c.y.plane},
                NULL, sum);
    } else if (g->is_plain) {
        add_plain(g, t, sum);
    } else {
        add_images(g, t, sum);
    }
}
