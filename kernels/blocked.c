/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/blocked.c - what all instruction sets share: strides of blocked tensors and
 * the order of weights. */
#include "kernels/blocked.h"

#include <math.h>
#include <string.h>

void qn_plane8c_shape(qn_plane8c *p, int64_t c, int64_t h, int64_t w, int64_t halo,
                      int64_t *origin)
{
    p->c = c, p->h = h, p->w = w;
    p->row = (w + halo) * QN_BLOCK8;
    p->plane = (h + 2 * halo) * p->row + halo * QN_BLOCK8;
    /* Planes a large power of two apart would share a few lines of the cache. */
    if (p->plane % 256 == 0) p->plane += 16;
    p->image = qn_blocks8c(c) * p->plane;
    *origin = halo * p->row + halo * QN_BLOCK8;
}

/* n floats, whole pixels: few of them are not worth a call. */
static void clear(float *p, int64_t n)
{
    if (n > 8 * QN_BLOCK8)
        memset(p, 0, (size_t)n * sizeof *p);
    else
        for (int64_t i = 0; i < n; i += QN_BLOCK8)
            memset(p + i, 0, QN_BLOCK8 * sizeof *p);
}

void qn_plane8c_clear_halo(const qn_plane8c *p, int64_t origin, int64_t i)
{
    for (int64_t b = 0; b < qn_blocks8c(p->c); b++) {
        float *plane = p->data - origin + i * p->image + b * p->plane;
        int64_t at = 0;
        for (int64_t r = 0; r < p->h; r++) {
            int64_t row = origin + r * p->row;
            clear(plane + at, row - at);
            at = row + p->w * QN_BLOCK8;
        }
        clear(plane + at, p->plane - at);
    }
}

static int64_t taps(const qn_conv8c *c)
{
    return c->kernel[0] * c->kernel[1];
}

static int64_t group_blocks(const qn_conv8c *c)
{
    return qn_blocks8c(c->y.c / c->groups);
}

int64_t qn_conv8c_panels(const qn_conv8c *c)
{
    return c->groups * qn_panels8c(group_blocks(c));
}

qn_panel8c qn_conv8c_panel(const qn_conv8c *c, int64_t panel)
{
    int64_t blocks = group_blocks(c), n = qn_panels8c(blocks), p = panel % n;
    int64_t group = panel / n;
    return (qn_panel8c){.group = group,
                        .block = group * blocks + 2 * p,
                        .blocks = p + 1 < n ? 2 : blocks - 2 * p};
}

static qn_filters8c filters_of(const qn_conv8c *c)
{
    int64_t ic = c->x.c / c->groups * taps(c);
    if (c->filters.oc) return c->filters;
    return (qn_filters8c){.group = c->y.c / c->groups * ic,
                          .oc = ic,
                          .ic = taps(c),
                          .tap = {c->kernel[1], 1}};
}

/* Weights lie in a mapped file, which promises no alignment. */
static float weight_at(const float *w, int64_t i)
{
    float value;
    memcpy(&value, (const char *)w + i * (int64_t)sizeof value, sizeof value);
    return value;
}

/* The weights of one tap and input channel of a panel, which has `real` channels; NULL:
 * zeros. */
static float *pack_row(const float *w, int64_t step, int64_t real, int64_t width,
                       float *packed)
{
    for (int64_t o = 0; o < width; o++)
        packed[o] = w && o < real ? weight_at(w, o * step) : 0;
    return packed + width;
}

/* Input channels in blocks of `lanes`, which are the last dim of a panel but one. */
static void pack_panels(const qn_conv8c *c, int64_t lanes, const float *w,
                        float *packed)
{
    const qn_filters8c f = filters_of(c);
    int64_t oc = c->y.c / c->groups, ic = c->x.c / c->groups;
    for (int64_t i = 0; i < qn_conv8c_panels(c); i++) {
        qn_panel8c p = qn_conv8c_panel(c, i);
        int64_t first =
            (p.block - p.group * group_blocks(c)) * QN_BLOCK8; /* of group */
        int64_t width = p.blocks * QN_BLOCK8;
        int64_t real = oc - first < width ? oc - first : width;
        const float *from = w + p.group * f.group + first * f.oc;
        for (int64_t b = 0; b < ic; b += lanes)
            for (int64_t tap = 0; tap < taps(c); tap++) {
                const float *at = from + tap / c->kernel[1] * f.tap[0] +
                                  tap % c->kernel[1] * f.tap[1];
                for (int64_t k = b; k < b + lanes; k++)
                    packed = pack_row(k < ic ? at + k * f.ic : NULL, f.oc, real, width,
                                      packed);
            }
    }
}

/* ---- slot conv8c ----------------------------------------------------------------- */

int64_t qn_conv8c_n_segments(const qn_conv8c *c)
{
    return qn_blocks8c(c->x.c / c->groups) * taps(c);
}

void qn_conv8c_segments(const qn_conv8c *c, int64_t *segment)
{
    for (int64_t b = 0; b < qn_blocks8c(c->x.c / c->groups); b++)
        for (int64_t ky = 0; ky < c->kernel[0]; ky++)
            for (int64_t kx = 0; kx < c->kernel[1]; kx++)
                *segment++ = b * c->x.plane +
                             (ky * c->dilation[0] - c->pad[0]) * c->x.row +
                             (kx * c->dilation[1] - c->pad[1]) * QN_BLOCK8;
}

int64_t qn_conv8c_weight_size(const qn_conv8c *c)
{
    return c->groups * group_blocks(c) * QN_BLOCK8 * qn_conv8c_n_segments(c) *
           QN_BLOCK8;
}

void qn_conv8c_pack(const qn_conv8c *c, const float *w, float *packed)
{
    pack_panels(c, QN_BLOCK8, w, packed);
}

/* ---- slot stem8c ----------------------------------------------------------------- */

/* A padded row of the scratch, and how many output rows a band of it serves. */
int64_t qn_stem8c_row(const qn_conv8c *c)
{
    return (c->y.w - 1) * c->stride[1] + (c->kernel[1] - 1) * c->dilation[1] + 1;
}

int64_t qn_stem8c_band(const qn_conv8c *c)
{
    int64_t fit = 16384 / (qn_stem8c_row(c) * c->x.c);
    int64_t rows = (fit - (c->kernel[0] - 1) * c->dilation[0] - 1) / c->stride[0] + 1;
    return rows < 1 ? 1 : rows < c->y.h ? rows : c->y.h;
}

int64_t qn_stem8c_rows(const qn_conv8c *c)
{
    return (qn_stem8c_band(c) - 1) * c->stride[0] +
           (c->kernel[0] - 1) * c->dilation[0] + 1;
}

int64_t qn_stem8c_scratch(const qn_conv8c *c)
{
    return c->x.c * qn_stem8c_rows(c) * qn_stem8c_row(c);
}

/* A segment is a row of taps, or one tap if they are dilated. */
int64_t qn_stem8c_segment_size(const qn_conv8c *c)
{
    return c->dilation[1] == 1 ? c->kernel[1] : 1;
}

int64_t qn_stem8c_n_segments(const qn_conv8c *c)
{
    return c->x.c * taps(c) / qn_stem8c_segment_size(c);
}

void qn_stem8c_segments(const qn_conv8c *c, int64_t *segment)
{
    int64_t row = qn_stem8c_row(c), step = qn_stem8c_segment_size(c);
    for (int64_t ic = 0; ic < c->x.c; ic++)
        for (int64_t ky = 0; ky < c->kernel[0]; ky++)
            for (int64_t kx = 0; kx < c->kernel[1]; kx += step)
                *segment++ = (ic * qn_stem8c_rows(c) + ky * c->dilation[0]) * row +
                             kx * c->dilation[1];
}

int64_t qn_stem8c_weight_size(const qn_conv8c *c)
{
    return group_blocks(c) * QN_BLOCK8 * c->x.c * taps(c);
}

void qn_stem8c_pack(const qn_conv8c *c, const float *w, float *packed)
{
    pack_panels(c, 1, w, packed);
}

enum { AHEAD = 3, LINE = 16 }; /* rows; floats */

static void fetch_row(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i += LINE)
        __builtin_prefetch(x + i);
}

/* Rows [row, row + qn_stem8c_rows) of the padded image, counted from its top. */
void qn_stem8c_fill(const qn_conv8c *c, const float *image, int64_t row, float *to)
{
    int64_t width = qn_stem8c_row(c), rows = qn_stem8c_rows(c);
    int64_t left = c->pad[1] < width ? c->pad[1] : width;
    int64_t n = width - left < c->x.w ? width - left : c->x.w;
    for (int64_t ic = 0; ic < c->x.c; ic++)
        for (int64_t r = 0; r < rows; r++, to += width) {
            int64_t from = row + r - c->pad[0];
            if (from < 0 || from >= c->x.h) {
                memset(to, 0, (size_t)width * sizeof *to);
                continue;
            }
            const float *x = image + ic * c->x.plane + from * c->x.row;
            if (from + AHEAD < c->x.h) fetch_row(x + AHEAD * c->x.row, n);
            memset(to, 0, (size_t)left * sizeof *to);
            memcpy(to + left, x, (size_t)n * sizeof *to);
            memset(to + left + n, 0, (size_t)(width - left - n) * sizeof *to);
        }
}

/* ---- slot wino8c ----------------------------------------------------------------- */

int64_t qn_wino8c_tiles(const qn_conv8c *c, int64_t images)
{
    return images * ((c->y.h + c->tile - 1) / c->tile) *
           ((c->y.w + c->tile - 1) / c->tile);
}

int64_t qn_wino8c_side(const qn_conv8c *c)
{
    return c->twice ? 5 : c->stride[0] == 2 ? 3 : c->tile + 2;
}

int64_t qn_wino8c_inputs(const qn_conv8c *c)
{
    return c->twice ? 16 : c->stride[0] == 2 ? 25 : (c->tile + 2) * (c->tile + 2);
}

int64_t qn_wino8c_filters(const qn_conv8c *c)
{
    return c->stride[0] == 2 ? 16 : qn_wino8c_side(c) * qn_wino8c_side(c);
}

/* What a sum along one axis adds up. */
typedef struct axis_terms {
    int n, input[2], filter[2];
} axis_terms;

static axis_terms axis_terms_of(const qn_conv8c *c, int i)
{
    static const axis_terms strided[3] = {
        {2, {0, 1}, {0, 1}}, {1, {2}, {2}}, {2, {3, 4}, {1, 3}}};
    static const int twice[5] = {0, 1, 2, 2, 3};
    return c->stride[0] == 2 ? strided[i]
                             : (axis_terms){1, {c->twice ? twice[i] : i}, {i}};
}

qn_wino8c_terms qn_wino8c_terms_of(const qn_conv8c *c, int e)
{
    const bool is_strided = c->stride[0] == 2;
    const int side = (int)qn_wino8c_side(c), filters = is_strided ? 4 : side;
    const int inputs = is_strided ? 5 : c->twice ? 4 : side;
    const axis_terms down = axis_terms_of(c, e / side);
    const axis_terms across = axis_terms_of(c, e % side);
    qn_wino8c_terms t = {.n = 0};
    for (int i = 0; i < down.n; i++)
        for (int j = 0; j < across.n; j++, t.n++) {
            t.input[t.n] = down.input[i] * inputs + across.input[j];
            t.filter[t.n] = down.filter[i] * filters + across.filter[j];
        }
    return t;
}

/* Few tiles keep the transformed input in the second-level cache; many make a panel of
 * weights worth its way from beyond that.  Measured: 12 .. 36 are alike up to 256
 * channels, from 512 on it takes 36 or more. */
int64_t qn_wino8c_block(const qn_conv8c *c)
{
    int64_t size = c->x.c <= 256 ? 24 : 48;
    return c->tile == 4 || c->stride[0] == 2 ? size : 2 * size;
}

/* Points of the transformed input lie this far apart: not by a power of two. */
int64_t qn_wino8c_point(const qn_conv8c *c)
{
    return (qn_blocks8c(c->x.c) * qn_wino8c_block(c) + 2) * QN_BLOCK8;
}

int64_t qn_wino8c_scratch(const qn_conv8c *c)
{
    const int64_t side = qn_wino8c_side(c);
    return qn_wino8c_inputs(c) * qn_wino8c_point(c) +
           side * side * 3 * QN_BLOCK8 * qn_wino8c_block(c);
}

int64_t qn_wino8c_weight_size(const qn_conv8c *c)
{
    return qn_wino8c_filters(c) * qn_blocks8c(c->x.c) * qn_blocks8c(c->y.c) *
           QN_BLOCK8 * QN_BLOCK8;
}

#define MAX_PANEL (3 * QN_BLOCK8) /* channels of the widest panel */

/* The taps of the filters of one input channel to the output channels of a panel, side
 * by side; zeros where there is no channel. */
static void gather_filters(const qn_filters8c *at, const float *w, int64_t lanes,
                           int64_t width, double f[9][MAX_PANEL])
{
    for (int tap = 0; tap < 9; tap++)
        for (int64_t l = 0; l < width; l++)
            f[tap][l] = l < lanes
                            ? (double)weight_at(w, l * at->oc + tap / 3 * at->tap[0] +
                                                       tap % 3 * at->tap[1])
                            : 0;
}

/* Forms of a transformed filter, as many as it has values an axis; of stride 2 as well
 * four. */
enum { FORM_STRIDED = 3, FORM_2 = 4, FORM_TWICE = 5, FORM_4 = 6 };

/* G f: the filter's polynomial at the points 0, +-sqrt(1/2), +-sqrt(2), inf (tile 4) or
 * 0, +-1, inf (tile 2), over the product of their distances; or the factors of twice
 * and of stride 2. */
static int filter_at_points(int form, const double *f0, const double *f1,
                            const double *f2, int64_t width, double to[6][MAX_PANEL])
{
    const int side = form == FORM_STRIDED ? 4 : form;
    const double a = sqrt(.5), b = sqrt(2);
    memcpy(to[0], f0, (size_t)width * sizeof *f0);
    memcpy(to[side - 1], f2, (size_t)width * sizeof *f2);
    for (int64_t l = 0; form == FORM_STRIDED && l < width; l++) {
        to[1][l] = f1[l];
        to[2][l] = f0[l] + f2[l];
    }
    for (int64_t l = 0; form == FORM_TWICE && l < width; l++) {
        const double half = .5 * (f0[l] + f1[l] + f2[l]);
        to[1][l] = half;
        to[2][l] = f2[l] - half;
        to[3][l] = half - f0[l];
    }
    for (int64_t l = 0; form == FORM_2 && l < width; l++) {
        to[1][l] = .5 * (f0[l] + f2[l] + f1[l]);
        to[2][l] = .5 * (f0[l] + f2[l] - f1[l]);
    }
    for (int64_t l = 0; form == FORM_4 && l < width; l++) {
        const double near = f0[l] + .5 * f2[l], far = f0[l] + 2 * f2[l];
        to[1][l] = (-2 / 3.) * (near + a * f1[l]);
        to[2][l] = (-2 / 3.) * (near - a * f1[l]);
        to[3][l] = (1 / 6.) * (far + b * f1[l]);
        to[4][l] = (1 / 6.) * (far - b * f1[l]);
    }
    return side;
}

/* u = G f G': u[point * step + lane]. */
static void transform_filters(int form, double f[9][MAX_PANEL], int64_t width, float *u,
                              int64_t step)
{
    double column[3][6][MAX_PANEL], row[6][MAX_PANEL];
    int n = 0;
    for (int b = 0; b < 3; b++)
        n = filter_at_points(form, f[b], f[3 + b], f[6 + b], width, column[b]);
    for (int i = 0; i < n; i++) {
        filter_at_points(form, column[0][i], column[1][i], column[2][i], width, row);
        for (int j = 0; j < n; j++, u += step)
            for (int64_t l = 0; l < width; l++)
                u[l] = (float)row[j][l];
    }
}

void qn_wino8c_pack(const qn_conv8c *c, const float *w, float *packed)
{
    double f[9][MAX_PANEL];
    const qn_filters8c at = filters_of(c);
    const int form = (int)qn_wino8c_side(c);
    int64_t n_k = qn_blocks8c(c->x.c) * QN_BLOCK8;
    for (int64_t i = 0; i < qn_conv8c_panels(c); i++) {
        qn_panel8c p = qn_conv8c_panel(c, i);
        int64_t oc = p.block * QN_BLOCK8, width = p.blocks * QN_BLOCK8;
        int64_t lanes = c->y.c - oc < width ? c->y.c - oc : width;
        float *to = packed + oc * n_k * qn_wino8c_filters(c);
        for (int64_t ic = 0; ic < n_k; ic++) {
            bool real = ic < c->x.c;
            gather_filters(&at, real ? w + oc * at.oc + ic * at.ic : w,
                           real ? lanes : 0, width, f);
            transform_filters(form, f, width, to + ic * width, n_k * width);
        }
    }
}

/* ---- slot dw8c ------------------------------------------------------------------- */

int64_t qn_dw8c_weight_size(const qn_conv8c *c)
{
    return qn_blocks8c(c->x.c) * taps(c) * QN_BLOCK8;
}

void qn_dw8c_pack(const qn_conv8c *c, const float *w, float *packed)
{
    const qn_filters8c f = filters_of(c);
    for (int64_t b = 0; b < c->x.c; b += QN_BLOCK8)
        for (int64_t tap = 0; tap < taps(c); tap++) {
            const float *at = w + b * f.group + tap / c->kernel[1] * f.tap[0] +
                              tap % c->kernel[1] * f.tap[1];
            packed = pack_row(at, f.group, c->x.c - b, QN_BLOCK8, packed);
        }
}
