/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/gradw8c.c - what all instruction sets share: the order of the sums. */
#include "kernels/gradw8c.h"

static int64_t taps(const qn_gradw8c *g)
{
    return g->c.kernel[0] * g->c.kernel[1];
}

int64_t qn_gradw8c_n_rows(const qn_gradw8c *g)
{
    return g->c.x.c / g->c.groups * taps(g);
}

int64_t qn_gradw8c_size(const qn_gradw8c *g)
{
    return g->c.groups * qn_blocks8c(g->c.y.c / g->c.groups) * QN_BLOCK8 *
           qn_gradw8c_n_rows(g);
}

int64_t qn_gradw8c_scratch(const qn_gradw8c *g)
{
    return g->is_plain ? qn_stem8c_scratch(&g->c) : 0;
}

/* Rows come in blocks of channels that lie side by side, tap after tap. */
static int64_t lanes(const qn_gradw8c *g)
{
    return g->is_plain ? 1 : QN_BLOCK8;
}

/* Where a channel and tap read from. */
static int64_t place(const qn_gradw8c *g, int64_t channel, int64_t tap)
{
    const qn_conv8c *c = &g->c;
    const int64_t ky = tap / c->kernel[1] * c->dilation[0];
    const int64_t kx = tap % c->kernel[1] * c->dilation[1];
    if (g->is_plain) return (channel * qn_stem8c_rows(c) + ky) * qn_stem8c_row(c) + kx;
    return channel / QN_BLOCK8 * c->x.plane + (ky - c->pad[0]) * c->x.row +
           (kx - c->pad[1]) * QN_BLOCK8 + channel % QN_BLOCK8;
}

void qn_gradw8c_rows(const qn_gradw8c *g, int64_t *row)
{
    const int64_t ic = g->c.x.c / g->c.groups, step = lanes(g);
    for (int64_t b = 0; b < ic; b += step)
        for (int64_t tap = 0; tap < taps(g); tap++)
            for (int64_t i = b; i < ic && i < b + step; i++)
                *row++ = place(g, i, tap);
}

static void unpack_panel(const qn_gradw8c *g, const qn_panel8c *p, const float *sum,
                         float *dw)
{
    const int64_t oc = g->c.y.c / g->c.groups, ic = g->c.x.c / g->c.groups;
    const int64_t n_rows = qn_gradw8c_n_rows(g), step = lanes(g);
    const int64_t first = (p->block - p->group * qn_blocks8c(oc)) * QN_BLOCK8;
    const int64_t width = p->blocks * QN_BLOCK8;
    for (int64_t o = 0; o < width && first + o < oc; o++) {
        float *filter = dw + (p->group * oc + first + o) * n_rows;
        const float *from = sum + p->block * QN_BLOCK8 * n_rows + o;
        for (int64_t b = 0; b < ic; b += step)
            for (int64_t tap = 0; tap < taps(g); tap++)
                for (int64_t i = b; i < ic && i < b + step; i++, from += width)
                    filter[i * taps(g) + tap] = *from;
    }
}

void qn_gradw8c_unpack(const qn_gradw8c *g, int64_t begin, int64_t end,
                       const float *sum, float *dw)
{
    for (int64_t i = begin; i < end; i++) {
        const qn_panel8c p = qn_conv8c_panel(&g->c, i);
        unpack_panel(g, &p, sum, dw);
    }
}

int64_t qn_gradwino8c_scratch(const qn_gradw8c *g, int64_t panels)
{
    /* The last panel may have a third block. */
    const int64_t ic = qn_blocks8c(g->c.x.c), oc = 2 * panels + 1;
    const int64_t tiles = (ic + oc) * QN_GRADWINO8C_BLOCK + 4;
    return 36 * QN_BLOCK8 * (tiles + oc * g->c.x.c);
}

int64_t qn_dwgradw8c_size(const qn_gradw8c *g)
{
    return qn_blocks8c(g->c.x.c) * taps(g) * QN_BLOCK8;
}

void qn_dwgradw8c_unpack(const qn_gradw8c *g, int64_t begin, int64_t end,
                         const float *sum, float *dw)
{
    for (int64_t ch = begin * QN_BLOCK8; ch < end * QN_BLOCK8 && ch < g->c.x.c; ch++)
        for (int64_t tap = 0; tap < taps(g); tap++)
            dw[ch * taps(g) + tap] =
                sum[(ch / QN_BLOCK8 * taps(g) + tap) * QN_BLOCK8 + ch % QN_BLOCK8];
}
