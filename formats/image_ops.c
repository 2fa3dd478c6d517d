/* SPDX-License-Identifier: Apache-2.0 */
/* formats/image_ops.c - geometry and channels of 8-bit pictures; see image.h. */
#include "formats/image.h"

#include <math.h>
#include <string.h>

static quern_status make(qn_arena *arena, int width, int height, int channels,
                         qn_image *out, quern_error *err)
{
    size_t bytes;
    void *pixels;
    if (width < 1 || height < 1)
        return qn_fail(err, QUERN_INVALID, "a picture of %d x %d pixels", width,
                       height);
    if (!qn_size_mul((size_t)width, (size_t)height, &bytes) ||
        !qn_size_mul(bytes, (size_t)channels, &bytes))
        return qn_fail(err, QUERN_LIMIT, "a picture of %d x %d pixels is too large",
                       width, height);
    QN_TRY(qn_arena_raw(arena, bytes, &pixels, err));
    *out = (qn_image){width, height, channels, pixels};
    return QUERN_OK;
}

/* ---- orientation ---------------------------------------------------------------- */

quern_status qn_image_orient(qn_arena *arena, const qn_image *image, int orientation,
                             qn_image *out, quern_error *err)
{
    /* Where row 0 and column 0 of the stored picture are: 1 top left, 2 top right,
     * 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom, 8 left
     * bottom; from 5 on rows stand upright. */
    static const bool mirrors_x[] = {0, 0, 1, 1, 0, 0, 0, 1, 1};
    static const bool mirrors_y[] = {0, 0, 0, 1, 1, 0, 1, 1, 0};
    const qn_image from = *image;
    const bool is_turned = orientation >= 5;
    const size_t c = (size_t)from.channels;
    if (orientation <= 1 || orientation > 8) {
        *out = from;
        return QUERN_OK;
    }
    QN_TRY(make(arena, is_turned ? from.height : from.width,
                is_turned ? from.width : from.height, from.channels, out, err));
    uint8_t *to = out->pixels;
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++, to += c) {
            int sx = is_turned ? y : x, sy = is_turned ? x : y;
            if (mirrors_x[orientation]) sx = from.width - 1 - sx;
            if (mirrors_y[orientation]) sy = from.height - 1 - sy;
            memcpy(to, from.pixels + ((size_t)sy * (size_t)from.width + (size_t)sx) * c,
                   c);
        }
    return QUERN_OK;
}

/* ---- resizing ------------------------------------------------------------------- */

#define FIXED_BITS 22 /* of a weight; 8 bits of pixel and 2 of overshoot above them */

/* For each output position: first input, number of inputs, weights in fixed point. */
typedef struct weights {
    int *first, *count;
    int32_t *weight; /* [outputs][room] */
    int room;
} weights;

static double triangle(double x)
{
    return x < 0 ? (x > -1 ? 1 + x : 0) : (x < 1 ? 1 - x : 0);
}

static quern_status make_weights(qn_arena *arena, int from, int to, weights *w,
                                 quern_error *err)
{
    const double scale = (double)from / to, wide = scale > 1 ? scale : 1;
    const double narrow = 1 / wide;
    void *first, *count, *weight, *exact;
    w->room = 2 * (int)ceil(wide) + 1;
    QN_TRY(qn_arena_array(arena, (size_t)to, sizeof(int), &first, err));
    QN_TRY(qn_arena_array(arena, (size_t)to, sizeof(int), &count, err));
    QN_TRY(qn_arena_array(arena, (size_t)to * (size_t)w->room, sizeof(int32_t), &weight,
                          err));
    QN_TRY(qn_arena_array(arena, (size_t)w->room, sizeof(double), &exact, err));
    w->first = first;
    w->count = count;
    w->weight = weight;
    for (int i = 0; i < to; i++) {
        const double centre = (i + 0.5) * scale;
        const double lo = centre - wide + 0.5, hi = centre + wide + 0.5;
        const int a = lo < 0 ? 0 : (int)lo, b = hi > from ? from : (int)hi;
        double *e = exact, sum = 0;
        for (int k = 0; k < b - a; k++)
            sum += e[k] = triangle((k + a - centre + 0.5) * narrow);
        for (int k = 0; k < b - a; k++)
            w->weight[i * w->room + k] =
                (int32_t)(0.5 + e[k] / sum * (1 << FIXED_BITS)); /* none is negative */
        w->first[i] = a;
        w->count[i] = b - a;
    }
    return QUERN_OK;
}

/* One output sample from inputs that lie step bytes apart. */
static uint8_t weighted(const uint8_t *from, size_t step, const int32_t *weight, int n)
{
    int32_t sum = 1 << (FIXED_BITS - 1);
    for (int k = 0; k < n; k++, from += step)
        sum += *from * weight[k];
    sum >>= FIXED_BITS;
    return (uint8_t)(sum > 255 ? 255 : sum);
}

static void resize_rows(const qn_image *from, const weights *w, qn_image *to)
{
    const size_t c = (size_t)from->channels;
    uint8_t *p = to->pixels;
    for (int y = 0; y < to->height; y++) {
        const uint8_t *row = from->pixels + (size_t)y * (size_t)from->width * c;
        for (int x = 0; x < to->width; x++)
            for (size_t k = 0; k < c; k++)
                *p++ = weighted(row + (size_t)w->first[x] * c + k, c,
                                w->weight + (size_t)x * (size_t)w->room, w->count[x]);
    }
}

static void resize_columns(const qn_image *from, const weights *w, qn_image *to)
{
    const size_t stride = (size_t)from->width * (size_t)from->channels;
    uint8_t *p = to->pixels;
    for (int y = 0; y < to->height; y++) {
        const uint8_t *top = from->pixels + (size_t)w->first[y] * stride;
        for (size_t x = 0; x < stride; x++)
            *p++ = weighted(top + x, stride, w->weight + (size_t)y * (size_t)w->room,
                            w->count[y]);
    }
}

quern_status qn_image_resize(qn_arena *arena, const qn_image *image, int width,
                             int height, qn_image *out, quern_error *err)
{
    qn_image from = *image, to;
    weights w;
    if (width != from.width) {
        QN_TRY(make(arena, width, from.height, from.channels, &to, err));
        QN_TRY(make_weights(arena, from.width, width, &w, err));
        resize_rows(&from, &w, &to);
        from = to;
    }
    if (height != from.height) {
        QN_TRY(make(arena, width, height, from.channels, &to, err));
        QN_TRY(make_weights(arena, from.height, height, &w, err));
        resize_columns(&from, &w, &to);
        from = to;
    }
    *out = from;
    return QUERN_OK;
}

/* ---- windows and channels ------------------------------------------------------- */

quern_status qn_image_window(qn_arena *arena, const qn_image *image, int left, int top,
                             int width, int height, const uint8_t *fill, qn_image *out,
                             quern_error *err)
{
    const qn_image from = *image;
    const size_t c = (size_t)from.channels;
    QN_TRY(make(arena, width, height, from.channels, out, err));
    uint8_t *to = out->pixels;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, to += c) {
            const int sx = x + left, sy = y + top;
            const bool inside =
                sx >= 0 && sy >= 0 && sx < from.width && sy < from.height;
            const size_t at = inside ? (size_t)sy * (size_t)from.width + (size_t)sx : 0;
            memcpy(to, inside ? from.pixels + at * c : fill, c);
        }
    return QUERN_OK;
}

quern_status qn_image_channels(qn_arena *arena, const qn_image *image, int channels,
                               qn_image *out, quern_error *err)
{
    const qn_image from = *image;
    const size_t n = (size_t)from.width * (size_t)from.height;
    if (from.channels == channels) {
        *out = from;
        return QUERN_OK;
    }
    QN_TRY(make(arena, from.width, from.height, channels, out, err));
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = from.pixels + i * (size_t)from.channels;
        if (channels == 1)
            out->pixels[i] =
                (uint8_t)((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000) >>
                          16);
        else
            memset(out->pixels + 3 * i, *p, 3);
    }
    return QUERN_OK;
}
