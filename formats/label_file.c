/* SPDX-License-Identifier: Apache-2.0 */
/* formats/label_file.c - see label_file.h: which reader, and numbers of any type to
 * labels. */
#include "formats/label_file.h"

#include "formats/files.h"
#include "formats/label_tiff.h"
#include "formats/npy.h"
#include "formats/png_read.h"
#include "formats/png_write.h"
#include "formats/raster.h"
#include "formats/tiff_write.h"

#include <math.h>
#include <string.h>

#define EXACT_REAL 16777216.0f /* float32 holds whole numbers up to here */

/* ---- reading --------------------------------------------------------------------- */

static quern_status check_size(int64_t height, int64_t width, int64_t max_pixels,
                               quern_error *err)
{
    if (height >= 1 && width >= 1 && width <= max_pixels / height) return QUERN_OK;
    return qn_fail(err, QUERN_LIMIT, "%lld x %lld pixels; 1 to %lld are read",
                   (long long)width, (long long)height, (long long)max_pixels);
}

static quern_status from_png(qn_arena *arena, const void *bytes, size_t n,
                             int64_t max_pixels, qn_labels *out, quern_error *err)
{
    qn_png_samples png;
    QN_TRY(qn_png_read(arena, bytes, n, true, &png, err));
    if (png.channels != 1)
        return qn_fail(err, QUERN_FORMAT,
                       "a picture of %d channels; labels have one, gray or a palette",
                       png.channels);
    QN_TRY(check_size(png.height, png.width, max_pixels, err));
    QN_TRY(qn_labels_init(arena, png.height, png.width, out, err));
    for (int64_t i = 0; i < png.height * png.width; i++)
        out->at[i] = png.bits == 16 ? ((const uint16_t *)png.samples)[i]
                                    : ((const uint8_t *)png.samples)[i];
    return QUERN_OK;
}

static quern_status from_planes(qn_arena *arena, const qn_planes *p, qn_labels *out,
                                quern_error *err)
{
    if (p->depth != 1 || p->channels != 1)
        return qn_fail(err, QUERN_FORMAT,
                       "%lld planes of %lld channels; labels have one",
                       (long long)p->depth, (long long)p->channels);
    QN_TRY(qn_labels_init(arena, p->height, p->width, out, err));
    for (int64_t i = 0; i < p->height * p->width; i++) {
        if (p->dtype == QUERN_UINT8) out->at[i] = ((const uint8_t *)p->data)[i];
        if (p->dtype == QUERN_UINT16) out->at[i] = ((const uint16_t *)p->data)[i];
        if (p->dtype != QUERN_FLOAT) continue;
        const float v = ((const float *)p->data)[i];
        if (!(v >= 0 && v <= EXACT_REAL && v == floorf(v)))
            return qn_fail(err, QUERN_FORMAT,
                           "pixel (%lld, %lld) is %g; labels of this kind of file are "
                           "whole numbers of 0 to %g",
                           (long long)(i / p->width), (long long)(i % p->width),
                           (double)v, (double)EXACT_REAL);
        out->at[i] = (uint32_t)v;
    }
    return QUERN_OK;
}

static quern_status from_raster(qn_arena *arena, const void *bytes, size_t n,
                                int64_t max_pixels, qn_labels *out, quern_error *err)
{
    const qn_raster_options options = {
        .z_axis = -1, .channel_axis = -1, .max_pixels = max_pixels};
    qn_planes planes;
    bool is_plain;
    QN_TRY(qn_label_tiff_parse(arena, bytes, n, max_pixels, &is_plain, out, err));
    if (is_plain) return QUERN_OK;
    QN_TRY(qn_raster_parse(arena, bytes, n, &options, &planes, err));
    return from_planes(arena, &planes, out, err);
}

/* Element i as a number, or -1 when it is below 0 or of no use. */
static int64_t whole(const qn_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case QUERN_BOOL:
    case QUERN_UINT8:
        return ((const uint8_t *)t->data)[i];
    case QUERN_INT8:
        return ((const int8_t *)t->data)[i];
    case QUERN_UINT16:
        return ((const uint16_t *)t->data)[i];
    case QUERN_INT16:
        return ((const int16_t *)t->data)[i];
    case QUERN_UINT32:
        return ((const uint32_t *)t->data)[i];
    case QUERN_INT32:
        return ((const int32_t *)t->data)[i];
    case QUERN_INT64:
        return ((const int64_t *)t->data)[i];
    case QUERN_UINT64: {
        const uint64_t v = ((const uint64_t *)t->data)[i];
        return v <= UINT32_MAX ? (int64_t)v : -1;
    }
    default:
        return -1;
    }
}

static quern_status from_npy(qn_arena *arena, const void *bytes, size_t n,
                             int64_t max_pixels, qn_labels *out, quern_error *err)
{
    qn_tensor t;
    QN_TRY(qn_npy_parse(bytes, n, arena, &t, err));
    int64_t *dim = t.dim;
    int rank = t.rank;
    for (; rank > 2 && dim[0] == 1; rank--)
        dim++;
    if (rank != 2)
        return qn_fail(err, QUERN_FORMAT, "an array of %d dimensions; labels have 2",
                       t.rank);
    QN_TRY(check_size(dim[0], dim[1], max_pixels, err));
    QN_TRY(qn_labels_init(arena, dim[0], dim[1], out, err));
    for (int64_t i = 0; i < dim[0] * dim[1]; i++) {
        const int64_t v = whole(&t, i);
        if (v < 0 || v > UINT32_MAX)
            return qn_fail(err, QUERN_FORMAT,
                           "element (%lld, %lld) is no label: those are whole numbers "
                           "of 0 to %u",
                           (long long)(i / dim[1]), (long long)(i % dim[1]),
                           UINT32_MAX);
        out->at[i] = (uint32_t)v;
    }
    return QUERN_OK;
}

quern_status qn_label_file_parse(qn_arena *arena, const void *bytes, size_t n,
                                 int64_t max_pixels, qn_labels *out, quern_error *err)
{
    const int64_t most =
        max_pixels > 0 && max_pixels < INT32_MAX ? max_pixels : INT32_MAX;
    if (n >= 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8))
        return from_png(arena, bytes, n, most, out, err);
    if (n >= 6 && !memcmp(bytes, "\x93NUMPY", 6))
        return from_npy(arena, bytes, n, most, out, err);
    if (n >= 4 && (!memcmp(bytes, "II", 2) || !memcmp(bytes, "MM", 2)))
        return from_raster(arena, bytes, n, most, out, err);
    return qn_fail(err, QUERN_FORMAT,
                   "neither PNG nor TIFF nor .npy, which labels are read from");
}

quern_status qn_label_file_read(qn_arena *arena, const char *path, int64_t max_pixels,
                                qn_labels *out, quern_error *err)
{
    qn_arena scratch;
    qn_labels labels;
    char *bytes;
    size_t n;
    qn_arena_init(&scratch, arena->mem);
    quern_status status = qn_file_text(&scratch, path, &bytes, &n, err);
    if (status == QUERN_OK) {
        status = qn_label_file_parse(&scratch, bytes, n, max_pixels, &labels, err);
        if (status == QUERN_OK) status = qn_labels_copy(arena, &labels, out, err);
        if (status != QUERN_OK) qn_within(err, "%s", path);
    }
    qn_arena_done(&scratch);
    return status;
}

/* ---- writing --------------------------------------------------------------------- */

typedef struct rows {
    const qn_labels *labels;
    qn_mem *mem;
} rows;

static void half_row(void *ctx, uint32_t y, void *row)
{
    const rows *r = ctx;
    const uint32_t *from = r->labels->at + (size_t)y * (size_t)r->labels->width;
    for (int64_t x = 0; x < r->labels->width; x++)
        ((uint16_t *)row)[x] = (uint16_t)from[x];
    qn_mem_passed(r->mem, (size_t)r->labels->width * sizeof *from);
}

static quern_status save_png(qn_mem *mem, const char *path, const qn_labels *labels,
                             quern_error *err)
{
    const qn_png png = {(uint32_t)labels->width, (uint32_t)labels->height, 1, 16, NULL};
    rows r = {labels, mem};
    qn_buf out;
    qn_buf_init(&out, mem);
    quern_status status = qn_png_write_rows(&out, &png, half_row, &r, err);
    if (status == QUERN_OK) status = qn_file_save(mem, path, out.p, out.n, err);
    qn_buf_done(&out);
    return status;
}

static uint32_t largest(const qn_labels *labels, qn_mem *mem)
{
    uint32_t most = 0;
    for (int64_t y = 0; y < labels->height; y++) {
        const qn_labels row = {1, labels->width, labels->at + y * labels->width};
        const uint32_t here = qn_labels_max(&row);
        if (here > most) most = here;
        qn_mem_passed(mem, (size_t)labels->width * sizeof *row.at);
    }
    return most;
}

quern_status qn_label_file_save(qn_mem *mem, const char *base, const qn_labels *labels,
                                char *path, size_t path_size, quern_error *err)
{
    const bool is_small = largest(labels, mem) <= UINT16_MAX;
    char name[QN_PATH_MAX];
    QN_TRY(qn_path_format(name, err, "%s%s", base, is_small ? ".png" : ".tif"));
    const qn_tiff tiff = {.width = (uint32_t)labels->width,
                          .height = (uint32_t)labels->height,
                          .channels = 1,
                          .bits = 32,
                          .deflate = true,
                          .samples = labels->at};
    const quern_status status = is_small ? save_png(mem, name, labels, err)
                                         : qn_tiff_save(mem, name, &tiff, err);
    if (status != QUERN_OK) {
        qn_within(err, "%s", name);
        return status;
    }
    if (strlen(name) >= path_size)
        return qn_fail(err, QUERN_INVALID, "a path of %zu bytes, and room for %zu",
                       strlen(name) + 1, path_size);
    memcpy(path, name, strlen(name) + 1);
    return QUERN_OK;
}
