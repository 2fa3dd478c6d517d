/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/map8c_ref.c - pooling, means, sums, scales, resizing and reordering of
 * blocked tensors, one element at a time. */
#include "kernels/kernels.h"

#include <math.h>

qn_pool8c_f32_fn qn_pool8c_f32_ref;
qn_mean8c_f32_fn qn_mean8c_f32_ref;
qn_add8c_f32_fn qn_add8c_f32_ref;
qn_scale8c_f32_fn qn_scale8c_f32_ref;
qn_weave8c_f32_fn qn_weave8c_f32_ref;
qn_resize8c_f32_fn qn_resize8c_f32_ref;
qn_to8c_f32_fn qn_to8c_f32_ref;
qn_from8c_f32_fn qn_from8c_f32_ref;

/* Channel ch of an image. */
static float *channel(const qn_plane8c *p, int64_t image, int64_t ch)
{
    return p->data + image * p->image + ch / QN_BLOCK8 * p->plane + ch % QN_BLOCK8;
}

/* Taps of output o that lie in [low, high). */
static int64_t count_taps(const qn_pool8c *p, int d, int64_t o, int64_t low,
                          int64_t high)
{
    int64_t n = 0;
    for (int64_t k = 0; k < p->kernel[d]; k++) {
        int64_t at = o * p->stride[d] + k * p->dilation[d] - p->pad[d];
        n += at >= low && at < high;
    }
    return n;
}

static float pool_window(const qn_pool8c *p, const float *x, int64_t row, int64_t col)
{
    float value = p->mean ? 0 : -INFINITY;
    for (int64_t ky = 0; ky < p->kernel[0]; ky++)
        for (int64_t kx = 0; kx < p->kernel[1]; kx++) {
            int64_t r = row * p->stride[0] + ky * p->dilation[0] - p->pad[0];
            int64_t c = col * p->stride[1] + kx * p->dilation[1] - p->pad[1];
            if (r < 0 || r >= p->x.h || c < 0 || c >= p->x.w) continue;
            float v = x[r * p->x.row + c * QN_BLOCK8];
            if (p->mean)
                value += v;
            else if (v > value || isnan(v))
                value = v;
        }
    if (!p->mean) return value;
    int64_t h = p->x.h, w = p->x.w, pad = p->count_pad ? 1 : 0;
    int64_t n = count_taps(p, 0, row, -pad * p->pad[0], h + pad * p->end[0]) *
                count_taps(p, 1, col, -pad * p->pad[1], w + pad * p->end[1]);
    return value / (float)n;
}

void qn_pool8c_f32_ref(const qn_pool8c *p, const qn_task8c *t)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++)
        for (int64_t r = t->i0; r < t->i1; r++)
            for (int64_t i = 0; i < p->y.w; i++)
                channel(&p->y, t->image, ch)[r * p->y.row + i * QN_BLOCK8] =
                    ch < p->y.c ? pool_window(p, channel(&p->x, t->image, ch), r, i)
                                : 0;
}

void qn_mean8c_f32_ref(const qn_map8c *m, const qn_task8c *t)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++) {
        const float *x = channel(&m->x, t->image, ch);
        double sum = 0;
        for (int64_t r = 0; r < m->x.h; r++)
            for (int64_t i = 0; i < m->x.w; i++)
                sum += (double)x[r * m->x.row + i * QN_BLOCK8];
        *channel(&m->y, t->image, ch) = (float)(sum / (double)(m->x.h * m->x.w));
    }
}

/* y = act(x + z) or act(x * z), z by strides; without z act(x). */
static void map(const qn_map8c *m, const qn_task8c *t, bool multiply, int64_t z_row,
                int64_t z_col)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++)
        for (int64_t r = t->i0; r < t->i1; r++)
            for (int64_t i = 0; i < m->y.w; i++) {
                float v = channel(&m->x, t->image, ch)[r * m->x.row + i * QN_BLOCK8];
                if (m->z.data) {
                    float z = channel(&m->z, t->image, ch)[r * z_row + i * z_col];
                    v = multiply ? v * z : v + z;
                }
                qn_act_f32(m->act.kind, m->act.alpha, m->act.beta, &v, 1);
                channel(&m->y, t->image, ch)[r * m->y.row + i * QN_BLOCK8] =
                    ch < m->y.c ? v : 0;
            }
}

void qn_add8c_f32_ref(const qn_map8c *m, const qn_task8c *t)
{
    map(m, t, false, m->z.row, QN_BLOCK8);
}

void qn_scale8c_f32_ref(const qn_map8c *m, const qn_task8c *t)
{
    map(m, t, true, 0, 0);
}

static float mix(float a, float b, float part)
{
    return a + part * (b - a);
}

static float resize_at(const qn_resize8c *r, const float *x, int64_t row, int64_t col)
{
    const float *top = x + r->row0[row] * r->x.row;
    int64_t left = r->col0[col] * QN_BLOCK8;
    if (!r->row_mix) return top[left];
    const float *bottom = x + r->row1[row] * r->x.row;
    int64_t right = r->col1[col] * QN_BLOCK8;
    float part = r->col_mix[col];
    return mix(mix(top[left], top[right], part), mix(bottom[left], bottom[right], part),
               r->row_mix[row]);
}

void qn_weave8c_f32_ref(const qn_weave8c *w, const qn_task8c *t)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++)
        for (int64_t r = t->i0; r < t->i1; r++)
            for (int64_t i = 0; i < w->y.w; i++) {
                const int64_t from = w->first + ch;
                const qn_plane8c *x = from % 2 ? &w->z : &w->x;
                channel(&w->y, t->image, ch)[r * w->y.row + i * QN_BLOCK8] =
                    ch < w->y.c
                        ? channel(x, t->image, from / 2)[r * x->row + i * QN_BLOCK8]
                        : 0;
            }
}

void qn_resize8c_f32_ref(const qn_resize8c *r, const qn_task8c *t)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++)
        for (int64_t i = t->i0; i < t->i1; i++)
            for (int64_t j = 0; j < r->y.w; j++)
                channel(&r->y, t->image, ch)[i * r->y.row + j * QN_BLOCK8] =
                    resize_at(r, channel(&r->x, t->image, ch), i, j);
}

void qn_to8c_f32_ref(const qn_map8c *m, const qn_task8c *t)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++)
        for (int64_t r = t->i0; r < t->i1; r++)
            for (int64_t i = 0; i < m->y.w; i++)
                channel(&m->y, t->image, ch)[r * m->y.row + i * QN_BLOCK8] =
                    ch < m->x.c ? m->x.data[t->image * m->x.image + ch * m->x.plane +
                                            r * m->x.row + i]
                                : 0;
}

void qn_from8c_f32_ref(const qn_map8c *m, const qn_task8c *t)
{
    int64_t end = t->c1 * QN_BLOCK8 < m->y.c ? t->c1 * QN_BLOCK8 : m->y.c;
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < end; ch++)
        for (int64_t r = t->i0; r < t->i1; r++)
            for (int64_t i = 0; i < m->y.w; i++)
                m->y.data[t->image * m->y.image + ch * m->y.plane + r * m->y.row + i] =
                    channel(&m->x, t->image, ch)[r * m->x.row + i * QN_BLOCK8];
}
