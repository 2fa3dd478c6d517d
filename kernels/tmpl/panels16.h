/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/panels16.h - matrix products in tiles of 6 rows x 16 columns: slots
 * panels_f32 (B packed beforehand) and gemm_f32 (B packed here, a panel at a time), in
 * the words of ck8c_<instruction set>.h, which the includer has included.
 *
 * A stretch of rows of A stays in the second-level cache while all panels pass over it;
 * meanwhile the next panel, which often comes from memory, is fetched.  Rows are cut
 * into tiles as evenly as possible; k is cut only when a panel would not fit. */
#include "kernels/tmpl/panels_act.h"

#include <string.h>

qn_panels_f32_fn QN_V8_ROW(panels_f32);
qn_gemm_f32_fn QN_V8_ROW(gemm_f32);

/* What the tiles of a stretch share: one panel, or a part of it along k. */
typedef struct qn_gk16 {
    const float *b, *bias; /* [k][16], [16] */
    int64_t k;
    int64_t row, col; /* floats from element to element of A */
    int64_t ld_add;
    bool add_up; /* go on from the sums in y */
    qn_bounds8 bounds;
} qn_gk16;

typedef struct qn_gk16_tile {
    const float *x, *add; /* add NULL: nothing to add */
    float *y;
    int64_t ldy;
    const char *fetch; /* lines to bring nearer: one each pace bytes */
    int64_t pace;
} qn_gk16_tile;

typedef void qn_gk16_fn(const qn_gk16 *g, const qn_gk16_tile *s);

/* clang-format off */
#define GK_POINT(i)     const float *x##i = x + i * g->row;
#define GK_NEAR(i)      __builtin_prefetch(y + i * ldy, 0, 3);
#define GK_SUM(i, j)    c##i##j = qn_load8(y + i * ldy + 8 * j);
#define GK_RESUME(i)    GK_SUM(i, 0) GK_SUM(i, 1)
#define GK_PLUS(i, j) \
    c##i##j = qn_add8(c##i##j, qn_load8(add + i * g->ld_add + 8 * j));
#define GK_ADD(i)       GK_PLUS(i, 0) GK_PLUS(i, 1)
#define GK_PUT(i, j)    qn_store8(y + i * ldy + 8 * j, c##i##j);
#define GK_STORE(i)     GK_PUT(i, 0) GK_PUT(i, 1)
/* clang-format on */

/* Steps of k that are taken at once where the rows of A are dense, and what they do;
 * an instruction set may have a better way. */
#ifndef GK_STEPS_DENSE
#define GK_AT_ONCE     1
#define GK_STEPS_DENSE GK_STEPS_ANY
#endif
#define GK_STEPS_ANY CK_LOAD_2 GK_EACH(CK_STEP_2)

#define GK_SET   gk_dense
#define GK_COL   1
#define GK_STEPS GK_STEPS_DENSE
#include "kernels/tmpl/gk16_sizes.h"
#undef GK_AT_ONCE

#define GK_SET     gk_any
#define GK_COL     g->col
#define GK_AT_ONCE 1
#define GK_STEPS   GK_STEPS_ANY
#include "kernels/tmpl/gk16_sizes.h"

enum {
    TILE = 6,
    A_FLOATS = 48 * 1024, /* of a stretch of rows; a stride of a power of two leaves
                             them a quarter of the cache */
    PACKED_FLOATS = 256 * 1024, /* the same where each stretch packs B again */
    MAX_K = 1024,               /* longest panel that is not cut */
    CUT_K = 512,
    ACT_PANELS = 8 /* activated together, while they are in the cache */
};

/* ---- one panel over a stretch of rows -------------------------------------------- */

typedef struct strip {
    qn_gk16_fn *const *set;
    const float *x, *add;
    float *y;
    int64_t rows, ldy, width; /* width: columns of the panel that are there */
    const float *next;        /* as many floats as the panel, fetched on the way */
} strip;

static void copy_rows(int64_t rows, int64_t width, const float *from, int64_t ld_from,
                      float *to, int64_t ld_to)
{
    for (int64_t i = 0; i < rows; i++)
        memcpy(to + i * ld_to, from + i * ld_from, (size_t)width * sizeof *to);
}

/* A tile of a panel whose last columns are not there, by way of a whole one. */
static void compute_narrow(const qn_gk16 *g, const strip *s, qn_gk16_tile tile,
                           int64_t n)
{
    float y[TILE * QN_PANEL] = {0}, add[TILE * QN_PANEL] = {0};
    qn_gk16 whole = *g;
    float *to = tile.y;
    if (g->add_up) copy_rows(n, s->width, to, s->ldy, y, QN_PANEL);
    if (s->add) copy_rows(n, s->width, tile.add, g->ld_add, add, QN_PANEL);
    if (s->add) tile.add = add;
    whole.ld_add = tile.ldy = QN_PANEL;
    tile.y = y;
    s->set[n - 1](&whole, &tile);
    copy_rows(n, s->width, y, QN_PANEL, to, s->ldy);
}

static void compute_strip(const qn_gk16 *g, const strip *s)
{
    const int64_t tiles = (s->rows + TILE - 1) / TILE;
    const int64_t size = s->rows / tiles, longer = s->rows % tiles;
    const int64_t bytes = g->k * QN_PANEL * (int64_t)sizeof(float);
    for (int64_t t = 0, i = 0, n; t < tiles; t++, i += n) {
        n = size + (t < longer);
        const qn_gk16_tile tile = {.x = s->x + i * g->row,
                                   .add = s->add ? s->add + i * g->ld_add : NULL,
                                   .y = s->y + i * s->ldy,
                                   .ldy = s->ldy,
                                   .fetch = (const char *)s->next + bytes * t / tiles,
                                   .pace =
                                       8 * QN_PANEL * (int64_t)sizeof(float) / tiles};
        if (s->width < QN_PANEL)
            compute_narrow(g, s, tile, n);
        else
            s->set[n - 1](g, &tile);
    }
}

/* How many things at a time if n are cut into equal parts of at most max. */
static int64_t even_part(int64_t n, int64_t max)
{
    int64_t parts = (n + max - 1) / max;
    return parts > 0 ? (n + parts - 1) / parts : 1;
}

static int64_t stretch_of_k(int64_t k)
{
    return k <= MAX_K ? k : even_part(k, CUT_K);
}

/* Rows that pass over a panel: whole tiles. */
static int64_t stretch_of_rows(int64_t rows, int64_t k, int64_t floats)
{
    int64_t fit = floats / (k > 64 ? k : 64);
    fit = fit < 4 * TILE ? 4 * TILE : fit;
    return (even_part(rows, fit) + TILE - 1) / TILE * TILE;
}

/* ---- slot panels_f32 ------------------------------------------------------------- */

/* All panels of the task over k [k0, k0 + nk) of rows [i0, i0 + rows). */
static void compute_panels(const qn_panels_product *p, const qn_panels_task *t,
                           int64_t i0, int64_t rows, int64_t k0, int64_t nk)
{
    static const float zeros[QN_PANEL];
    const bool is_last = k0 + nk == p->k;
    const qn_act none = {QN_ACT_NONE, 0, 0};
    const bool in_registers = qn_act8_is_bounds(&p->act);
    qn_gk16 g = {.k = nk,
                 .row = p->lda,
                 .col = 1,
                 .ld_add = p->ld_add,
                 .add_up = k0 > 0,
                 .bounds = qn_bounds8_of(is_last ? &p->act : &none)};
    strip s = {
        .set = gk_dense, .x = p->a + i0 * p->lda + k0, .rows = rows, .ldy = p->ldy};
    int64_t first = t->c0; /* panel that is not activated yet */
    for (int64_t c = t->c0; c < t->c1; c++) {
        const int64_t j = c * QN_PANEL;
        float bias[QN_PANEL] = {0};
        s.width = p->n - j < QN_PANEL ? p->n - j : QN_PANEL;
        g.b = p->b + (c * p->k + k0) * QN_PANEL;
        g.bias = p->bias && s.width == QN_PANEL ? p->bias + j : zeros;
        if (p->bias && s.width < QN_PANEL)
            g.bias = memcpy(bias, p->bias + j, (size_t)s.width * sizeof *bias);
        s.next = c + 1 < t->c1 ? g.b + p->k * QN_PANEL : g.b;
        s.y = p->y + i0 * p->ldy + j;
        s.add = p->add && is_last ? p->add + i0 * p->ld_add + j : NULL;
        compute_strip(&g, &s);
        if (in_registers || !is_last || (c + 1 - first < ACT_PANELS && c + 1 < t->c1))
            continue;
        qn_panels_activate(&p->act, p->y + i0 * p->ldy + first * QN_PANEL, p->ldy, rows,
                           j + s.width - first * QN_PANEL);
        first = c + 1;
    }
}

/* One row over four whole panels: memory sets the pace, eight sums hide the latency. */
static void compute_row_of_four(const qn_panels_product *p, int64_t i, int64_t c)
{
    const float *x = p->a + i * p->lda, *w = p->b + c * p->k * QN_PANEL;
    const int64_t panel = p->k * QN_PANEL;
    qn_v8 sum[8];
    for (int j = 0; j < 8; j++)
        sum[j] = p->bias ? qn_load8(p->bias + c * QN_PANEL + 8 * j) : qn_zero8();
    for (int64_t k = 0; k < p->k; k++, w += QN_PANEL) {
        const qn_v8 v = qn_set8(x[k]);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++)
            sum[j] = qn_fma8(v, qn_load8(w + j / 2 * panel + j % 2 * 8), sum[j]);
    }
    const qn_bounds8 bounds = qn_bounds8_of(&p->act);
    float *y = p->y + i * p->ldy + c * QN_PANEL;
    const float *add = p->add ? p->add + i * p->ld_add + c * QN_PANEL : NULL;
    for (int j = 0; j < 8; j++) {
        if (add) sum[j] = qn_add8(sum[j], qn_load8(add + 8 * j));
        qn_store8(y + 8 * j, qn_bound8(&bounds, sum[j]));
    }
    if (!qn_act8_is_bounds(&p->act)) qn_act8_run(&p->act, y, 8);
}

void QN_V8_ROW(panels_f32)(const qn_panels_product *p, const qn_panels_task *t)
{
    qn_panels_task rest = *t;
    if (t->i1 - t->i0 == 1)
        for (; rest.c0 + 4 <= t->c1 && (rest.c0 + 4) * QN_PANEL <= p->n; rest.c0 += 4)
            compute_row_of_four(p, t->i0, rest.c0);
    const int64_t nk = stretch_of_k(p->k);
    const int64_t most = stretch_of_rows(t->i1 - t->i0, nk, A_FLOATS);
    for (int64_t i = t->i0; i < t->i1; i += most) {
        const int64_t rows = t->i1 - i < most ? t->i1 - i : most;
        int64_t k = 0;
        do {
            int64_t part = p->k - k < nk ? p->k - k : nk;
            compute_panels(p, &rest, i, rows, k, part);
            k += nk;
        } while (k < p->k);
    }
}

/* ---- slot gemm_f32 --------------------------------------------------------------- */

/* Columns of B, 8 rows of 8 floats, become rows of a panel. */
static void turn8(const float *b, int64_t ldb, qn_v8 alpha, float *to)
{
    qn_v8 r[8];
    for (int i = 0; i < 8; i++)
        r[i] = qn_mul8(alpha, qn_load8(b + i * ldb));
    qn_transpose8(r);
    for (int i = 0; i < 8; i++)
        qn_store8(to + i * QN_PANEL, r[i]);
}

/* Panel c of the source, by vectors where it is whole. */
static void pack_panel(const qn_panels_source *s, int64_t c, float *to)
{
    const qn_v8 alpha = qn_set8(s->alpha);
    if ((c + 1) * QN_PANEL > s->n) {
        qn_panels_pack(s, c, c + 1, to);
        return;
    }
    if (!s->transposed) {
        const float *b = (const float *)s->b + c * QN_PANEL;
        for (int64_t p = 0; p < s->k; p++, b += s->ldb, to += QN_PANEL) {
            qn_store8(to, qn_mul8(alpha, qn_load8(b)));
            qn_store8(to + 8, qn_mul8(alpha, qn_load8(b + 8)));
        }
        return;
    }
    const float *b = (const float *)s->b + c * QN_PANEL * s->ldb;
    const int64_t whole = s->k / 8 * 8;
    for (int64_t p = 0; p < whole; p += 8) {
        turn8(b + p, s->ldb, alpha, to + p * QN_PANEL);
        turn8(b + 8 * s->ldb + p, s->ldb, alpha, to + p * QN_PANEL + 8);
    }
    for (int64_t p = whole; p < s->k; p++)
        for (int j = 0; j < QN_PANEL; j++)
            to[p * QN_PANEL + j] = s->alpha * b[j * s->ldb + p];
}

/* C becomes beta C, which the products are added to. */
static void scale_rows(int64_t m, int64_t n, float beta, float *c, int64_t ldc)
{
    for (int64_t i = 0; i < m && beta != 1; i++)
        for (int64_t j = 0; j < n; j++)
            c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

void QN_V8_ROW(gemm_f32)(const qn_kernels *slots, bool ta, bool tb, int64_t m,
                         int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                         const float *b, int64_t ldb, float beta, float *c, int64_t ldc)
{
    (void)slots;
    static const float zeros[QN_PANEL];
    float panel[CUT_K * QN_PANEL];
    if (k == 0 || beta != 0) scale_rows(m, n, beta, c, ldc);
    const int64_t nk = even_part(k, CUT_K),
                  most = stretch_of_rows(m, nk, PACKED_FLOATS);
    qn_gk16 g = {.b = panel,
                 .bias = zeros,
                 .row = ta ? 1 : lda,
                 .col = ta ? lda : 1,
                 .bounds = {-INFINITY, INFINITY, false, false}};
    strip s = {.set = ta ? gk_any : gk_dense, .ldy = ldc, .next = panel};
    for (int64_t i = 0; i < m; i += most)
        for (int64_t p = 0; p < k; p += nk) {
            g.k = k - p < nk ? k - p : nk;
            g.add_up = p > 0 || beta != 0;
            s.rows = m - i < most ? m - i : most;
            s.x = a + i * g.row + p * g.col;
            const qn_panels_source from = {.b = b + (tb ? p : p * ldb),
                                           .ldb = ldb,
                                           .k = g.k,
                                           .n = n,
                                           .transposed = tb,
                                           .alpha = alpha};
            for (int64_t j = 0; j < qn_panels(n); j++) {
                pack_panel(&from, j, panel);
                s.width = n - j * QN_PANEL < QN_PANEL ? n - j * QN_PANEL : QN_PANEL;
                s.y = c + i * ldc + j * QN_PANEL;
                compute_strip(&g, &s);
            }
        }
}
