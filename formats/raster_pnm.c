/* SPDX-License-Identifier: Apache-2.0 */
/* formats/raster_pnm.c - Netpbm's PGM and PPM, plain (P2, P3) and raw (P5, P6), 8 or 16
 * bits, big-endian (pgm(5), ppm(5)).  One picture a file; values stay as they are. */
#include "formats/raster_parts.h"

#include <string.h>

typedef struct text {
    const uint8_t *p, *end;
} text;

bool qn_is_pnm(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    if (n < 3 || p[0] != 'P' || !strchr("2356", p[1]) || !p[1]) return false;
    return p[2] == ' ' || p[2] == '\n' || p[2] == '\r' || p[2] == '\t' || p[2] == '#';
}

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next number, past spaces and comments; false when there is none below 10^9. */
static bool take_number(text *t, int64_t *out)
{
    while (t->p < t->end && (is_space(*t->p) || *t->p == '#')) {
        const bool is_comment = *t->p == '#';
        while (is_comment && t->p < t->end && *t->p != '\n')
            t->p++;
        if (t->p < t->end) t->p++;
    }
    *out = 0;
    const uint8_t *from = t->p;
    for (; t->p < t->end && *t->p >= '0' && *t->p <= '9' && *out < 100000000; t->p++)
        *out = *out * 10 + (*t->p - '0');
    return t->p > from && (t->p == t->end || *t->p < '0' || *t->p > '9');
}

static quern_status read_header(text *t, qn_planes *out, int64_t *most,
                                quern_error *err)
{
    const int kind = t->p[1];
    t->p += 2;
    if (!take_number(t, &out->width) || !take_number(t, &out->height) ||
        !take_number(t, most))
        return qn_fail(err, QUERN_FORMAT,
                       "the PNM header has no width, height and depth");
    if (*most < 1 || *most > 65535)
        return qn_fail(err, QUERN_FORMAT, "a PNM depth of %lld, not 1 to 65535",
                       (long long)*most);
    out->depth = 1;
    out->channels = kind == '3' || kind == '6' ? 3 : 1;
    out->is_colour = out->channels == 3;
    out->dtype = *most > 255 ? QUERN_UINT16 : QUERN_UINT8;
    return QUERN_OK;
}

static void put(qn_planes *out, int64_t pixel, int64_t channel, int64_t value)
{
    const int64_t at = channel * out->height * out->width + pixel;
    if (out->dtype == QUERN_UINT16)
        ((uint16_t *)out->data)[at] = (uint16_t)value;
    else
        ((uint8_t *)out->data)[at] = (uint8_t)value;
}

static quern_status read_plain(text *t, qn_planes *out, int64_t most, quern_error *err)
{
    const int64_t pixels = out->height * out->width;
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t c = 0; c < out->channels; c++) {
            int64_t v;
            if (!take_number(t, &v) || v > most)
                return qn_fail(err, QUERN_FORMAT,
                               "pixel %lld of %lld is no number up to %lld",
                               (long long)i, (long long)pixels, (long long)most);
            put(out, i, c, v);
        }
    return QUERN_OK;
}

static void read_row(const uint8_t *p, const qn_planes *out, void *to)
{
    const size_t n = (size_t)out->width, step = (size_t)out->channels;
    for (size_t x = 0; x < n; x++)
        if (out->dtype == QUERN_UINT16)
            ((uint16_t *)to)[x] =
                (uint16_t)(p[2 * x * step] << 8 | p[2 * x * step + 1]);
        else
            ((uint8_t *)to)[x] = p[x * step];
}

static void read_raw(const text *t, const qn_raster_options *options, qn_planes *out,
                     qn_mem *mem)
{
    const size_t size = qn_dtype_size(out->dtype);
    const size_t row = (size_t)(out->width * out->channels) * size;
    for (int64_t y = 0; y < out->height; y++) {
        const uint8_t *p = t->p + (size_t)y * row;
        for (int64_t c = 0; c < out->channels; c++) {
            read_row(p + (size_t)c * size, out, qn_raster_row(options, out, c, y, 0));
            qn_raster_row_end(options, out, c, y, 0, out->width);
        }
        qn_mem_passed(mem, 2 * row);
    }
}

/* As text, samples of a pixel come together: all of it is in memory for a moment. */
static quern_status read_plain_by_rows(text *t, const qn_raster_options *options,
                                       qn_planes *out, int64_t most, qn_mem *mem,
                                       quern_error *err)
{
    qn_planes all = *out;
    qn_arena room;
    if (!options || !options->sink) return read_plain(t, out, most, err);
    qn_arena_init(&room, mem);
    quern_status status = qn_raster_room(&room, NULL, &all, err);
    if (status == QUERN_OK) status = read_plain(t, &all, most, err);
    for (int64_t i = 0; status == QUERN_OK && i < out->channels * out->height; i++) {
        const int64_t c = i / out->height, y = i % out->height;
        memcpy(qn_raster_row(options, out, c, y, 0), qn_raster_row(NULL, &all, c, y, 0),
               (size_t)out->width * qn_dtype_size(out->dtype));
        qn_raster_row_end(options, out, c, y, 0, out->width);
    }
    qn_arena_done(&room);
    return status;
}

quern_status qn_raster_pnm(qn_arena *arena, const void *bytes, size_t n,
                           const qn_raster_options *options, qn_planes *out,
                           quern_error *err)
{
    text t = {bytes, (const uint8_t *)bytes + n};
    const bool is_plain = t.p[1] < '5';
    int64_t most;
    *out = (qn_planes){0};
    QN_TRY(read_header(&t, out, &most, err));
    if (t.p < t.end) t.p++; /* the one space before the pixels */
    const size_t left = (size_t)(t.end - t.p),
                 row = (size_t)(out->width * out->channels);
    const size_t need =
        row * (size_t)out->height * (is_plain ? 1 : qn_dtype_size(out->dtype));
    if (out->width > QN_RASTER_MAX_PIXELS || out->height > QN_RASTER_MAX_PIXELS ||
        left < need)
        return qn_fail(err, QUERN_FORMAT,
                       "%lld x %lld pixels do not fit the %zu bytes that are left",
                       (long long)out->width, (long long)out->height, left);
    QN_TRY(qn_raster_room(arena, options, out, err));
    if (!out->data) return QUERN_OK;
    if (is_plain) return read_plain_by_rows(&t, options, out, most, arena->mem, err);
    read_raw(&t, options, out, arena->mem);
    return QUERN_OK;
}
