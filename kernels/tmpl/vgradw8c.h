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

enum { GW_RUN = 256 };

/* All panels of the task over the pixels of a run. */
static void add_run(const qn_gradw8c *g, const qn_task8c *t, qn_gw8c a, float *sum)
{
    static const int64_t max_rows[] = {CK_PIXELS_1, CK_PIXELS_2, CK_PIXELS_3};
    const qn_conv8c *c = &g->c;
    const float *x = a.x;
    const int64_t n_rows = qn_gradw8c_n_rows(g);
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
            gw[p.blocks - 1][n - 1](&a, g->row + r, to + r * width);
            r += n;
        }
    }
}

/* Images [t->i0, t->i1) as one list of pixels. */
static void add_images(const qn_gradw8c *g, const qn_task8c *t, float *sum)
{
    const qn_conv8c *c = &g->c;
    qn_gw8c_pixel pixel[GW_RUN];
    qn_gw8c a = {.x = c->x.data, .pixel = pixel, .dy_plane = c->y.plane};
    int64_t image = t->i0, row = 0, col = 0;
    int64_t left = (t->i1 - t->i0) * c->y.h * c->y.w;
    int64_t runs = (left + GW_RUN - 1) / GW_RUN, size = 0, longer = 0;
    if (runs > 0) size = left / runs, longer = left % runs;
    for (int64_t k = 0; k < runs; k++) {
        const int64_t n = size + (k < longer);
        for (int64_t i = 0; i < n; i++) {
            pixel[i].x = image * c->x.image + row * c->stride[0] * c->x.row +
                         col * c->stride[1] * QN_BLOCK8;
            pixel[i].dy = image * c->y.image + row * c->y.row + col * QN_BLOCK8;
            if (++col < c->y.w) continue;
            col = 0;
            if (++row == c->y.h) row = 0, image++;
        }
        a.end = pixel + n;
        a.add_up = k > 0;
        add_run(g, t, a, sum);
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
                add_run(g, t, a, sum);
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
                sum);
    } else if (g->is_plain) {
        add_plain(g, t, sum);
    } else {
        add_images(g, t, sum);
    }
}
