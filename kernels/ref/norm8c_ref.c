/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/norm8c_ref.c - batch normalisation of blocked tensors and the way back,
 * and the way back through their windows, one element at a time. */
#include "kernels/elementwise.h"
#include "kernels/kernels.h"

#include <math.h>

qn_moments8c_f32_fn qn_moments8c_f32_ref;
qn_norm8c_f32_fn qn_norm8c_f32_ref;
qn_normsums8c_f32_fn qn_normsums8c_f32_ref;
qn_normgrad8c_f32_fn qn_normgrad8c_f32_ref;
qn_poolgrad8c_f32_fn qn_poolgrad8c_f32_ref;

/* Channel ch of an image. */
static float *channel(const qn_plane8c *p, int64_t image, int64_t ch)
{
    return p->data + image * p->image + ch / QN_BLOCK8 * p->plane + ch % QN_BLOCK8;
}

static float pixel(const float *channel, const qn_plane8c *p, int64_t row, int64_t col)
{
    return channel[row * p->row + col * QN_BLOCK8];
}

void qn_moments8c_f32_ref(const qn_norm8c *p, const qn_task8c *t)
{
    const double n = (double)(p->x.h * p->x.w);
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++) {
        const float *x = channel(&p->x, t->image, ch);
        double *to = qn_norm8c_sums(p, t->image, ch / QN_BLOCK8) + ch % QN_BLOCK8;
        double mean = 0, squares = 0;
        for (int64_t r = 0; r < p->x.h; r++)
            for (int64_t i = 0; i < p->x.w; i++)
                mean += (double)pixel(x, &p->x, r, i) / n;
        for (int64_t r = 0; r < p->x.h; r++)
            for (int64_t i = 0; i < p->x.w; i++) {
                double off = (double)pixel(x, &p->x, r, i) - mean;
                squares += off * off;
            }
        to[0] = mean;
        to[QN_BLOCK8] = squares;
    }
}

void qn_norm8c_f32_ref(const qn_norm8c *p, const qn_task8c *t)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++) {
        const float *x = channel(&p->x, t->image, ch);
        float *to = channel(&p->y, t->image, ch);
        for (int64_t r = t->i0; r < t->i1; r++)
            for (int64_t i = 0; i < p->y.w; i++) {
                float y = p->weight[ch] * pixel(x, &p->x, r, i) + p->bias[ch];
                qn_act_f32(p->act.kind, p->act.alpha, p->act.beta, &y, 1);
                to[r * p->y.row + i * QN_BLOCK8] = ch < p->y.c ? y : 0;
            }
    }
}

/* dy before the activation. */
static float through(const qn_norm8c *p, int64_t ch, float x, float dy)
{
    if (p->act.kind == QN_ACT_NONE) return dy;
    const bool silu = p->act.kind == QN_ACT_SILU;
    const double with[2] = {silu ? 1 : (double)p->act.alpha, (double)p->act.beta};
    enum qn_unary_op op = (enum qn_unary_op)qn_act_function(p->act.kind);
    float y = p->weight[ch] * x + p->bias[ch];
    if (qn_unary_grad_from_value(op))
        qn_act_f32(p->act.kind, p->act.alpha, p->act.beta, &y, 1);
    qn_unary_grad(op, QN_E_F32)(&dy, &y, &dy, 1, with);
    return dy;
}

void qn_normsums8c_f32_ref(const qn_norm8c *p, const qn_task8c *t)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++) {
        const float *x = channel(&p->x, t->image, ch);
        const float *dy = channel(&p->dy, t->image, ch);
        double *to = qn_norm8c_sums(p, t->image, ch / QN_BLOCK8) + ch % QN_BLOCK8;
        to[0] = to[QN_BLOCK8] = 0;
        for (int64_t r = 0; r < p->x.h; r++)
            for (int64_t i = 0; i < p->x.w; i++) {
                float v = pixel(x, &p->x, r, i);
                double g = (double)through(p, ch, v, pixel(dy, &p->dy, r, i));
                to[0] += g;
                to[QN_BLOCK8] += g * ((double)v - (double)p->mean[ch]);
            }
    }
}

void qn_normgrad8c_f32_ref(const qn_norm8c *p, const qn_task8c *t)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++) {
        const float *x = channel(&p->x, t->image, ch);
        const float *dy = channel(&p->dy, t->image, ch);
        float *dx = channel(&p->dx, t->image, ch);
        for (int64_t r = t->i0; r < t->i1; r++)
            for (int64_t i = 0; i < p->dx.w; i++) {
                float v = pixel(x, &p->x, r, i);
                float g = through(p, ch, v, pixel(dy, &p->dy, r, i));
                dx[r * p->dx.row + i * QN_BLOCK8] =
                    p->weight[ch] *
                    (g - p->shift[ch] - (v - p->mean[ch]) * p->slope[ch]);
            }
    }
}

/* ---- windows --------------------------------------------------------------------- */

/* The input at a tap of output o on axis d. */
static int64_t input_at(const qn_pool8c *q, int d, int64_t o, int64_t tap)
{
    return o * q->stride[d] + tap * q->dilation[d] - q->pad[d];
}

/* Taps that a mean divides by. */
static int64_t counted(const qn_pool8c *q, int d, int64_t o, int64_t size)
{
    int64_t n = 0, before = q->count_pad ? q->pad[d] : 0;
    int64_t behind = q->count_pad ? q->end[d] : 0;
    for (int64_t k = 0; k < q->kernel[d]; k++) {
        int64_t at = input_at(q, d, o, k);
        n += at >= -before && at < size + behind;
    }
    return n;
}

static void give(const qn_poolgrad8c *p, const qn_task8c *t, int64_t ch, int64_t row,
                 int64_t col)
{
    const qn_pool8c *q = &p->pool;
    const float dy = pixel(channel(&p->dy, t->image, ch), &p->dy, row, col);
    const float n =
        q->mean ? (float)(counted(q, 0, row, q->x.h) * counted(q, 1, col, q->x.w)) : 1;
    float *dx = channel(&p->dx, t->image, ch);
    for (int64_t ky = 0; ky < q->kernel[0]; ky++)
        for (int64_t kx = 0; kx < q->kernel[1]; kx++) {
            int64_t r = input_at(q, 0, row, ky), c = input_at(q, 1, col, kx);
            if (r < 0 || r >= q->x.h || c < 0 || c >= q->x.w) continue;
            if (!q->mean && !(pixel(channel(&q->x, t->image, ch), &q->x, r, c) >=
                              pixel(channel(&q->y, t->image, ch), &q->y, row, col)))
                continue;
            dx[r * p->dx.row + c * QN_BLOCK8] += dy / n;
            if (!q->mean) return;
        }
}

void qn_poolgrad8c_f32_ref(const qn_poolgrad8c *p, const qn_task8c *t)
{
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++) {
        float *dx = channel(&p->dx, t->image, ch);
        for (int64_t r = 0; r < p->dx.h; r++)
            for (int64_t i = 0; i < p->dx.w; i++)
                dx[r * p->dx.row + i * QN_BLOCK8] = 0;
        for (int64_t r = 0; r < p->dy.h; r++)
            for (int64_t i = 0; i < p->dy.w; i++)
                give(p, t, ch, r, i);
    }
}
