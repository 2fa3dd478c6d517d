/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/dw8c_ref.c - depthwise convolution on blocked tensors, one output at a
 * time, taps in their order. */
#include "kernels/kernels.h"

qn_dw8c_f32_fn qn_dw8c_f32_ref;

/* x: the input of the first tap; w: the channel's first weight. */
static float sum_taps(const qn_conv8c *c, const float *x, const float *w, float sum)
{
    for (int64_t ky = 0; ky < c->kernel[0]; ky++)
        for (int64_t kx = 0; kx < c->kernel[1]; kx++, w += QN_BLOCK8)
            sum += x[ky * c->dilation[0] * c->x.row + kx * c->dilation[1] * QN_BLOCK8] *
                   *w;
    return sum;
}

void qn_dw8c_f32_ref(const qn_conv8c *c, const qn_task8c *t)
{
    int64_t taps = c->kernel[0] * c->kernel[1];
    for (int64_t ch = t->c0 * QN_BLOCK8; ch < t->c1 * QN_BLOCK8; ch++) {
        int64_t block = ch / QN_BLOCK8, lane = ch % QN_BLOCK8;
        const float *x = c->x.data + t->image * c->x.image + block * c->x.plane + lane;
        const float *w = c->weight + block * taps * QN_BLOCK8 + lane;
        for (int64_t r = t->i0; r < t->i1; r++)
            for (int64_t i = 0; i < c->y.w; i++) {
                int64_t row = r * c->stride[0] - c->pad[0];
                int64_t col = i * c->stride[1] - c->pad[1];
                float sum = sum_taps(c, x + row * c->x.row + col * QN_BLOCK8, w,
                                     c->bias ? c->bias[ch] : 0);
                int64_t at = block * c->add.plane + r * c->add.row + i * c->y_step;
                if (c->add.data)
                    sum += c->add.data[t->image * c->add.image + at + lane];
                qn_act_f32(c->act.kind, c->act.alpha, c->act.beta, &sum, 1);
                at = block * c->y.plane + r * c->y.row + i * c->y_step + lane;
                c->y.data[t->image * c->y.image + at] = ch < c->y.c ? sum : 0;
            }
    }
}
