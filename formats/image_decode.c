/* SPDX-License-Identifier: Apache-2.0 */
/* formats/image_decode.c - a picture's file to 8 bits, whichever format it is.
 *
 * Samples of more than 8 bits become round(255 v / most), where most is the largest
 * value that the file allows: 65535, or what a PNM header says.  TIFF comes through its
 * plug-in, its first page only; samples without a largest value (floats) are refused.
 */
#include "formats/image_check.h"
#include "formats/image_parts.h"
#include "formats/png_read.h"
#include "formats/raster_parts.h"

#include <string.h>

bool qn_image_is(const void *bytes, size_t n)
{
    return qn_is_png(bytes, n) || qn_is_jpeg(bytes, n) || qn_is_bmp(bytes, n) ||
           qn_is_gif(bytes, n) || qn_is_pnm(bytes, n) || qn_is_tiff(bytes, n);
}

quern_status qn_image_check_size(int64_t width, int64_t height, int64_t max_pixels,
                                 quern_error *err)
{
    if (max_pixels == 0) max_pixels = QN_IMAGE_MAX_PIXELS;
    if (width < 1 || height < 1)
        return qn_fail(err, QUERN_FORMAT, "%lld x %lld pixels", (long long)width,
                       (long long)height);
    if (width > QN_IMAGE_MAX_SIDE || height > QN_IMAGE_MAX_SIDE)
        return qn_fail(err, QUERN_LIMIT, "%lld x %lld pixels; a side has at most %d",
                       (long long)width, (long long)height, QN_IMAGE_MAX_SIDE);
    if (width * height > max_pixels)
        return qn_fail(err, QUERN_LIMIT, "%lld x %lld pixels are more than %lld",
                       (long long)width, (long long)height, (long long)max_pixels);
    return QUERN_OK;
}

/* ---- samples of 16 bits --------------------------------------------------------- */

static uint8_t reduce(uint32_t value, uint32_t most)
{
    return value >= most ? 255 : (uint8_t)((value * 255 + most / 2) / most);
}

static quern_status make_room(qn_arena *arena, int64_t width, int64_t height,
                              int64_t channels, qn_image *out, quern_error *err)
{
    void *room;
    *out = (qn_image){(int)width, (int)height, (int)channels, NULL};
    QN_TRY(qn_arena_raw(arena, (size_t)(width * height * channels), &room, err));
    out->pixels = room;
    return QUERN_OK;
}

/* Whether a PNG has samples of 16 bits: the ninth byte of its first chunk. */
static bool is_deep_png(const uint8_t *p, size_t n)
{
    return qn_is_png(p, n) && n >= 33 && !memcmp(p + 12, "IHDR", 4) && p[24] == 16;
}

static int64_t u32be_at(const uint8_t *p)
{
    return (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | p[3];
}

static quern_status reduce_png(const qn_png_samples *png, qn_arena *arena,
                               qn_image *out, quern_error *err)
{
    const uint16_t *from = png->samples;
    const size_t n = (size_t)(png->width * png->height) * (size_t)png->channels;
    QN_TRY(make_room(arena, png->width, png->height, png->channels, out, err));
    for (size_t i = 0; i < n; i++)
        out->pixels[i] = reduce(from[i], UINT16_MAX);
    return QUERN_OK;
}

static quern_status decode_deep_png(qn_arena *arena, const uint8_t *p, size_t n,
                                    int64_t max_pixels, qn_image *out, quern_error *err)
{
    qn_png_samples png;
    qn_arena samples;
    QN_TRY(qn_image_check_size(u32be_at(p + 16), u32be_at(p + 20), max_pixels, err));
    qn_arena_init(&samples, arena->mem);
    quern_status status = qn_png_read(&samples, p, n, false, &png, err);
    if (status == QUERN_OK) status = reduce_png(&png, arena, out, err);
    qn_arena_done(&samples);
    return status;
}

/* ---- planes --------------------------------------------------------------------- */

/* Planes to pixels of 8 bits, of which the file allows values up to most. */
static quern_status reduce_planes(const qn_planes *p, uint32_t most, qn_arena *arena,
                                  qn_image *out, quern_error *err)
{
    const int64_t pixels = p->height * p->width;
    if (p->dtype == QUERN_FLOAT)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "samples of 32 bits: which of them is white is not told");
    if (p->channels != 1 && p->channels != 3)
        return qn_fail(err, QUERN_UNSUPPORTED, "%lld channels; 1 and 3 are read",
                       (long long)p->channels);
    QN_TRY(make_room(arena, p->width, p->height, p->channels, out, err));
    for (int64_t c = 0; c < p->channels; c++) {
        const void *from = qn_planes_channel(p, 0, c);
        for (int64_t i = 0; i < pixels; i++)
            out->pixels[i * p->channels + c] =
                reduce(p->dtype == QUERN_UINT16 ? ((const uint16_t *)from)[i]
                                                : ((const uint8_t *)from)[i],
                       most);
    }
    return QUERN_OK;
}

/* The header's third number; the header has been read without a mistake before. */
static uint32_t pnm_most(const uint8_t *p, size_t n)
{
    uint32_t value = 0;
    size_t i = 2;
    for (int k = 0; k < 3; k++) {
        bool is_comment = false;
        for (; i < n && (is_comment || p[i] < '0' || p[i] > '9'); i++)
            is_comment = p[i] == '#' || (is_comment && p[i] != '\n');
        for (value = 0; i < n && p[i] >= '0' && p[i] <= '9'; i++)
            value = value * 10 + (uint32_t)(p[i] - '0');
    }
    return value ? value : 1;
}

/* PNM or TIFF; tiff: the plug-in, or NULL. */
static quern_status decode_planes(qn_arena *arena, const void *bytes, size_t n,
                                  int64_t max_pixels, const struct qn_tiff_abi *tiff,
                                  qn_image *out, quern_error *err)
{
    const qn_raster_options options = {.z_axis = -1,
                                       .channel_axis = -1,
                                       .tiff = tiff,
                                       .max_pixels = max_pixels ? max_pixels
                                                                : QN_IMAGE_MAX_PIXELS};
    qn_planes planes = {0};
    qn_arena own;
    qn_arena_init(&own, arena->mem);
    const bool is_pnm = qn_is_pnm(bytes, n);
    quern_status status = is_pnm
                              ? qn_raster_pnm(&own, bytes, n, &options, &planes, err)
                              : qn_raster_tiff(&own, bytes, n, &options, &planes, err);
    if (status == QUERN_OK)
        status = qn_image_check_size(planes.width, planes.height, max_pixels, err);
    const uint32_t most = is_pnm                         ? pnm_most(bytes, n)
                          : planes.dtype == QUERN_UINT16 ? UINT16_MAX
                                                         : UINT8_MAX;
    if (status == QUERN_OK) status = reduce_planes(&planes, most, arena, out, err);
    qn_arena_done(&own);
    return status;
}

/* ---- any of them ---------------------------------------------------------------- */

quern_status qn_image_decode(qn_arena *arena, const void *bytes, size_t n,
                             int64_t max_pixels, qn_image *out, quern_error *err)
{
    if (n > INT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "%zu bytes; a picture file has at most 2 GiB",
                       n);
    if (qn_is_gif(bytes, n)) return qn_image_gif(arena, bytes, n, max_pixels, out, err);
    if (qn_is_pnm(bytes, n) || qn_is_tiff(bytes, n))
        return decode_planes(arena, bytes, n, max_pixels, NULL, out, err);
    if (is_deep_png(bytes, n))
        QN_TRY(decode_deep_png(arena, bytes, n, max_pixels, out, err));
    else
        QN_TRY(qn_image_by_stb(arena, bytes, n, max_pixels, out, err));
    return qn_image_orient(arena, out, qn_exif_orientation(bytes, n), out, err);
}

quern_status qn_image_tiff(qn_arena *arena, const void *bytes, size_t n,
                           int64_t max_pixels, const struct qn_tiff_abi *tiff,
                           qn_image *out, quern_error *err)
{
    return decode_planes(arena, bytes, n, max_pixels, tiff, out, err);
}

/* ---- elsewhere ------------------------------------------------------------------ */

static bool goes_out(const qn_decoder *decoder, const qn_encoded *e)
{
    return decoder && e->n <= INT32_MAX;
}

quern_status qn_image_decode_by(const qn_decoder *decoder, qn_arena *arena,
                                const void *bytes, size_t n, int64_t max_pixels,
                                qn_image *out, quern_error *err)
{
    qn_encoded one = {.bytes = bytes, .n = n, .max_pixels = max_pixels};
    if (!goes_out(decoder, &one))
        return qn_image_decode(arena, bytes, n, max_pixels, out, err);
    decoder->decode(decoder->ctx, arena, &one, 1);
    if (one.status != QUERN_OK) return qn_fail(err, one.status, "%s", one.err.text);
    *out = one.image;
    return QUERN_OK;
}

int qn_image_decode_some(const qn_decoder *decoder, qn_arena *arena, qn_encoded *list,
                         int n)
{
    int k = 0;
    while (k < n && goes_out(decoder, &list[k]))
        k++;
    if (k > 0) return decoder->decode(decoder->ctx, arena, list, k);
    list->status = qn_image_decode(arena, list->bytes, list->n, list->max_pixels,
                                   &list->image, &list->err);
    if (list->only_checked) list->image.pixels = NULL;
    return 1;
}
