/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/pool8c.h - windows and means of blocked tensors, and the way back
 * through windows.  Outputs whose window lies inside go four at a time; at the edges a
 * window is cut to what exists. */
#include "kernels/tmpl/act8c.h"

qn_pool8c_f32_fn QN_V8_ROW(pool8c_f32);
qn_mean8c_f32_fn QN_V8_ROW(mean8c_f32);
qn_poolgrad8c_f32_fn QN_V8_ROW(poolgrad8c_f32);

/* Taps [from, to) of an output on axis d that lie in [low, high). */
typedef struct taps {
    int64_t from, to;
} taps;

static taps cut(const qn_pool8c *p, int d, int64_t out, int64_t low, int64_t high)
{
    int64_t start = out * p->stride[d] - p->pad[d], step = p->dilation[d];
    taps t = {start >= low ? 0 : (low - start + step - 1) / step,
              start >= high ? 0 : (high - start + step - 1) / step};
    if (t.to > p->kernel[d]) t.to = p->kernel[d];
    if (t.from > t.to) t.from = t.to;
    return t;
}

static int64_t count(const qn_pool8c *p, int d, int64_t out, int64_t size)
{
    int64_t pad = p->count_pad ? 1 : 0;
    taps t = cut(p, d, out, -pad * p->pad[d], size + pad * p->end[d]);
    return t.to - t.from;
}

/* n neighbouring outputs with the same taps; x: the input of tap 0, 0 of the first. */
static inline void pool_stretch(const qn_pool8c *p, const float *x, taps ky, taps kx,
                                float *y, const int n, const bool mean)
{
    int64_t step = p->stride[1] * 8;
    const qn_v8 none = qn_set8(mean ? 0 : -INFINITY);
    qn_v8 v[4] = {none, none, none, none};
    for (int64_t i = ky.from; i < ky.to; i++)
        for (int64_t j = kx.from; j < kx.to; j++) {
            const float *from =
                x + i * p->dilation[0] * p->x.row + j * p->dilation[1] * 8;
#pragma GCC unroll 4
            for (int e = 0; e < n; e++) {
                const qn_v8 in = qn_load8(from + e * step);
                v[e] = mean ? qn_add8(v[e], in) : qn_max_nan8(v[e], in);
            }
        }
#pragma GCC unroll 4
    for (int e = 0; e < n; e++)
        qn_store8(y + 8 * e, v[e]);
}

/* The same four or one at a time, to n outputs. */
static inline void pool_outputs(const qn_pool8c *p, const float *x, taps ky, taps kx,
                                float *y, int64_t n)
{
    int64_t i = 0, step = p->stride[1] * 8;
    for (; i + 4 <= n; i += 4)
        if (p->mean)
            pool_stretch(p, x + i * step, ky, kx, y + i * 8, 4, true);
        else
            pool_stretch(p, x + i * step, ky, kx, y + i * 8, 4, false);
    for (; i < n; i++)
        if (p->mean)
            pool_stretch(p, x + i * step, ky, kx, y + i * 8, 1, true);
        else
            pool_stretch(p, x + i * step, ky, kx, y + i * 8, 1, false);
}

/* The greatest of one column of taps, of which there are some. */
QN_FORCE_INLINE qn_v8 greatest(const float *x, int64_t step, int64_t n)
{
    qn_v8 v = qn_load8(x);
    for (int64_t i = 1; i < n; i++)
        v = qn_max_nan8(v, qn_load8(x + i * step));
    return v;
}

/* Windows of three columns: neighbours share one or two of them. */
QN_FORCE_INLINE void pool_threes(const float *x, int64_t step, int64_t rows, float *y,
                                 int64_t n, const int stride)
{
    qn_v8 a = greatest(x, step, rows);
    qn_v8 b = stride == 1 ? greatest(x + 8, step, rows) : qn_zero8();
    for (int64_t i = 0; i < n; i++, x += 8 * stride) {
        if (stride == 2) b = greatest(x + 8, step, rows);
        const qn_v8 c = greatest(x + 16, step, rows);
        qn_store8(y + 8 * i, qn_max_nan8(qn_max_nan8(a, b), c));
        a = stride == 2 ? c : b;
        b = c;
    }
}

/* n outputs of windows whose columns all lie inside. */
static void pool_inside(const qn_pool8c *p, const float *x, taps ky, float *y,
                        int64_t n)
{
    const int64_t rows = ky.to - ky.from, stride = p->stride[1];
    const int64_t step = p->dilation[0] * p->x.row;
    if (p->mean || p->kernel[1] != 3 || p->dilation[1] != 1 || stride > 2 || rows < 1) {
        pool_outputs(p, x, ky, (taps){0, p->kernel[1]}, y, n);
        return;
    }
    x += ky.from * step;
    if (rows == 3 && stride == 2)
        pool_threes(x, step, 3, y, n, 2);
    else if (rows == 3)
        pool_threes(x, step, 3, y, n, 1);
    else
        pool_threes(x, step, rows, y, n, (int)stride);
}

/* Divides a row of sums by the sizes of their windows. */
static void divide_row(const qn_pool8c *p, int64_t row, float *y)
{
    int64_t rows = count(p, 0, row, p->x.h);
    for (int64_t i = 0; i < p->y.w; i++) {
        qn_v8 n = qn_set8((float)(rows * count(p, 1, i, p->x.w)));
        qn_store8(y + 8 * i, qn_div8(qn_load8(y + 8 * i), n));
    }
}

static void pool_row(const qn_pool8c *p, const float *x, int64_t row, float *y)
{
    const taps ky = cut(p, 0, row, 0, p->x.h);
    x += (row * p->stride[0] - p->pad[0]) * p->x.row - p->pad[1] * 8;
    const int64_t step = p->stride[1] * 8;
    for (int64_t at = 0, n; at < p->y.w; at += n) {
        const taps kx = cut(p, 1, at, 0, p->x.w);
        if (kx.from > 0 || kx.to < p->kernel[1]) {
            n = 1;
            pool_outputs(p, x + at * step, ky, kx, y + at * 8, n);
            continue;
        }
        const int64_t reach = (p->kernel[1] - 1) * p->dilation[1] + 1;
        n = (p->x.w + p->pad[1] - reach) / p->stride[1] + 1 - at;
        n = n > p->y.w - at ? p->y.w - at : n;
        pool_inside(p, x + at * step, ky, y + at * 8, n);
    }
    if (p->mean) divide_row(p, row, y);
}

/* The greatest of windows of 2x2 side by side, all inside. */
static bool is_halving(const qn_pool8c *p)
{
    const int64_t in[2] = {p->x.h, p->x.w}, out[2] = {p->y.h, p->y.w};
    for (int d = 0; d < 2; d++)
        if (p->kernel[d] != 2 || p->stride[d] != 2 || p->dilation[d] != 1 ||
            p->pad[d] || 2 * out[d] > in[d])
            return false;
    return !p->mean;
}

static void halve_row(const qn_pool8c *p, const float *x, int64_t row, float *y)
{
    const float *top = x + 2 * row * p->x.row, *bottom = top + p->x.row;
    for (int64_t i = 0; i < p->y.w; i++, top += 16, bottom += 16) {
        const qn_v8 a = qn_max_nan8(qn_load8(top), qn_load8(top + 8));
        const qn_v8 b = qn_max_nan8(qn_load8(bottom), qn_load8(bottom + 8));
        qn_store8(y + 8 * i, qn_max_nan8(a, b));
    }
}

void QN_V8_ROW(pool8c_f32)(const qn_pool8c *p, const qn_task8c *t)
{
    const bool halves = is_halving(p);
    for (int64_t b = t->c0; b < t->c1; b++)
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x = p->x.data + t->image * p->x.image + b * p->x.plane;
            float *y =
                p->y.data + t->image * p->y.image + b * p->y.plane + r * p->y.row;
            if (halves)
                halve_row(p, x, r, y);
            else
                pool_row(p, x, r, y);
            if (b == p->y.c / 8) qn_tail8_run(p->y.c, y, p->y.w);
        }
}

/* Rows are summed apart, so that the error does not grow with the whole plane; but so
 * few pixels without halo as one. */
enum { ONE_ROW = 64 };

void QN_V8_ROW(mean8c_f32)(const qn_map8c *m, const qn_task8c *t)
{
    const qn_v8 n = qn_set8((float)(m->x.h * m->x.w));
    const bool one = m->x.row == 8 * m->x.w && m->x.h * m->x.w <= ONE_ROW;
    const int64_t h = one ? 1 : m->x.h, w = one ? m->x.h * m->x.w : m->x.w;
    for (int64_t b = t->c0; b < t->c1; b++) {
        const float *x = m->x.data + t->image * m->x.image + b * m->x.plane;
        qn_v8 total = qn_zero8();
        for (int64_t r = 0; r < h; r++, x += m->x.row) {
            qn_v8 s0 = qn_zero8(), s1 = s0, s2 = s0, s3 = s0;
            int64_t i = 0;
            for (; i + 4 <= w; i += 4) {
                s0 = qn_add8(s0, qn_load8(x + 8 * i));
                s1 = qn_add8(s1, qn_load8(x + 8 * i + 8));
                s2 = qn_add8(s2, qn_load8(x + 8 * i + 16));
                s3 = qn_add8(s3, qn_load8(x + 8 * i + 24));
            }
            for (; i < w; i++)
                s0 = qn_add8(s0, qn_load8(x + 8 * i));
            s0 = qn_add8(qn_add8(s0, s1), qn_add8(s2, s3));
            total = qn_add8(total, s0);
        }
        qn_store8(m->y.data + t->image * m->y.image + b * m->y.plane,
                  qn_div8(total, n));
    }
}

/* ---- the way back ---------------------------------------------------------------- */

/* One output: x and dx at tap 0, 0.  alone: no other window has these taps, so that
 * what stands in dx need not be read. */
static inline __attribute__((always_inline)) void
give(const qn_poolgrad8c *p, const float *x, float *dx, taps ky, taps kx, qn_v8 y,
     qn_v8 dy, const bool mean, const bool alone)
{
    for (int64_t i = ky.from; i < ky.to; i++)
        for (int64_t j = kx.from; j < kx.to; j++) {
            int64_t row = i * p->pool.dilation[0], at = 8 * j * p->pool.dilation[1];
            float *to = dx + row * p->dx.row + at;
            qn_v8 part = dy;
            if (!mean) {
                const qn_v8 v = qn_load8(x + row * p->pool.x.row + at);
                part = qn_if_ge8(v, y, dy, qn_zero8());
                dy = qn_if_ge8(v, y, qn_zero8(), dy); /* it is given away */
            }
            qn_store8(to, alone ? part : qn_add8(qn_load8(to), part));
        }
}

/* A row of outputs; x, dx: the first row of the plane. */
static void give_row(const qn_poolgrad8c *p, const float *x, float *dx, const float *y,
                     const float *dy, int64_t row, const bool alone)
{
    const qn_pool8c *q = &p->pool;
    const taps ky = cut(q, 0, row, 0, q->x.h);
    const int64_t rows = q->mean ? count(q, 0, row, q->x.h) : 1;
    const int64_t first = row * q->stride[0] - q->pad[0];
    for (int64_t i = 0; i < p->dy.w; i++) {
        const int64_t at = 8 * (i * q->stride[1] - q->pad[1]);
        const qn_v8 g = qn_load8(dy + 8 * i);
        float *to = dx + first * p->dx.row + at;
        if (q->mean) {
            const qn_v8 n = qn_set8((float)(rows * count(q, 1, i, q->x.w)));
            give(p, to, to, ky, cut(q, 1, i, 0, q->x.w), g, qn_div8(g, n), true, alone);
            continue;
        }
        const float *from = x + first * q->x.row + at;
        const qn_v8 top = qn_load8(y + 8 * i);
        give(p, from, to, ky, cut(q, 1, i, 0, q->x.w), top, g, false, alone);
    }
}

/* The same for windows of 2x2 side by side. */
static void give_quarters(const qn_poolgrad8c *p, const float *x, float *dx,
                          const float *y, const float *dy, int64_t row)
{
    const taps two = {0, 2};
    x += 2 * row * p->pool.x.row;
    dx += 2 * row * p->dx.row;
    for (int64_t i = 0; i < p->dy.w; i++)
        give(p, x + 16 * i, dx + 16 * i, two, two, qn_load8(y + 8 * i),
             qn_load8(dy + 8 * i), false, true);
}

/* Windows side by side that cover the image. */
static bool is_tiling(const qn_poolgrad8c *p)
{
    const qn_pool8c *q = &p->pool;
    const int64_t in[2] = {q->x.h, q->x.w}, out[2] = {p->dy.h, p->dy.w};
    for (int d = 0; d < 2; d++)
        if (q->kernel[d] != q->stride[d] || q->dilation[d] != 1 || q->pad[d] ||
            out[d] * q->kernel[d] != in[d])
            return false;
    return true;
}

void QN_V8_ROW(poolgrad8c_f32)(const qn_poolgrad8c *p, const qn_task8c *t)
{
    const qn_pool8c *q = &p->pool;
    const bool alone = is_tiling(p);
    for (int64_t b = t->c0; b < t->c1; b++) {
        const float *x =
            q->mean ? NULL : q->x.data + t->image * q->x.image + b * q->x.plane;
        const float *y =
            q->mean ? NULL : q->y.data + t->image * q->y.image + b * q->y.plane;
        const float *dy = p->dy.data + t->image * p->dy.image + b * p->dy.plane;
        float *dx = p->dx.data + t->image * p->dx.image + b * p->dx.plane;
        for (int64_t r = 0; r < p->dx.h && !alone; r++)
            for (int64_t i = 0; i < p->dx.w; i++)
                qn_store8(dx + r * p->dx.row + 8 * i, qn_zero8());
        for (int64_t r = 0; r < p->dy.h; r++, dy += p->dy.row) {
            if (alone && is_halving(q))
                give_quarters(p, x, dx, y, dy, r);
            else if (alone)
                give_row(p, x, dx, y, dy, r, true);
            else
                give_row(p, x, dx, y, dy, r, false);
            if (y) y += q->y.row;
        }
    }
}
