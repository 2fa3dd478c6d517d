/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/pool8c.h - windows and means of blocked tensors.  Outputs whose
 * window lies inside go four at a time; at the edges a window is cut to what exists. */
#include "kernels/tmpl/act8c.h"

qn_pool8c_f32_fn QN_V8_ROW(pool8c_f32);
qn_mean8c_f32_fn QN_V8_ROW(mean8c_f32);

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
    taps ky = cut(p, 0, row, 0, p->x.h), all = {0, p->kernel[1]};
    x += (row * p->stride[0] - p->pad[0]) * p->x.row - p->pad[1] * 8;
    int64_t step = p->stride[1] * 8, at = 0;
    while (at < p->y.w) {
        int64_t n = 0;
        taps kx = cut(p, 1, at, 0, p->x.w);
        if (kx.from == all.from && kx.to == all.to) {
            int64_t reach = (p->kernel[1] - 1) * p->dilation[1] + 1;
            n = (p->x.w + p->pad[1] - reach) / p->stride[1] + 1 - at;
        }
        n = n < 1 ? 1 : n > p->y.w - at ? p->y.w - at : n;
        pool_outputs(p, x + at * step, ky, kx, y + at * 8, n);
        at += n;
    }
    if (p->mean) divide_row(p, row, y);
}

void QN_V8_ROW(pool8c_f32)(const qn_pool8c *p, const qn_task8c *t)
{
    for (int64_t b = t->c0; b < t->c1; b++)
        for (int64_t r = t->i0; r < t->i1; r++) {
            float *y =
                p->y.data + t->image * p->y.image + b * p->y.plane + r * p->y.row;
            pool_row(p, p->x.data + t->image * p->x.image + b * p->x.plane, r, y);
            if (b == p->y.c / 8) qn_tail8_run(p->y.c, y, p->y.w);
        }
}

/* Rows are summed apart, so that the error does not grow with the whole plane. */
void QN_V8_ROW(mean8c_f32)(const qn_map8c *m, const qn_task8c *t)
{
    const qn_v8 n = qn_set8((float)(m->x.h * m->x.w));
    for (int64_t b = t->c0; b < t->c1; b++) {
        const float *x = m->x.data + t->image * m->x.image + b * m->x.plane;
        qn_v8 total = qn_zero8();
        for (int64_t r = 0; r < m->x.h; r++, x += m->x.row) {
            qn_v8 s0 = qn_zero8(), s1 = s0, s2 = s0, s3 = s0;
            int64_t i = 0;
            for (; i + 4 <= m->x.w; i += 4) {
                s0 = qn_add8(s0, qn_load8(x + 8 * i));
                s1 = qn_add8(s1, qn_load8(x + 8 * i + 8));
                s2 = qn_add8(s2, qn_load8(x + 8 * i + 16));
                s3 = qn_add8(s3, qn_load8(x + 8 * i + 24));
            }
            for (; i < m->x.w; i++)
                s0 = qn_add8(s0, qn_load8(x + 8 * i));
            s0 = qn_add8(qn_add8(s0, s1), qn_add8(s2, s3));
            total = qn_add8(total, s0);
        }
        qn_store8(m->y.data + t->image * m->y.image + b * m->y.plane,
                  qn_div8(total, n));
    }
}
