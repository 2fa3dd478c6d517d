/* SPDX-License-Identifier: Apache-2.0 */
/* formats/sketch.c - see sketch.h. */
#include "formats/sketch.h"

#include <stdlib.h>

/* ITU-R 601-2, as Pillow rounds it. */
static unsigned brightness(const uint8_t *p, int channels)
{
    if (channels == 1) return p[0];
    return (p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16;
}

/* Mean over the part (x, y) of columns x rows; parts of small pictures overlap. */
static uint8_t part_mean(const qn_image *im, int x, int columns, int y, int rows)
{
    const int64_t x0 = (int64_t)x * im->width / columns,
                  y0 = (int64_t)y * im->height / rows;
    int64_t x1 = (int64_t)(x + 1) * im->width / columns,
            y1 = (int64_t)(y + 1) * im->height / rows;
    uint64_t sum = 0;
    if (x1 == x0) x1++;
    if (y1 == y0) y1++;
    for (int64_t r = y0; r < y1; r++) {
        const uint8_t *row =
            im->pixels + (size_t)(r * im->width) * (size_t)im->channels;
        for (int64_t c = x0; c < x1; c++)
            sum += brightness(row + c * im->channels, im->channels);
    }
    const uint64_t n = (uint64_t)((x1 - x0) * (y1 - y0));
    return (uint8_t)((sum + n / 2) / n);
}

void qn_sketch_of(const qn_image *image, qn_sketch *out)
{
    const int side = QN_SKETCH_SIDE;
    *out = (qn_sketch){.darkest = 255};
    for (int i = 0; i < side * side; i++) {
        const uint8_t v = part_mean(image, i % side, side, i / side, side);
        out->at[i] = v;
        if (v < out->darkest) out->darkest = v;
        if (v > out->brightest) out->brightest = v;
    }
    for (int y = 0; y < 8; y++) {
        uint8_t left = part_mean(image, 0, 9, y, 8);
        for (int x = 1; x < 9; x++) {
            const uint8_t right = part_mean(image, x, 9, y, 8);
            out->bits = out->bits << 1 | (left > right);
            left = right;
        }
    }
}

double qn_sketch_distance(const qn_sketch *a, const qn_sketch *b)
{
    int sum = 0;
    for (int i = 0; i < QN_SKETCH_SIDE * QN_SKETCH_SIDE; i++)
        sum += abs(a->at[i] - b->at[i]);
    return (double)sum / (QN_SKETCH_SIDE * QN_SKETCH_SIDE);
}
