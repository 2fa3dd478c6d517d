/* SPDX-License-Identifier: Apache-2.0 */
/* formats/augment_grain.c - what acts on the grain of a picture: blurring, sharpening,
 * noise, and erasing (Zhong et al., Random erasing data augmentation, 2017). */
#include "formats/augment_ops.h"

#include <math.h>
#include <string.h>

enum { RADIUS = 4, TAPS = 2 * RADIUS + 1 };

/* Weights of a normal curve; they sum to 256. */
static void make_taps(double sigma, int tap[TAPS])
{
    double w[TAPS], sum = 0;
    int left = 256;
    for (int i = 0; i < TAPS; i++)
        sum += w[i] = exp(-0.5 * (i - RADIUS) * (i - RADIUS) / (sigma * sigma));
    for (int i = 0; i < TAPS; i++) {
        tap[i] = (int)lrint(256 * w[i] / sum);
        left -= tap[i];
    }
    tap[RADIUS] += left;
}

/* One sample, its neighbours found by reflection: near the ends of a row. */
static uint8_t blur_end(const uint8_t *row, int x, int n, size_t step,
                        const int tap[TAPS])
{
    int sum = 128;
    for (int k = 0; k < TAPS; k++)
        sum += tap[k] * row[(size_t)qn_reflect(x + k - RADIUS, n) * step];
    return (uint8_t)(sum >> 8);
}

static void blur_row(const uint8_t *from, uint8_t *to, int n, int ch,
                     const int tap[TAPS])
{
    const int begin = RADIUS * ch, end = (n - RADIUS) * ch;
    for (int i = begin; i < end; i++) {
        int sum = 128;
        for (int k = 0; k < TAPS; k++)
            sum += tap[k] * from[i + (k - RADIUS) * ch];
        to[i] = (uint8_t)(sum >> 8);
    }
    for (int x = 0; x < n; x++) {
        if (x == RADIUS && end > begin) x = n - RADIUS;
        for (int k = 0; k < ch; k++)
            to[x * ch + k] = blur_end(from + k, x, n, (size_t)ch, tap);
    }
}

static void blur(qn_canvas *c, double sigma)
{
    const size_t stride = (size_t)c->width * (size_t)c->channels;
    int tap[TAPS];
    make_taps(sigma, tap);
    for (int y = 0; y < c->height; y++)
        blur_row(c->pixels + (size_t)y * stride, c->spare + (size_t)y * stride,
                 c->width, c->channels, tap);
    for (int y = 0; y < c->height; y++) {
        const uint8_t *row[TAPS];
        for (int k = 0; k < TAPS; k++)
            row[k] = c->spare + (size_t)qn_reflect(y + k - RADIUS, c->height) * stride;
        uint8_t *to = c->pixels + (size_t)y * stride;
        for (size_t i = 0; i < stride; i++) {
            int sum = 128;
            for (int k = 0; k < TAPS; k++)
                sum += tap[k] * row[k][i];
            to[i] = (uint8_t)(sum >> 8);
        }
    }
}

void qn_augment_blur(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    if (qn_draw_uniform(draw, 0, 1) >= step->a) return;
    blur(c, qn_draw_uniform(draw, 0.1, 2));
}

/* Pillow's Sharpness: against the mean of 3 x 3 with the middle five times; the edge
 * stays. */
void qn_canvas_sharpen(qn_canvas *c, double factor)
{
    const ptrdiff_t ch = c->channels, stride = c->width * ch;
    memcpy(c->spare, c->pixels, qn_canvas_bytes(c));
    for (int y = 1; y < c->height - 1; y++)
        for (ptrdiff_t i = ch; i < stride - ch; i++) {
            const uint8_t *p = c->spare + y * stride + i;
            int sum = 4 * *p;
            for (ptrdiff_t dy = -stride; dy <= stride; dy += stride)
                sum += p[dy - ch] + p[dy] + p[dy + ch];
            const int smooth = (sum + 6) / 13;
            c->pixels[y * stride + i] = qn_byte(smooth + factor * (*p - smooth));
        }
}

/* Four bytes summed are nearly normal, with deviation 2 sqrt((256^2 - 1) / 12). */
void qn_augment_noise(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    const size_t n = qn_canvas_bytes(c);
    const int scale = (int)lrint(step->a * 255 / 147.8 * 65536);
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = qn_draw_bits(draw);
        const int sum = (int)((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) +
                              (bits >> 24)) -
                        510;
        const int v = c->pixels[i] + (int)(((int64_t)sum * scale + 32768) >> 16);
        c->pixels[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static int side_of(double x, int most)
{
    return x < 1 ? 1 : x > most ? most : (int)x;
}

void qn_augment_erase(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    if (qn_draw_uniform(draw, 0, 1) >= step->a) return;
    const double share = qn_draw_uniform(draw, 0.02, 0.33);
    const double area = share * c->height * c->width;
    const double aspect = exp(qn_draw_uniform(draw, log(0.3), log(1 / 0.3)));
    const int h = side_of(sqrt(area * aspect) + 0.5, c->height);
    const int w = side_of(sqrt(area / aspect) + 0.5, c->width);
    const int top = qn_draw_int(draw, 0, c->height - h);
    const int left = qn_draw_int(draw, 0, c->width - w);
    const size_t ch = (size_t)c->channels;
    for (int y = top; y < top + h; y++) {
        uint8_t *p = c->pixels + ((size_t)y * (size_t)c->width + (size_t)left) * ch;
        uint32_t bits = 0;
        for (size_t i = 0; i < (size_t)w * ch; i++, bits >>= 8) {
            if (i % 4 == 0) bits = qn_draw_bits(draw);
            p[i] = (uint8_t)bits;
        }
    }
}
