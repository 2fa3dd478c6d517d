/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_pictures.c - a segmentation to look at, as PNG: outlines or coloured
 * cells on the picture, the flow as colours, the probability as grays.
 *
 * The flow is drawn like Cellpose's dx_to_circ: its angle as a colour of three shifted
 * cosines, its length, between the percentiles 1 and 99, as brightness. */
#include "formats/cells_out.h"
#include "formats/png_write.h"

#include <math.h>
#include <string.h>

/* Hues of the golden ratio's multiples lie far apart for labels that follow each other
 * (Knuth's multiplicative hash); three saturations tell more of them apart. */
void qn_label_colour(uint32_t label, uint8_t rgb[3])
{
    static const uint8_t floors[3] = {50, 100, 140};
    const uint32_t hash = label * 2654435769u;
    const uint32_t hue = (hash >> 16) * 6, part = hue & 0xffff;
    const uint32_t least = floors[label % 3], up = least + (part * (255 - least) >> 16);
    const uint8_t lo = (uint8_t)least, rise = (uint8_t)up,
                  fall = (uint8_t)(255 + least - up);
    const uint8_t colours[6][3] = {{255, rise, lo}, {fall, 255, lo}, {lo, 255, rise},
                                   {lo, fall, 255}, {rise, lo, 255}, {255, lo, fall}};
    memcpy(rgb, colours[hue >> 16], 3);
}

/* ---- pictures in colour ---- */

static quern_status check_view(const qn_cells_out *c, quern_error *err)
{
    const qn_image *view = c->picture;
    if (!view || (view->width == c->seg->width && view->height == c->seg->height))
        return QUERN_OK;
    return qn_fail(err, QUERN_DATA,
                   "a view of %d x %d pixels of a picture of %lld x %lld", view->width,
                   view->height, (long long)c->seg->width, (long long)c->seg->height);
}

/* Row y of the view, RGB. */
static void view_row(const qn_cells_out *c, int64_t y, uint8_t *rgb)
{
    const size_t n = 3 * (size_t)c->seg->width;
    if (!c->picture) {
        memset(rgb, 0, n);
        return;
    }
    const int channels = c->picture->channels;
    const uint8_t *from = c->picture->pixels + y * c->seg->width * channels;
    if (channels == 3)
        memcpy(rgb, from, n);
    else
        for (size_t i = 0; i < n; i += 3)
            rgb[i] = rgb[i + 1] = rgb[i + 2] = from[i / 3];
}

static quern_status put_png(const qn_cells_out *c, int channels, int bits,
                            const void *pixels, qn_buf *out, quern_error *err)
{
    const qn_png png = {(uint32_t)c->seg->width, (uint32_t)c->seg->height, channels,
                        bits, pixels};
    return qn_png_write(out, &png, err);
}

/* A pixel of a cell beside one of another, of none or of the outside. */
static bool is_outline(const qn_labels *l, int64_t x, int64_t y)
{
    const uint32_t *at = l->at + y * l->width + x;
    if (x == 0 || y == 0 || x == l->width - 1 || y == l->height - 1) return true;
    return at[-1] != *at || at[1] != *at || at[-l->width] != *at || at[l->width] != *at;
}

static void colour_of(const qn_cells_out *c, uint32_t label, uint8_t rgb[3])
{
    if (c->outline_rgb < 0) {
        qn_label_colour(label, rgb);
        return;
    }
    rgb[0] = (uint8_t)(c->outline_rgb >> 16);
    rgb[1] = (uint8_t)(c->outline_rgb >> 8);
    rgb[2] = (uint8_t)c->outline_rgb;
}

typedef void draw_fn(const qn_cells_out *c, const qn_labels *labels, int64_t y,
                     uint8_t *rgb);

static void draw_outlines(const qn_cells_out *c, const qn_labels *labels, int64_t y,
                          uint8_t *rgb)
{
    const uint32_t *row = labels->at + y * labels->width;
    for (int64_t x = 0; x < labels->width; x++)
        if (row[x] && is_outline(labels, x, y)) colour_of(c, row[x], rgb + 3 * x);
}

/* Half the picture, half the label's colour. */
static void tint_cells(const qn_cells_out *c, const qn_labels *labels, int64_t y,
                       uint8_t *rgb)
{
    const uint32_t *row = labels->at + y * labels->width;
    (void)c;
    for (int64_t x = 0; x < labels->width; x++) {
        uint8_t colour[3];
        if (row[x] == 0) continue;
        qn_label_colour(row[x], colour);
        for (int k = 0; k < 3; k++)
            rgb[3 * x + k] = (uint8_t)((rgb[3 * x + k] + colour[k] + 1) / 2);
    }
}

typedef struct drawing {
    const qn_cells_out *c;
    qn_labels labels;
    draw_fn *draw;
} drawing;

static void drawn_row(void *ctx, uint32_t y, void *rgb)
{
    const drawing *d = ctx;
    const size_t width = (size_t)d->labels.width;
    view_row(d->c, y, rgb);
    d->draw(d->c, &d->labels, y, rgb);
    qn_mem_passed(d->c->mem, width * (3 + sizeof *d->labels.at));
}

static quern_status drawn(const qn_cells_out *c, draw_fn *draw, qn_buf *out,
                          quern_error *err)
{
    const qn_png png = {(uint32_t)c->seg->width, (uint32_t)c->seg->height, 3, 8, NULL};
    drawing d = {c, qn_segmented_labels(c->seg, c->z), draw};
    QN_TRY(check_view(c, err));
    return qn_png_write_rows(out, &png, drawn_row, &d, err);
}

quern_status qn_cells_outlined(const qn_cells_out *c, int step, qn_arena *arena,
                               qn_image *out, quern_error *err)
{
    const int64_t height = (c->seg->height - 1) / step + 1;
    const int64_t width = (c->seg->width - 1) / step + 1;
    const size_t row_bytes = 3 * (size_t)c->seg->width;
    drawing d = {c, qn_segmented_labels(c->seg, c->z), draw_outlines};
    void *rgb, *room;
    QN_TRY(check_view(c, err));
    QN_TRY(qn_arena_raw(arena, 3 * (size_t)(height * width), &rgb, err));
    QN_TRY(qn_arena_raw(arena, row_bytes, &room, err));
    uint8_t *to = rgb;
    for (int64_t y = 0; y < height; y++) {
        drawn_row(&d, (uint32_t)(y * step), room);
        for (int64_t x = 0; x < width; x++, to += 3)
            memcpy(to, (uint8_t *)room + 3 * x * step, 3);
    }
    *out = (qn_image){(int)width, (int)height, 3, rgb};
    return QUERN_OK;
}

quern_status qn_cells_outlines_png(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    return drawn(c, draw_outlines, out, err);
}

quern_status qn_cells_overlay_png(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    return drawn(c, tint_cells, out, err);
}

/* ---- the flow ---- */

static float finite_or_0(float v)
{
    return isfinite(v) ? v : 0;
}

static uint8_t byte_of(double v)
{
    return (uint8_t)fmax(0, fmin(255, v));
}

/* flow: [2][n]; length: [n], those of the vectors, is overwritten.  With the angle a =
 * atan2(dx, dy) + pi, of which nothing but cosine and sine are needed. */
static void draw_flow(const float *flow, float *length, int64_t n, uint8_t *rgb)
{
    static const double cosines[] = {1, -0.5, -0.5};
    static const double sines[] = {0, 0.86602540378443865, -0.86602540378443865};
    const float lo = qn_percentile_float(length, n, 1),
                hi = qn_percentile_float(length, n, 99);
    for (int64_t i = 0; i < n; i++) {
        const double dy = finite_or_0(flow[i]), dx = finite_or_0(flow[n + i]);
        const double size = sqrt(dy * dy + dx * dx);
        const double part = hi - lo > 1e-3f ? (size - lo) / (hi - lo) : 0;
        const double bright = 127.5 * fmax(0, fmin(1, part));
        const double cosine = size > 0 ? -dy / size : -1;
        const double sine = size > 0 ? -dx / size : 0;
        for (int k = 0; k < 3; k++)
            rgb[3 * i + k] =
                byte_of(bright * (cosine * cosines[k] - sine * sines[k] + 1));
    }
}

quern_status qn_cells_flows_png(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    const int64_t n = c->seg->height * c->seg->width;
    void *length, *rgb;
    if (!c->seg->flow) return qn_fail(err, QUERN_INVALID, "there are no flows to draw");
    const float *flow = c->seg->flow + 2 * c->z * n;
    QN_TRY(qn_mem_alloc(c->mem, (size_t)n * sizeof(float), &length, err));
    quern_status status = qn_mem_alloc(c->mem, 3 * (size_t)n, &rgb, err);
    if (status == QUERN_OK) {
        for (int64_t i = 0; i < n; i++)
            ((float *)length)[i] =
                hypotf(finite_or_0(flow[i]), finite_or_0(flow[n + i]));
        draw_flow(flow, length, n, rgb);
        status = put_png(c, 3, 8, rgb, out, err);
        qn_mem_free(c->mem, rgb, 3 * (size_t)n);
    }
    qn_mem_free(c->mem, length, (size_t)n * sizeof(float));
    return status;
}

/* ---- the probability ---- */

quern_status qn_cells_prob_png(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    const size_t n = (size_t)c->seg->height * (size_t)c->seg->width;
    void *room;
    if (!c->seg->prob)
        return qn_fail(err, QUERN_INVALID, "there are no probabilities to draw");
    QN_TRY(qn_mem_alloc(c->mem, n * sizeof(uint16_t), &room, err));
    const float *logit = c->seg->prob + (size_t)c->z * n;
    uint16_t *gray = room;
    for (size_t i = 0; i < n; i++)
        gray[i] =
            isnan(logit[i]) ? 0 : (uint16_t)lrint(65535 / (1 + exp(-(double)logit[i])));
    const quern_status status = put_png(c, 1, 16, gray, out, err);
    qn_mem_free(c->mem, room, n * sizeof(uint16_t));
    return status;
}
