/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/gradwino8c.h - gradients of 3x3 filters by Winograd's minimal filtering:
 * the transpose of the convolution Y = A' ((G W G') (B' X B)) A in W, which is
 *
 *     dW = G' (sum over tiles of (A dY A') (B' X B)) G:
 *
 * 36 products a tile of 4x4 pixels and pair of channels instead of 144.  A block of
 * tiles is transformed; then one product over its tiles for each of the 36 points adds
 * to U [point][panel][input channel][8 * blocks of panel], by the tiles of vgradw8c.h.
 */
#include "kernels/tmpl/winotiles8c.h"

qn_gradw8c_f32_fn QN_V8_ROW(gradwino8c_f32);

enum { POINTS = 36 };

/* A task's place in the scratch. */
typedef struct qn_gradwino {
    float *v, *m, *u;
    int64_t v_point, m_point, u_point; /* floats from point to point */
    int64_t block, blocks;             /* of output channels: the first, how many */
} qn_gradwino;

/* to = A y, six values of four. */
static inline void spread4(qn_v8 y0, qn_v8 y1, qn_v8 y2, qn_v8 y3, float *to,
                           int64_t step)
{
    const qn_v8 a = qn_set8(0x1.6a09e6p-1f), b = qn_set8(0x1.6a09e6p+0f);
    const qn_v8 half = qn_set8(0.5f), two = qn_set8(2);
    qn_v8 even = qn_fma8(half, y2, y0), odd = qn_fma8(half, y3, y1);
    qn_v8 even_b = qn_fma8(two, y2, y0), odd_b = qn_fma8(two, y3, y1);
    qn_store8(to, y0);
    qn_store8(to + step, qn_fma8(a, odd, even));
    qn_store8(to + 2 * step, qn_fnma8(a, odd, even));
    qn_store8(to + 3 * step, qn_fma8(b, odd_b, even_b));
    qn_store8(to + 4 * step, qn_fnma8(b, odd_b, even_b));
    qn_store8(to + 5 * step, y3);
}

/* Pixel k of a row of dY that has `cols`. */
static inline qn_v8 pixel_of(const float *row, int64_t k, int64_t cols)
{
    return k < cols ? qn_load8(row + 8 * k) : qn_zero8();
}

/* One tile and block: dy is its first pixel. */
static inline void transform_gradient(const place *p, const float *dy, int64_t row,
                                      float *m, int64_t point)
{
    float half[4 * MAX_SIDE * 8];
    for (int64_t r = 0; r < 4; r++, dy += row) {
        const int64_t cols = r < p->rows ? p->cols : 0;
        spread4(pixel_of(dy, 0, cols), pixel_of(dy, 1, cols), pixel_of(dy, 2, cols),
                pixel_of(dy, 3, cols), half + r * MAX_SIDE * 8, 8);
    }
    for (int64_t k = 0; k < MAX_SIDE; k++) {
        const float *from = half + k * 8;
        spread4(qn_load8(from), qn_load8(from + MAX_SIDE * 8),
                qn_load8(from + 2 * MAX_SIDE * 8), qn_load8(from + 3 * MAX_SIDE * 8),
                m + k * point, MAX_SIDE * point);
    }
}

static void transform_gradients(const qn_conv8c *c, const qn_gradwino *w,
                                const place *at, int64_t n)
{
    for (int64_t b = 0; b < w->blocks; b++)
        for (int64_t t = 0; t < n; t++)
            transform_gradient(
                at + t,
                c->y.data + at[t].image * c->y.image + (w->block + b) * c->y.plane +
                    at[t].row * c->y.row + at[t].col * 8,
                c->y.row, w->m + (b * QN_GRADWINO8C_BLOCK + t) * 8, w->m_point);
}

/* Adds the products of n tiles at one point to U, or begins with them. */
static void multiply_point(const qn_gradw8c *g, const qn_task8c *t,
                           const qn_gradwino *w, int64_t e, qn_gw8c a)
{
    static const int64_t max_rows[] = {CK_PIXELS_1, CK_PIXELS_2, CK_PIXELS_3};
    const int64_t step = QN_GRADWINO8C_BLOCK * 8, n_rows = g->c.x.c;
    float *u = w->u + e * w->u_point;
    a.x = w->v + e * w->v_point;
    a.dy_plane = step;
    for (int64_t i = t->c0; i < t->c1; i++) {
        const qn_panel8c p = qn_conv8c_panel(&g->c, i);
        const int64_t max = max_rows[p.blocks - 1], width = p.blocks * 8;
        const int64_t tiles = (n_rows + max - 1) / max;
        const int64_t size = n_rows / tiles, longer = n_rows % tiles;
        a.dy = w->m + e * w->m_point + (p.block - w->block) * step;
        for (int64_t k = 0, r = 0; k < tiles; k++) {
            const int64_t n = size + (k < longer);
            int64_t row[CK_MOST];
            for (int64_t j = 0; j < n; j++)
                row[j] = (r + j) / 8 * step + (r + j) % 8;
            gw[p.blocks - 1][n - 1](&a, row, u);
            u += n * width;
            r += n;
        }
    }
}

static void add_tiles(const qn_gradw8c *g, const qn_task8c *t, const qn_gradwino *w)
{
    const qn_conv8c *c = &g->c;
    const int64_t each = qn_wino8c_tiles(c, 1), all = (t->i1 - t->i0) * each;
    const int64_t most = QN_GRADWINO8C_BLOCK, parts = all ? (all + most - 1) / most : 1;
    place at[QN_GRADWINO8C_BLOCK];
    qn_gw8c_pixel pixel[QN_GRADWINO8C_BLOCK];
    for (int64_t k = 0; k < most; k++)
        pixel[k] = (qn_gw8c_pixel){8 * k, 8 * k};
    for (int64_t part = 0; part < parts; part++) {
        const int64_t first = all * part / parts, n = all * (part + 1) / parts - first;
        const qn_gw8c a = {.pixel = pixel, .end = pixel + n, .add_up = part > 0};
        for (int64_t k = 0; k < n; k++)
            at[k] = find_tile(c, t->i0 * each + first + k);
        transform_input(c, at, n, w->v, w->v_point, most * 8);
        transform_gradients(c, w, at, n);
        for (int64_t e = 0; e < POINTS; e++)
            multiply_point(g, t, w, e, a);
    }
}

/* to = G' u, three values of six. */
static inline void gather6(const float *u, int64_t step, float *to, int64_t to_step)
{
    const qn_v8 third = qn_set8(0x1.555556p-2f), sixth = qn_set8(0x1.555556p-3f);
    const qn_v8 a = qn_set8(0x1.e2b7dep-2f), b = qn_set8(0x1.e2b7dep-3f);
    qn_v8 u1 = qn_load8(u + step), u2 = qn_load8(u + 2 * step);
    qn_v8 u3 = qn_load8(u + 3 * step), u4 = qn_load8(u + 4 * step);
    qn_v8 p = qn_add8(u1, u2), q = qn_add8(u3, u4);
    qn_v8 r = qn_sub8(u1, u2), s = qn_sub8(u3, u4);
    qn_v8 w0 = qn_fnma8(qn_add8(third, third), p, qn_load8(u));
    qn_store8(to, qn_fma8(sixth, q, w0));
    qn_store8(to + to_step, qn_fnma8(a, r, qn_mul8(b, s)));
    qn_store8(to + 2 * to_step, qn_fma8(third, qn_sub8(q, p), qn_load8(u + 5 * step)));
}

/* U to sums as slot gradw8c has them: 8 filters, one input channel. */
static void gather_filters(const float *u, int64_t point, float *sum, int64_t tap)
{
    float half[3 * MAX_SIDE * 8];
    for (int64_t k = 0; k < MAX_SIDE; k++)
        gather6(u + k * point, MAX_SIDE * point, half + k * 8, MAX_SIDE * 8);
    for (int64_t r = 0; r < 3; r++)
        gather6(half + r * MAX_SIDE * 8, 8, sum + 3 * r * tap, tap);
}

static void finish_filters(const qn_gradw8c *g, const qn_task8c *t,
                           const qn_gradwino *w, float *sum)
{
    const int64_t ic = g->c.x.c, n_rows = qn_gradw8c_n_rows(g);
    const float *u = w->u;
    for (int64_t i = t->c0; i < t->c1; i++) {
        const qn_panel8c p = qn_conv8c_panel(&g->c, i);
        const int64_t width = p.blocks * 8;
        for (int64_t k = 0; k < ic; k++) {
            const int64_t first = k / 8 * 8, lanes = ic - first < 8 ? ic - first : 8;
            float *to = sum + p.block * 8 * n_rows + (first * 9 + k - first) * width;
            for (int64_t b = 0; b < p.blocks; b++, u += 8)
                gather_filters(u, w->u_point, to + b * 8, lanes * width);
        }
    }
}

void QN_V8_ROW(gradwino8c_f32)(const qn_gradw8c *g, const qn_task8c *t, float *sum)
{
    const qn_panel8c first = qn_conv8c_panel(&g->c, t->c0);
    const qn_panel8c last = qn_conv8c_panel(&g->c, t->c1 - 1);
    qn_gradwino w = {.block = first.block,
                     .blocks = last.block + last.blocks - first.block};
    w.v_point = (qn_blocks8c(g->c.x.c) * QN_GRADWINO8C_BLOCK + 2) * 8;
    w.m_point = (w.blocks * QN_GRADWINO8C_BLOCK + 2) * 8;
    w.u_point = w.blocks * 8 * g->c.x.c;
    w.v = t->scratch;
    w.m = w.v + POINTS * w.v_point;
    w.u = w.m + POINTS * w.m_point;
    add_tiles(g, t, &w);
    finish_filters(g, t, &w, sum);
}
