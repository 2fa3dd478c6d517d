/* SPDX-License-Identifier: Apache-2.0 */
/* formats/augment_colour.c - brightness, contrast, saturation, hue and their kin.  What
 * maps each byte by itself goes through a table of 256; gray is ITU-R 601-2 luma. */
#include "formats/augment_ops.h"

#include <math.h>
#include <string.h>

static inline int luma(const uint8_t *p)
{
    return (int)((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000) >> 16);
}

static void map_bytes(qn_canvas *c, const uint8_t table[256])
{
    const size_t n = qn_canvas_bytes(c);
    for (size_t i = 0; i < n; i++)
        c->pixels[i] = table[c->pixels[i]];
}

/* v -> from + factor (v - from) */
static void spread(qn_canvas *c, double from, double factor)
{
    uint8_t table[256];
    if (factor == 1) return;
    for (int v = 0; v < 256; v++)
        table[v] = qn_byte(from + factor * (v - from));
    map_bytes(c, table);
}

void qn_canvas_bright(qn_canvas *c, double factor)
{
    spread(c, 0, factor);
}

void qn_canvas_contrast(qn_canvas *c, double factor)
{
    const size_t n = (size_t)c->height * (size_t)c->width;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += c->channels == 1 ? c->pixels[i] : (uint64_t)luma(c->pixels + 3 * i);
    spread(c, (double)sum / (double)n, factor);
}

void qn_canvas_saturate(qn_canvas *c, double factor)
{
    const size_t n = (size_t)c->height * (size_t)c->width;
    const int f = (int)lrint(factor * 256);
    if (c->channels == 1) return;
    for (uint8_t *p = c->pixels, *end = p + 3 * n; p < end; p += 3) {
        const int gray = luma(p);
        for (int k = 0; k < 3; k++) {
            const int v = (256 * gray + f * (p[k] - gray) + 128) >> 8;
            p[k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}

/* Turns colours around the axis of grays, in the plane of NTSC's I and Q: luma stays,
 * and so does gray. */
static void turn_hue(qn_canvas *c, double circle)
{
    static const double luma_of[3] = {0.299, 0.587, 0.114};
    static const double quarter[3][3] = {{0.1677, 0.3293, -0.4970},
                                         {-0.3281, 0.0355, 0.2926},
                                         {1.2497, -1.0465, -0.2032}};
    const double cosine = cos(2 * 3.14159265358979323846 * circle),
                 sine = sin(2 * 3.14159265358979323846 * circle);
    int m[3][3];
    for (int r = 0; r < 3; r++) {
        for (int k = 0; k < 3; k++)
            m[r][k] = (int)lrint(4096 * (luma_of[k] + cosine * ((r == k) - luma_of[k]) +
                                         sine * quarter[r][k]));
        m[r][r] += 4096 - m[r][0] - m[r][1] - m[r][2]; /* gray to the last bit */
    }
    const size_t n = (size_t)c->height * (size_t)c->width;
    for (uint8_t *p = c->pixels, *end = p + 3 * n; p < end; p += 3) {
        const int rgb[3] = {p[0], p[1], p[2]};
        for (int r = 0; r < 3; r++) {
            const int v =
                (m[r][0] * rgb[0] + m[r][1] * rgb[1] + m[r][2] * rgb[2] + 2048) >> 12;
            p[r] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}

void qn_canvas_posterize(qn_canvas *c, int bits)
{
    uint8_t table[256];
    for (int v = 0; v < 256; v++)
        table[v] = (uint8_t)(v >> (8 - bits) << (8 - bits));
    map_bytes(c, table);
}

void qn_canvas_solarize(qn_canvas *c, int threshold)
{
    uint8_t table[256];
    for (int v = 0; v < 256; v++)
        table[v] = (uint8_t)(v >= threshold ? 255 - v : v);
    map_bytes(c, table);
}

/* ---- by histogram ---- */

static void map_channel(qn_canvas *c, int channel, const uint8_t table[256])
{
    const size_t n = qn_canvas_bytes(c);
    for (size_t i = (size_t)channel; i < n; i += (size_t)c->channels)
        c->pixels[i] = table[c->pixels[i]];
}

static void count_bytes(const qn_canvas *c, int channel, int64_t count[256])
{
    const size_t n = qn_canvas_bytes(c);
    memset(count, 0, 256 * sizeof *count);
    for (size_t i = (size_t)channel; i < n; i += (size_t)c->channels)
        count[c->pixels[i]]++;
}

void qn_canvas_autocontrast(qn_canvas *c)
{
    for (int k = 0; k < c->channels; k++) {
        int64_t count[256];
        uint8_t table[256];
        int lo = 0, hi = 255;
        count_bytes(c, k, count);
        while (lo < 255 && !count[lo])
            lo++;
        while (hi > 0 && !count[hi])
            hi--;
        if (lo >= hi) continue;
        for (int v = 0; v < 256; v++)
            table[v] = qn_byte(255.0 * (v - lo) / (hi - lo));
        map_channel(c, k, table);
    }
}

/* The brightest byte's count does not take part, so the darkest becomes 0 and the
 * brightest 255. */
void qn_canvas_equalize(qn_canvas *c)
{
    for (int k = 0; k < c->channels; k++) {
        int64_t count[256], last = 0, total = 0;
        uint8_t table[256];
        count_bytes(c, k, count);
        for (int v = 0; v < 256; v++) {
            total += count[v];
            if (count[v]) last = count[v];
        }
        const int64_t range = total - last;
        if (range == 0) continue;
        int64_t below = 0;
        for (int v = 0; v < 256; v++) {
            const int64_t to = (255 * below + range / 2) / range;
            table[v] = (uint8_t)(to > 255 ? 255 : to);
            below += count[v];
        }
        map_channel(c, k, table);
    }
}

/* ---- rows of the table ---- */

static double draw_factor(const qn_augment_step *step, qn_draw *draw)
{
    return qn_draw_uniform(draw, 1 - step->a, 1 + step->a);
}

void qn_augment_bright(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    qn_canvas_bright(c, draw_factor(step, draw));
}

void qn_augment_contrast(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    qn_canvas_contrast(c, draw_factor(step, draw));
}

void qn_augment_sat(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    qn_canvas_saturate(c, draw_factor(step, draw));
}

void qn_augment_hue(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    if (c->channels == 3) turn_hue(c, qn_draw_uniform(draw, -step->a, step->a));
}

void qn_augment_gray(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    if (qn_draw_uniform(draw, 0, 1) < step->a) qn_canvas_saturate(c, 0);
}
