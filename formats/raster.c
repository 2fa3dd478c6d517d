/* SPDX-License-Identifier: Apache-2.0 */
/* formats/raster.c - see raster.h: which reader, samples from pixels to planes, and the
 * way up. */
#include "formats/raster.h"

#include "engine/os_spool.h"
#include "formats/files.h"
#include "formats/image.h"
#include "formats/image_check.h"
#include "formats/image_parts.h"
#include "formats/png_read.h"
#include "formats/raster_parts.h"

#include <math.h>
#include <string.h>

/* Bytes of a file that are sent to a decoder; it maps larger ones by itself. */
#define MOST_SENT ((size_t)4 << 20)

bool qn_raster_is(const void *bytes, size_t n)
{
    return qn_image_is(bytes, n) || qn_is_pnm(bytes, n) || qn_is_tiff(bytes, n);
}

quern_status qn_raster_room(qn_arena *arena, const qn_raster_options *options,
                            qn_planes *planes, quern_error *err)
{
    const int64_t most =
        options && options->max_pixels > 0 ? options->max_pixels : QN_RASTER_MAX_PIXELS;
    size_t bytes = qn_dtype_size(planes->dtype);
    if (planes->height < 1 || planes->width < 1 ||
        planes->width > most / planes->height)
        return qn_fail(err, QUERN_LIMIT, "%lld x %lld pixels; a plane has 1 to %lld",
                       (long long)planes->width, (long long)planes->height,
                       (long long)most);
    if (!qn_size_mul(bytes, (size_t)(planes->height * planes->width), &bytes) ||
        !qn_size_mul(bytes, (size_t)planes->channels, &bytes) ||
        !qn_size_mul(bytes, (size_t)planes->depth, &bytes))
        return qn_fail(err, QUERN_LIMIT, "%lld planes of %lld channels are too many",
                       (long long)planes->depth, (long long)planes->channels);
    if (options && options->shape_only) return QUERN_OK;
    if (!options || !options->sink)
        return qn_arena_raw(arena, bytes, &planes->data, err);
    QN_TRY(options->sink->begin(options->sink->ctx, planes, err));
    return qn_arena_raw(arena, (size_t)planes->width * qn_dtype_size(planes->dtype),
                        &planes->data, err);
}

void *qn_raster_row(const qn_raster_options *options, const qn_planes *planes,
                    int64_t plane, int64_t y, int64_t x)
{
    const int64_t at = (plane * planes->height + y) * planes->width + x;
    if (options && options->sink) return planes->data;
    return (char *)planes->data + (size_t)at * qn_dtype_size(planes->dtype);
}

void qn_raster_row_end(const qn_raster_options *options, const qn_planes *planes,
                       int64_t plane, int64_t y, int64_t x, int64_t n)
{
    if (!options || !options->sink) return;
    options->sink->put(options->sink->ctx, plane, y, x, n, planes->data);
}

/* ---- from pixels of samples to planes of samples -------------------------------- */

static void spread_row(const void *from, int64_t c, const qn_planes *to, void *row)
{
    const size_t w = (size_t)to->width, n = (size_t)to->channels, at = (size_t)c;
    if (to->dtype == QUERN_UINT16)
        for (size_t x = 0; x < w; x++)
            ((uint16_t *)row)[x] = ((const uint16_t *)from)[x * n + at];
    else
        for (size_t x = 0; x < w; x++)
            ((uint8_t *)row)[x] = ((const uint8_t *)from)[x * n + at];
}

/* Row y of pixels to a row of each channel. */
static void spread(const qn_raster_options *options, const void *from, int64_t y,
                   const qn_planes *to, qn_mem *mem)
{
    const size_t size = qn_dtype_size(to->dtype);
    for (int64_t c = 0; c < to->channels; c++) {
        spread_row(from, c, to, qn_raster_row(options, to, c, y, 0));
        qn_raster_row_end(options, to, c, y, 0, to->width);
    }
    qn_mem_passed(mem, 2 * size * (size_t)(to->width * to->channels));
}

/* Where pixel (y, x) of the upright picture lies in the stored one (Exif 2.3). */
static size_t stored_at(const qn_planes *stored, int orientation, int64_t y, int64_t x)
{
    const int64_t h = stored->height, w = stored->width;
    const int64_t sy = orientation >= 5 ? x : y, sx = orientation >= 5 ? y : x;
    const bool flips_y =
        orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const bool flips_x =
        orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    return (size_t)((flips_y ? h - 1 - sy : sy) * w + (flips_x ? w - 1 - sx : sx));
}

static quern_status turn(qn_arena *arena, int orientation, qn_planes *planes,
                         quern_error *err)
{
    const qn_planes stored = *planes;
    const size_t size = qn_dtype_size(stored.dtype);
    const size_t pixels = (size_t)(stored.height * stored.width);
    if (orientation < 2 || orientation > 8) return QUERN_OK;
    if (orientation >= 5) {
        planes->height = stored.width;
        planes->width = stored.height;
    }
    if (!stored.data) return QUERN_OK;
    QN_TRY(qn_raster_room(arena, NULL, planes, err));
    for (int64_t c = 0; c < stored.channels * stored.depth; c++) {
        const char *from = (const char *)stored.data + (size_t)c * pixels * size;
        char *to = (char *)planes->data + (size_t)c * pixels * size;
        for (int64_t y = 0; y < planes->height; y++)
            for (int64_t x = 0; x < planes->width; x++, to += size)
                memcpy(to, from + stored_at(&stored, orientation, y, x) * size, size);
        qn_mem_passed(arena->mem, 2 * pixels * size);
    }
    return QUERN_OK;
}

/* ---- formats --------------------------------------------------------------------- */

typedef struct png_rows {
    const qn_raster_options *options;
    const qn_planes *planes;
    qn_mem *mem;
} png_rows;

static void put_png_row(void *ctx, int64_t y, const void *samples)
{
    const png_rows *r = ctx;
    spread(r->options, samples, y, r->planes, r->mem);
}

static quern_status read_by_rows(qn_arena *arena, const void *bytes, size_t n,
                                 const qn_raster_options *options, qn_planes *out,
                                 quern_error *err)
{
    png_rows rows = {options, out, arena->mem};
    QN_TRY(qn_raster_room(arena, options, out, err));
    if (!out->data) return QUERN_OK;
    return qn_png_rows(arena->mem, bytes, n, put_png_row, &rows, err);
}

/* Gray pixels are a plane as they are. */
static quern_status read_gray(qn_arena *arena, const void *bytes, size_t n,
                              const qn_raster_options *options, qn_planes *out,
                              quern_error *err)
{
    qn_raster_options shape = {.shape_only = true};
    qn_png_samples png;
    if (options) shape.max_pixels = options->max_pixels;
    QN_TRY(qn_raster_room(arena, &shape, out, err));
    if (options && options->shape_only) return QUERN_OK;
    QN_TRY(qn_png_read(arena, bytes, n, false, &png, err));
    out->data = png.samples;
    return QUERN_OK;
}

/* What is given away is turned by whoever takes it. */
static quern_status read_png(qn_arena *arena, const void *bytes, size_t n,
                             const qn_raster_options *options, qn_planes *out,
                             quern_error *err)
{
    qn_png_samples png;
    QN_TRY(qn_png_shape(bytes, n, false, &png, err));
    *out = (qn_planes){.dtype = png.bits == 16 ? QUERN_UINT16 : QUERN_UINT8,
                       .depth = 1,
                       .channels = png.channels,
                       .height = png.height,
                       .width = png.width,
                       .is_colour = png.channels == 3};
    const int orientation = qn_exif_orientation(bytes, n);
    qn_raster_sink *sink = options ? options->sink : NULL;
    if (sink) sink->orientation = orientation;
    QN_TRY((out->is_colour || sink ? read_by_rows : read_gray)(arena, bytes, n, options,
                                                               out, err));
    return sink ? QUERN_OK : turn(arena, orientation, out, err);
}

/* A JPEG, BMP or GIF as pixels, or only what it will be. */
static quern_status decode_image(qn_arena *arena, const void *bytes, size_t n,
                                 const qn_raster_options *options, qn_image *out,
                                 quern_error *err)
{
    const int64_t most = options ? options->max_pixels : 0;
    if (!options || !options->shape_only || qn_is_gif(bytes, n) || n > INT32_MAX)
        return qn_image_decode(arena, bytes, n, most, out, err);
    QN_TRY(qn_image_shape_by_stb(bytes, n, most, out, err));
    if (qn_exif_orientation(bytes, n) >= 5)
        *out = (qn_image){out->height, out->width, out->channels, NULL};
    return QUERN_OK;
}

static quern_status read_image(qn_arena *arena, const void *bytes, size_t n,
                               const qn_raster_options *options, qn_planes *out,
                               quern_error *err)
{
    qn_image image = {0};
    qn_arena pixels;
    qn_arena_init(&pixels, arena->mem);
    quern_status status = decode_image(&pixels, bytes, n, options, &image, err);
    if (status == QUERN_OK) {
        *out = (qn_planes){.dtype = QUERN_UINT8,
                           .depth = 1,
                           .channels = image.channels,
                           .height = image.height,
                           .width = image.width,
                           .is_colour = image.channels == 3};
        status = qn_raster_room(arena, options, out, err);
    }
    const size_t row = (size_t)image.width * (size_t)image.channels;
    for (int64_t y = 0; status == QUERN_OK && out->data && y < out->height; y++)
        spread(options, image.pixels + (size_t)y * row, y, out, arena->mem);
    qn_arena_done(&pixels);
    return status;
}

static quern_status check_numbers(const qn_planes *p, qn_mem *mem, quern_error *err)
{
    const float *v = p->data;
    const int64_t pixels = p->height * p->width, n = pixels * p->channels * p->depth;
    int64_t n_bad = 0, first = -1;
    if (p->dtype != QUERN_FLOAT || !v) return QUERN_OK;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(v[i])) {
            if (first < 0) first = i;
            n_bad++;
        }
        if (i % p->width == 0) qn_mem_passed(mem, (size_t)p->width * sizeof *v);
    }
    if (n_bad == 0) return QUERN_OK;
    return qn_fail(err, QUERN_DATA,
                   "%lld of %lld samples are no finite numbers, the first at row %lld, "
                   "column %lld of plane %lld",
                   (long long)n_bad, (long long)n,
                   (long long)(first % pixels / p->width),
                   (long long)(first % p->width), (long long)(first / pixels));
}

static quern_status read_here(qn_arena *arena, const void *bytes, size_t n,
                              const qn_raster_options *options, qn_planes *out,
                              quern_error *err)
{
    if (qn_is_tiff(bytes, n)) return qn_raster_tiff(arena, bytes, n, options, out, err);
    if (qn_is_pnm(bytes, n)) return qn_raster_pnm(arena, bytes, n, options, out, err);
    if (qn_is_png(bytes, n)) return read_png(arena, bytes, n, options, out, err);
    if (qn_image_is(bytes, n)) return read_image(arena, bytes, n, options, out, err);
    return qn_fail(err, QUERN_FORMAT, "it is no TIFF, PNG, JPEG, BMP or PNM picture");
}

static quern_status read_there(qn_arena *arena, const qn_raster_file *file,
                               const qn_raster_options *options, qn_planes *out,
                               quern_error *err)
{
    const qn_decoder *by = options->decoder;
    int orientation = 1;
    QN_TRY(by->read(by->ctx, arena, file, options, out, &orientation, err));
    return turn(arena, orientation, out, err);
}

static quern_status read_any(qn_arena *arena, const qn_raster_file *file,
                             const qn_raster_options *options, qn_planes *out,
                             quern_error *err)
{
    if (options && options->decoder)
        QN_TRY(read_there(arena, file, options, out, err));
    else
        QN_TRY(read_here(arena, file->bytes, file->n, options, out, err));
    if (options && options->sink) return QUERN_OK;
    return check_numbers(out, arena->mem, err);
}

quern_status qn_raster_parse(qn_arena *arena, const void *bytes, size_t n,
                             const qn_raster_options *options, qn_planes *out,
                             quern_error *err)
{
    const qn_raster_file file = {bytes, n, NULL};
    return read_any(arena, &file, options, out, err);
}

/* The file's bytes; where they go to another process and are many, it maps them. */
static quern_status load(qn_arena *arena, const char *path, const qn_file *file,
                         const qn_raster_options *options, qn_planes *out,
                         quern_error *err)
{
    const qn_raster_file there = {NULL, file->bytes, path};
    qn_map map = {0};
    if (options && options->decoder && file->bytes > MOST_SENT)
        return read_any(arena, &there, options, out, err);
    QN_TRY(qn_file_map(file, &map, err));
    qn_spool *spool = arena->mem->spool;
    if (spool) spool->watched = map;
    const quern_status status =
        qn_raster_parse(arena, map.base, map.bytes, options, out, err);
    if (spool) spool->watched = (qn_map){0};
    qn_map_done(&map);
    return status;
}

quern_status qn_raster_load(qn_arena *arena, const char *path,
                            const qn_raster_options *options, qn_planes *out,
                            quern_error *err)
{
    qn_file file;
    quern_status status = qn_file_open(NULL, path, &file, err);
    if (status == QUERN_OK) {
        status = load(arena, path, &file, options, out, err);
        qn_file_close(&file);
    }
    if (status == QUERN_OK) out->mem = arena->mem;
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}
