/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/norm8c.h - batch normalisation of blocked tensors and the way back.
 *
 * A plane is cut into stretches, some rows or a part of one, that stay in the
 * first-level cache: so moments can go over them twice, around a mean that is known by
 * then. */
#include "kernels/tmpl/actgrad8c.h"

qn_moments8c_f32_fn QN_V8_ROW(moments8c_f32);
qn_norm8c_f32_fn QN_V8_ROW(norm8c_f32);
qn_normsums8c_f32_fn QN_V8_ROW(normsums8c_f32);
qn_normgrad8c_f32_fn QN_V8_ROW(normgrad8c_f32);

/* Rows and columns of a plane as stretches see them; without halo it is one row. */
typedef struct cut {
    int64_t h, w;       /* of the plane */
    int64_t rows, cols; /* of a stretch, at most */
} cut;

static cut cut_of(const qn_plane8c *a, const qn_plane8c *b)
{
    const bool dense = a->row == 8 * a->w && b->row == 8 * b->w;
    cut c = {.h = dense ? 1 : a->h, .w = dense ? a->h * a->w : a->w};
    c.cols = c.w < QN_NORM8C_STRETCH ? c.w : QN_NORM8C_STRETCH;
    c.rows = c.cols > 0 ? QN_NORM8C_STRETCH / c.cols : 1;
    return c;
}

/* n rows from r on, m columns from k on; starts as zeros. */
typedef struct stretch {
    int64_t r, k, n, m;
} stretch;

static bool next_stretch(const cut *c, stretch *s)
{
    s->k += s->m;
    if (s->k >= c->w) {
        s->r += s->n;
        s->k = 0;
    }
    if (s->r >= c->h || c->w <= 0) return false;
    s->n = c->h - s->r < c->rows ? c->h - s->r : c->rows;
    s->m = c->w - s->k < c->cols ? c->w - s->k : c->cols;
    return true;
}

static inline const float *plane_of(const qn_plane8c *p, int64_t image, int64_t block)
{
    return p->data + image * p->image + block * p->plane;
}

/* ---- moments --------------------------------------------------------------------- */

/* The mean of the first of n rows of m pixels, or of an eighth of the only one: near
 * enough to that of all, from which it is off by at most sqrt(n) or 3 deviations. */
static qn_v8 sample(const float *x, int64_t n, int64_t m)
{
    const int64_t count = n > 1 ? m : (m + 7) / 8;
    qn_v8 s = qn_zero8();
    for (int64_t i = 0; i < count; i++)
        s = qn_add8(s, qn_load8(x + 8 * i));
    return qn_mul8(s, qn_set8(1 / (float)count));
}

typedef struct spread {
    float off[8], squares[8]; /* sums of x - pivot and of its square */
} spread;

static void spread_stretch(const float *x, int64_t row, int64_t n, int64_t m,
                           qn_v8 pivot, spread *to)
{
    qn_v8 s[4], q[4];
    for (int k = 0; k < 4; k++)
        s[k] = q[k] = qn_zero8();
    for (int64_t r = 0; r < n; r++, x += row) {
        int64_t i = 0;
        for (; i + 4 <= m; i += 4)
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                const qn_v8 a = qn_sub8(qn_load8(x + 8 * (i + k)), pivot);
                s[k] = qn_add8(s[k], a);
                q[k] = qn_fma8(a, a, q[k]);
            }
        for (; i < m; i++) {
            const qn_v8 a = qn_sub8(qn_load8(x + 8 * i), pivot);
            s[0] = qn_add8(s[0], a);
            q[0] = qn_fma8(a, a, q[0]);
        }
    }
    qn_store8(to->off, qn_add8(qn_add8(s[0], s[1]), qn_add8(s[2], s[3])));
    qn_store8(to->squares, qn_add8(qn_add8(q[0], q[1]), qn_add8(q[2], q[3])));
}

/* Joins `count` pixels with the `before` that sums [2][8] knows. */
static void join(double *sums, double before, double count, const float *pivot,
                 const spread *s)
{
    const double one = 1 / count, part = count / (before + count);
    for (int k = 0; k < 8; k++) {
        double rest = (double)s->off[k] * one; /* from there to the mean */
        double off = (double)pivot[k] + rest - sums[k];
        double squares = (double)s->squares[k] - rest * (double)s->off[k];
        sums[k] += off * part;
        sums[8 + k] += squares + off * off * before * part;
    }
}

void QN_V8_ROW(moments8c_f32)(const qn_norm8c *p, const qn_task8c *t)
{
    const cut c = cut_of(&p->x, &p->x);
    for (int64_t b = t->c0; b < t->c1; b++) {
        const float *x = plane_of(&p->x, t->image, b);
        double *sums = qn_norm8c_sums(p, t->image, b), before = 0;
        for (int k = 0; k < 16; k++)
            sums[k] = 0;
        for (stretch at = {0}; next_stretch(&c, &at);) {
            const float *from = x + at.r * p->x.row + 8 * at.k;
            double count = (double)(at.n * at.m);
            const qn_v8 v = sample(from, at.n, at.m);
            float pivot[8];
            spread s;
            qn_store8(pivot, v);
            spread_stretch(from, p->x.row, at.n, at.m, v, &s);
            join(sums, before, count, pivot, &s);
            before += count;
        }
    }
}

/* ---- forward --------------------------------------------------------------------- */

void QN_V8_ROW(norm8c_f32)(const qn_norm8c *p, const qn_task8c *t)
{
    const qn_bounds8 bounds = qn_bounds8_of(&p->act);
    for (int64_t b = t->c0; b < t->c1; b++) {
        const qn_v8 weight = qn_load8(p->weight + 8 * b),
                    bias = qn_load8(p->bias + 8 * b);
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x = plane_of(&p->x, t->image, b) + r * p->x.row;
            float *y =
                p->y.data + t->image * p->y.image + b * p->y.plane + r * p->y.row;
            for (int64_t i = 0; i < p->y.w; i++) {
                qn_v8 v = qn_fma8(weight, qn_load8(x + 8 * i), bias);
                qn_store8(y + 8 * i, qn_bound8(&bounds, v));
            }
            qn_finish8(&p->act, &p->y, b, y, p->y.w);
        }
    }
}

/* ---- the way back ---------------------------------------------------------------- */

/* The numbers of a block of channels. */
typedef struct channels {
    qn_v8 weight, bias, mean, a, b;
} channels;

static channels channels_of(const qn_norm8c *p, int64_t b)
{
    return (channels){qn_load8(p->weight + 8 * b), qn_load8(p->bias + 8 * b),
                      qn_load8(p->mean + 8 * b), qn_set8(p->act.alpha),
                      qn_set8(p->act.beta)};
}

/* g of a pixel */
QN_FORCE_INLINE qn_v8 through(const int kind, const channels *c, qn_v8 x, qn_v8 dy)
{
    if (kind == QN_ACT_NONE) return dy;
    return qn_act_grad8(kind, c->a, c->b, qn_fma8(c->weight, x, c->bias), dy);
}

/* What a stretch of two tensors is read by. */
typedef struct pair {
    const float *x, *dy;
    int64_t x_row, dy_row, n, m;
} pair;

QN_FORCE_INLINE void add_stretch(const int kind, const channels *c, pair p,
                                 double *sums)
{
    qn_v8 s0 = qn_zero8(), s1 = s0, q0 = s0, q1 = s0;
    for (int64_t r = 0; r < p.n; r++, p.x += p.x_row, p.dy += p.dy_row) {
        int64_t i = 0;
        for (; i + 2 <= p.m; i += 2) {
            qn_v8 x0 = qn_load8(p.x + 8 * i), x1 = qn_load8(p.x + 8 * i + 8);
            qn_v8 g0 = through(kind, c, x0, qn_load8(p.dy + 8 * i));
            qn_v8 g1 = through(kind, c, x1, qn_load8(p.dy + 8 * i + 8));
            s0 = qn_add8(s0, g0);
            s1 = qn_add8(s1, g1);
            q0 = qn_fma8(g0, qn_sub8(x0, c->mean), q0);
            q1 = qn_fma8(g1, qn_sub8(x1, c->mean), q1);
        }
        for (; i < p.m; i++) {
            qn_v8 x0 = qn_load8(p.x + 8 * i);
            qn_v8 g0 = through(kind, c, x0, qn_load8(p.dy + 8 * i));
            s0 = qn_add8(s0, g0);
            q0 = qn_fma8(g0, qn_sub8(x0, c->mean), q0);
        }
    }
    float part[16];
    qn_store8(part, qn_add8(s0, s1));
    qn_store8(part + 8, qn_add8(q0, q1));
    for (int k = 0; k < 16; k++)
        sums[k] += (double)part[k];
}

void QN_V8_ROW(normsums8c_f32)(const qn_norm8c *p, const qn_task8c *t)
{
    const cut c = cut_of(&p->x, &p->dy);
    for (int64_t b = t->c0; b < t->c1; b++) {
        const float *x = plane_of(&p->x, t->image, b);
        const float *dy = plane_of(&p->dy, t->image, b);
        const channels ch = channels_of(p, b);
        double *sums = qn_norm8c_sums(p, t->image, b);
        for (int k = 0; k < 16; k++)
            sums[k] = 0;
        for (stretch at = {0}; next_stretch(&c, &at);) {
            const pair s = {.x = x + at.r * p->x.row + 8 * at.k,
                            .dy = dy + at.r * p->dy.row + 8 * at.k,
                            .x_row = p->x.row,
                            .dy_row = p->dy.row,
                            .n = at.n,
                            .m = at.m};
#define ADD(kind) add_stretch(kind, &ch, s, sums)
            QN_SWITCH_ACT(p->act.kind, ADD)
#undef ADD
        }
    }
}

QN_FORCE_INLINE void back_row(const int kind, const qn_norm8c *p, int64_t b,
                              const float *x, const float *dy, float *dx)
{
    const channels c = channels_of(p, b);
    const qn_v8 shift = qn_load8(p->shift + 8 * b), slope = qn_load8(p->slope + 8 * b);
    for (int64_t i = 0; i < p->dx.w; i++) {
        qn_v8 v = qn_load8(x + 8 * i), g = through(kind, &c, v, qn_load8(dy + 8 * i));
        g = qn_fnma8(qn_sub8(v, c.mean), slope, qn_sub8(g, shift));
        qn_store8(dx + 8 * i, qn_mul8(c.weight, g));
    }
}

void QN_V8_ROW(normgrad8c_f32)(const qn_norm8c *p, const qn_task8c *t)
{
    for (int64_t b = t->c0; b < t->c1; b++)
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x = plane_of(&p->x, t->image, b) + r * p->x.row;
            const float *dy = plane_of(&p->dy, t->image, b) + r * p->dy.row;
            float *dx =
                p->dx.data + t->image * p->dx.image + b * p->dx.plane + r * p->dx.row;
#define BACK(kind) back_row(kind, p, b, x, dy, dx)
            QN_SWITCH_ACT(p->act.kind, BACK)
#undef BACK
        }
}
