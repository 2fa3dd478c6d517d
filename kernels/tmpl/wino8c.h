/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/wino8c.h - 3x3 convolution by Winograd's F(4x4,3x3) and F(2x2,3x3):
 * tile^2 outputs for (tile+2)^2 products a channel instead of 9 tile^2; and a form of
 * it for stride 2.
 *
 * A block of tiles is transformed once into V [point][ic block][tile][8]; then, panel
 * after panel, one matrix product a point gives M [point][oc block][tile][8], which is
 * transformed into outputs while it is in the cache.  A transform works on one axis at
 * a time.  Tiles that reach over the edge read zeros, store what exists and, of stride
 * 2, are left out of sums that they do not need.  Where x stands twice on each axis
 * there is less to do; kernels/blocked.h says how, and has the formulas of stride 2.
 *
 * Lavin, Gray: Fast Algorithms for Convolutional Neural Networks (2015). */
#include "kernels/tmpl/winotiles8c.h"

qn_wino8c_f32_fn QN_V8_ROW(wino8c_f32);

/* A sum of n products of matrices; where the operands of the first are, the tile is
 * told: short sums do not wait for it. */
typedef struct qn_wk8c {
    int64_t blocks, v_step; /* of input channels; floats from block to block */
    int64_t m_step;
    int64_t ahead; /* floats from weights to those to be fetched meanwhile; or 0 */
    int n;
    int64_t v_apart[4], w_apart[4]; /* floats from the first's operands */
} qn_wk8c;

/* Into the second-level cache; past the end of all weights, too. */
QN_FORCE_INLINE void fetch_next(const qn_wk8c *a, const float *w, int lines)
{
    if (!a->ahead) return;
    for (int i = 0; i < lines; i++)
        __builtin_prefetch(w + a->ahead + 16 * i, 0, 2);
}

typedef void qn_wk8c_fn(const qn_wk8c *a, const float *v, const float *w, float *m);

/* clang-format off */
#define WK_POINT(i)    const float *x##i = v + 8 * i;
/* clang-format on */

#define CK_TILE   "kernels/tmpl/wk8c.h"
#define CK_TYPE   qn_wk8c_fn
#define CK_SET    wk
#define CK_EIGHT  1
#define CK_LENGTH 8
#include "kernels/tmpl/ck8c_sizes.h"

enum {
    FETCH_TILES = 8,   /* fewer wait for their own weights */
    FETCH_AHEAD = 4096 /* floats, at least */
};

/* ---- outputs ---- */

typedef struct row4 {
    qn_v8 y0, y1, y2, y3;
} row4;

/* y = A' m */
static inline row4 output4(const float *m, int64_t step)
{
    const qn_v8 a = qn_set8(0x1.6a09e6p-1f), b = qn_set8(0x1.6a09e6p+0f);
    const qn_v8 aaa = qn_set8(0x1.6a09e6p-2f), bbb = qn_set8(0x1.6a09e6p+1f);
    qn_v8 m1 = qn_load8(m + step), m2 = qn_load8(m + 2 * step);
    qn_v8 m3 = qn_load8(m + 3 * step), m4 = qn_load8(m + 4 * step);
    qn_v8 p = qn_add8(m1, m2), q = qn_add8(m3, m4);
    qn_v8 r = qn_sub8(m1, m2), s = qn_sub8(m3, m4);
    qn_v8 m0 = qn_load8(m), m5 = qn_load8(m + 5 * step);
    row4 y;
    y.y0 = qn_add8(m0, qn_add8(p, q));
    y.y1 = qn_fma8(a, r, qn_mul8(b, s));
    y.y2 = qn_fma8(qn_set8(0.5f), p, qn_add8(q, q));
    y.y3 = qn_fma8(aaa, r, qn_fma8(bbb, s, m5));
    return y;
}

static inline row4 output2(const float *m, int64_t step)
{
    qn_v8 m0 = qn_load8(m), m1 = qn_load8(m + step);
    qn_v8 m2 = qn_load8(m + 2 * step), m3 = qn_load8(m + 3 * step);
    row4 y;
    y.y0 = qn_add8(m0, qn_add8(m1, m2));
    y.y1 = qn_add8(qn_sub8(m1, m2), m3);
    y.y2 = y.y3 = qn_zero8();
    return y;
}

/* The same where the input stood twice; see kernels/blocked.h. */
static inline row4 output_twice(const float *m, int64_t step)
{
    const qn_v8 t = qn_load8(m + step);
    const qn_v8 p = qn_load8(m + 2 * step), q = qn_load8(m + 3 * step);
    row4 y;
    y.y0 = qn_add8(qn_sub8(t, q), qn_load8(m));
    y.y1 = qn_add8(t, p);
    y.y2 = qn_add8(t, q);
    y.y3 = qn_add8(qn_sub8(t, p), qn_load8(m + 4 * step));
    return y;
}

/* And of stride 2. */
static inline row4 output_strided(const float *m, int64_t step)
{
    const qn_v8 t = qn_load8(m + step);
    row4 y;
    y.y0 = qn_add8(t, qn_load8(m));
    y.y1 = qn_add8(t, qn_load8(m + 2 * step));
    y.y2 = y.y3 = qn_zero8();
    return y;
}

static inline row4 output_of(const qn_conv8c *c, const float *m, int64_t step)
{
    if (c->stride[0] == 2) return output_strided(m, step);
    if (c->twice) return output_twice(m, step);
    return c->tile == 4 ? output4(m, step) : output2(m, step);
}

static inline void store_pixel(const qn_conv8c *c, const qn_bounds8 *bounds, qn_v8 y,
                               int64_t y_at, int64_t add_at)
{
    if (c->add.data) y = qn_add8(y, qn_load8(c->add.data + add_at));
    qn_store8(c->y.data + y_at, qn_bound8(bounds, y));
}

/* Block `block` of one tile of y from its products. */
static inline void transform_output(const qn_conv8c *c, const place *p, int64_t block,
                                    const float *m, int64_t point)
{
    float half[4 * MAX_SIDE * 8];
    const qn_bounds8 bounds = qn_bounds8_of(&c->act);
    const qn_v8 bias = c->bias ? qn_load8(c->bias + block * 8) : qn_zero8();
    const int64_t side = qn_wino8c_side(c), shift = c->add_shift;
    for (int64_t k = 0; k < side; k++) {
        row4 y = output_of(c, m + k * point, side * point);
        qn_store8(half + k * 8, y.y0);
        qn_store8(half + (MAX_SIDE + k) * 8, y.y1);
        qn_store8(half + (2 * MAX_SIDE + k) * 8, y.y2);
        qn_store8(half + (3 * MAX_SIDE + k) * 8, y.y3);
    }
    for (int64_t r = 0; r < p->rows; r++) {
        const float *from = half + r * MAX_SIDE * 8;
        row4 y = output_of(c, from, 8);
        int64_t at = p->image * c->y.image + block * c->y.plane +
                     (p->row + r) * c->y.row + p->col * 8;
        int64_t add = p->image * c->add.image + block * c->add.plane +
                      ((p->row + r) >> shift) * c->add.row + (p->col >> shift) * 8;
        store_pixel(c, &bounds, qn_add8(y.y0, bias), at, add);
        if (p->cols > 1)
            store_pixel(c, &bounds, qn_add8(y.y1, bias), at + 8,
                        add + (1 >> shift) * 8);
        if (p->cols > 2)
            store_pixel(c, &bounds, qn_add8(y.y2, bias), at + 16,
                        add + (2 >> shift) * 8);
        if (p->cols > 3)
            store_pixel(c, &bounds, qn_add8(y.y3, bias), at + 24,
                        add + (3 >> shift) * 8);
        qn_finish8(&c->act, &c->y, block, c->y.data + at, p->cols);
    }
}

/* The order of a block's tiles of stride 2: those cut off at the right, whole ones,
 * those cut off at the bottom, and at both.  So [0, rows_end) have all rows, and
 * [cols_begin, cols_end) all columns.  Of stride 1 leaving some out gained nothing, and
 * they stay as they are. */
typedef struct sorted {
    int64_t cols_begin, rows_end, cols_end, all;
} sorted;

static sorted find_tiles(const qn_conv8c *c, int64_t first, int64_t n, place *at)
{
    place found[QN_WINO8C_MAX_BLOCK];
    int64_t end[4], at_all = 0;
    for (int64_t i = 0; i < n; i++)
        at[i] = found[i] = find_tile(c, first + i);
    if (c->stride[0] != 2) return (sorted){0, n, n, n};
    for (int kind = 0; kind < 4; kind++) {
        for (int64_t i = 0; i < n; i++) {
            const bool is_thin = found[i].cols < c->tile;
            const bool is_flat = found[i].rows < c->tile;
            if (is_flat * 2 + (is_thin == is_flat) == kind) at[at_all++] = found[i];
        }
        end[kind] = at_all;
    }
    return (sorted){end[0], end[1], end[2], end[3]};
}

/* One sum of n tiles for a panel of so many blocks.  The first part fetches the
 * weights of the next filter. */
static void multiply_tiles(qn_wk8c *a, int64_t ahead, int64_t blocks, int64_t n,
                           const float *v, const float *w, float *m)
{
    static const int64_t max_tiles[] = {CK_PIXELS_1, CK_PIXELS_2, CK_PIXELS_3};
    const int64_t max = max_tiles[blocks - 1], parts = (n + max - 1) / max;
    if (n == 0) return;
    const int64_t size = n / parts, longer = n % parts;
    for (int64_t i = 0, t = 0; i < parts; i++) {
        const int64_t tiles = size + (i < longer);
        a->ahead = i == 0 && n >= FETCH_TILES ? ahead : 0;
        wk[blocks - 1][tiles - 1](a, v + t * 8, w, m + t * 8);
        t += tiles;
    }
}

/* M of tiles for one panel. */
static void multiply(const qn_conv8c *c, const qn_wino8c_terms *terms,
                     const qn_panel8c *p, const sorted *n, const float *v, float *m)
{
    const int side = (int)qn_wino8c_side(c);
    const int64_t step = qn_wino8c_block(c) * 8, point = qn_wino8c_point(c);
    qn_wk8c a = {.blocks = qn_blocks8c(c->x.c), .v_step = step, .m_step = step};
    const int64_t filter = p->blocks * 8 * a.blocks * 8;
    const int64_t ahead = filter > FETCH_AHEAD ? filter : FETCH_AHEAD;
    const float *w = c->weight + p->block * 8 * a.blocks * 8 * qn_wino8c_filters(c);
    for (int e = 0; e < side * side; e++, m += p->blocks * step) {
        const qn_wino8c_terms *t = terms + e;
        a.n = t->n;
        for (int i = 1; i < t->n; i++) {
            a.v_apart[i] = (t->input[i] - t->input[0]) * point;
            a.w_apart[i] = (t->filter[i] - t->filter[0]) * filter;
        }
        const bool last_row = e / side == side - 1, last_col = e % side == side - 1;
        const int64_t begin = last_col ? n->cols_begin : 0;
        const int64_t end = last_row ? n->rows_end : last_col ? n->cols_end : n->all;
        multiply_tiles(&a, ahead, p->blocks, end - begin,
                       v + t->input[0] * point + begin * 8, w + t->filter[0] * filter,
                       m + begin * 8);
    }
}

void QN_V8_ROW(wino8c_f32)(const qn_conv8c *c, const qn_task8c *t)
{
    const int64_t block = qn_wino8c_block(c);
    float *v = t->scratch, *m = v + qn_wino8c_inputs(c) * qn_wino8c_point(c);
    place at[QN_WINO8C_MAX_BLOCK];
    qn_wino8c_terms terms[MAX_SIDE * MAX_SIDE];
    for (int e = 0; e < qn_wino8c_side(c) * qn_wino8c_side(c); e++)
        terms[e] = qn_wino8c_terms_of(c, e);
    int64_t parts = (t->i1 - t->i0 + block - 1) / block;
    int64_t size = parts > 0 ? (t->i1 - t->i0 + parts - 1) / parts : 0;
    for (int64_t first = t->i0; first < t->i1; first += size) {
        int64_t n = t->i1 - first < size ? t->i1 - first : size;
        const sorted order = find_tiles(c, first, n, at);
        transform_input(c, at, n, v, qn_wino8c_point(c), block * 8);
        for (int64_t i = t->c0; i < t->c1; i++) {
            qn_panel8c p = qn_conv8c_panel(c, i);
            multiply(c, terms, &p, &order, v, m);
            for (int64_t b = 0; b < p.blocks; b++)
                for (int64_t k = 0; k < n; k++)
                    transform_output(c, at + k, p.block + b, m + (b * block + k) * 8,
                                     p.blocks * block * 8);
        }
    }
}
