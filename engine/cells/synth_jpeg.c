/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/synth_jpeg.c - what storing as JPEG does to a picture: blocks of 8 x 8
 * whose cosine transform is rounded to multiples of a table, as coarse as the quality
 * is low.  Colours lie at full resolution; entropy coding loses nothing and is left
 * out.
 *
 * ITU-T T.81: transform A.3.3, tables K.1 and K.2; tables by quality are those of the
 * Independent JPEG Group's software. */
#include "engine/cells/synth_parts.h"

#include <math.h>

enum { SIDE = 8, CELL = SIDE * SIDE };

static const uint8_t luma[CELL] = {
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
static const uint8_t chroma[CELL] = {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99,
                                     99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66,
                                     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

typedef struct coder {
    double basis[SIDE][SIDE]; /* [frequency][place] */
    double step[2][CELL];     /* of brightness and of colour */
} coder;

static coder coder_of(int quality)
{
    coder c;
    const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    for (int f = 0; f < SIDE; f++)
        for (int x = 0; x < SIDE; x++)
            c.basis[f][x] = (f ? 0.5 : sqrt(0.125)) *
                            cos((2 * x + 1) * f * 0.19634954084936207); /* pi / 16 */
    for (int i = 0; i < CELL; i++) {
        const int of[2] = {(luma[i] * scale + 50) / 100,
                           (chroma[i] * scale + 50) / 100};
        for (int k = 0; k < 2; k++)
            c.step[k][i] = of[k] < 1 ? 1 : of[k] > 255 ? 255 : of[k];
    }
    return c;
}

/* y = b x b' or, back, b' x b. */
static void transform(const coder *c, bool back, const double *x, double *y)
{
    double half[CELL];
    for (int i = 0; i < CELL; i++) {
        half[i] = 0;
        for (int k = 0; k < SIDE; k++)
            half[i] += (back ? c->basis[k][i / SIDE] : c->basis[i / SIDE][k]) *
                       x[k * SIDE + i % SIDE];
    }
    for (int i = 0; i < CELL; i++) {
        y[i] = 0;
        for (int k = 0; k < SIDE; k++)
            y[i] += (back ? c->basis[k][i % SIDE] : c->basis[i % SIDE][k]) *
                    half[i / SIDE * SIDE + k];
    }
}

static void round_block(const coder *c, const double *step, double *x)
{
    double f[CELL];
    transform(c, false, x, f);
    for (int i = 0; i < CELL; i++)
        f[i] = step[i] * nearbyint(f[i] / step[i]);
    transform(c, true, f, x);
}

static uint8_t *pixel_at(const qn_labels *l, const qn_synth *s, int64_t y, int64_t x)
{
    if (y >= l->height) y = l->height - 1;
    if (x >= l->width) x = l->width - 1;
    return s->pixels + (y * l->width + x) * s->channels;
}

static void read_block(const qn_synth *s, int64_t top, int64_t left, double x[3][CELL])
{
    for (int i = 0; i < CELL; i++) {
        const uint8_t *p = pixel_at(&s->labels, s, top + i / SIDE, left + i % SIDE);
        x[0][i] = p[0] - 128.0;
        if (s->channels == 1) continue;
        x[0][i] = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2] - 128;
        x[1][i] = (p[2] - x[0][i] - 128) / 1.772;
        x[2][i] = (p[0] - x[0][i] - 128) / 1.402;
    }
}

static uint8_t byte_of(double x)
{
    return x <= 0 ? 0 : x >= 255 ? 255 : (uint8_t)(x + 0.5);
}

static void write_block(const qn_synth *s, int64_t top, int64_t left, double x[3][CELL])
{
    for (int i = 0; i < CELL; i++) {
        const int64_t y = top + i / SIDE, column = left + i % SIDE;
        if (y >= s->labels.height || column >= s->labels.width) continue;
        uint8_t *p = pixel_at(&s->labels, s, y, column);
        p[0] = byte_of(x[0][i] + 128 + (s->channels > 1 ? 1.402 * x[2][i] : 0));
        if (s->channels == 1) continue;
        p[1] = byte_of(x[0][i] + 128 - 0.344136 * x[1][i] - 0.714136 * x[2][i]);
        p[2] = byte_of(x[0][i] + 128 + 1.772 * x[1][i]);
    }
}

void qn_synth_jpeg(qn_synth *s, int quality)
{
    const coder c = coder_of(quality);
    double x[3][CELL];
    for (int64_t top = 0; top < s->labels.height; top += SIDE)
        for (int64_t left = 0; left < s->labels.width; left += SIDE) {
            read_block(s, top, left, x);
            for (int k = 0; k < s->channels; k++)
                round_block(&c, c.step[k > 0], x[k]);
            write_block(s, top, left, x);
        }
}
