/* SPDX-License-Identifier: Apache-2.0 */
/* formats/raster_tiff.c - TIFF stacks through the plug-in quern-tiff.so (tiff_abi.h):
 * pages of one kind, block by block, into planes; ImageJ's joined pages directly.
 *
 * All that the plug-in tells comes from the file and is checked here.  Memory for
 * pixels is asked for only when the file is long enough to hold them at its codec's
 * best. */
#include "formats/bytes.h"
#include "formats/plugin.h"
#include "formats/raster_axes.h"
#include "formats/raster_parts.h"
#include "formats/tiff_abi.h"

#include <string.h>

enum { UNSIGNED = 1, SIGNED = 2, FLOATS = 3 };          /* SampleFormat */
enum { PACKED_NO = 1, LZW = 5, PACKBITS = 32773 };      /* Compression */
enum { DEFLATE = 8, DEFLATE_OLD = 32946, PALETTE = 3 }; /* PALETTE: Photometric */
#define LIBTIFF_MEMORY ((size_t)1 << 30) /* bytes that it may ask for at a time */
#define MAX_PAGES      1000000

typedef struct stack {
    const uint8_t *bytes;
    size_t n;
    qn_mem *mem;
    void *lib;
    const qn_tiff_abi *tiff;
    void *state;
    qn_tiff_page first;
    int64_t n_pages;
    qn_raster_axes axes;
    bool has_palette;
    int kept; /* samples of a page that become channels */
    void *block;
    size_t block_bytes;
    const qn_raster_options *options;
    qn_planes *out;
} stack;

bool qn_is_tiff(const void *bytes, size_t n)
{
    return n >= 8 && (!memcmp(bytes, "II*\0", 4) || !memcmp(bytes, "MM\0*", 4) ||
                      !memcmp(bytes, "II+\0", 4) || !memcmp(bytes, "MM\0+", 4));
}

static quern_status broken(const stack *s, const char *what, quern_error *err)
{
    const char *why = s->tiff->error(s->state);
    return qn_fail(err, QUERN_FORMAT, "%s (%s)", what,
                   *why ? why : "no reason is told");
}

/* ---- pages ---- */

static size_t row_bytes(const qn_tiff_page *p)
{
    const size_t samples = p->planar == 2 ? 1 : p->samples;
    return ((size_t)p->block_width * samples * p->bits + 7) / 8;
}

static bool is_known(const qn_tiff_page *p)
{
    if (p->as_colours) return true;
    if (p->format == FLOATS) return p->bits == 16 || p->bits == 32 || p->bits == 64;
    if (p->format == SIGNED) return p->bits == 8 || p->bits == 16 || p->bits == 32;
    return p->format == UNSIGNED && p->bits >= 1 && (p->bits <= 16 || p->bits == 32);
}

/* Bytes that one byte of the file becomes at the most. */
static uint64_t ratio(unsigned compression)
{
    if (compression == PACKED_NO) return 1;
    if (compression == PACKBITS) return 128;
    if (compression == LZW) return 4096;
    return compression == DEFLATE || compression == DEFLATE_OLD ? 1032 : UINT32_MAX;
}

static quern_status check_page(const stack *s, const qn_tiff_page *p, quern_error *err)
{
    if (!is_known(p))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "samples of %d bits in format %d cannot be measured", p->bits,
                       p->format);
    if (p->width < 1 || p->height < 1 || p->width > INT32_MAX ||
        p->height > INT32_MAX || p->samples < 1 || p->n_extra >= p->samples)
        return qn_fail(err, QUERN_FORMAT, "a page of %u x %u pixels of %d samples",
                       p->width, p->height, p->samples);
    const uint64_t row = ((uint64_t)p->width * p->samples * p->bits + 7) / 8;
    const uint64_t most = ratio(p->compression);
    if (row * p->height / most > s->n)
        return qn_fail(
            err, QUERN_FORMAT,
            "%u x %u pixels of %d x %d bits cannot be in a file of %zu bytes", p->width,
            p->height, p->samples, p->bits, s->n);
    if (p->as_colours) return QUERN_OK;
    if (p->block_width < 1 || p->block_height < 1 || p->planar < 1 || p->planar > 2 ||
        (uint64_t)row_bytes(p) * p->block_height > LIBTIFF_MEMORY)
        return qn_fail(err, QUERN_FORMAT, "blocks of %u x %u pixels", p->block_width,
                       p->block_height);
    return QUERN_OK;
}

static bool is_same_kind(const qn_tiff_page *a, const qn_tiff_page *b)
{
    return a->width == b->width && a->height == b->height && a->samples == b->samples &&
           a->bits == b->bits && a->format == b->format && a->n_extra == b->n_extra &&
           a->as_colours == b->as_colours && !a->red == !b->red;
}

/* Counts the pages that are like the first: a pyramid's smaller ones are left out. */
static quern_status count_pages(stack *s, quern_error *err)
{
    qn_tiff_page page;
    int got = s->tiff->page(s->state, 0, &s->first);
    if (got != 1) return broken(s, "the first page cannot be read", err);
    QN_TRY(check_page(s, &s->first, err));
    for (s->n_pages = 1; s->n_pages < MAX_PAGES; s->n_pages++) {
        got = s->tiff->page(s->state, (uint32_t)s->n_pages, &page);
        if (got < 0) return broken(s, "a page behind the first cannot be read", err);
        if (got == 0 || !is_same_kind(&s->first, &page)) break;
    }
    got = s->tiff->page(s->state, 0, &s->first);
    return got == 1 ? QUERN_OK : broken(s, "the first page cannot be read", err);
}

/* ---- samples ---- */

static float half_value(unsigned h)
{
    const int e = (int)(h >> 10 & 31);
    const float m = (float)(h & 1023);
    union {
        uint32_t u;
        float f;
    } bits = {(uint32_t)(e == 31 ? 255 : e + 112) << 23 | (h & 1023) << 13};
    const float v = e ? bits.f : m * 0x1p-24f;
    return h & 0x8000 ? -v : v;
}

static float real_at(const qn_tiff_page *p, const uint8_t *row, size_t i)
{
    union {
        uint8_t b[8];
        int8_t i8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        float f32;
        double f64;
    } v = {{0}};
    memcpy(v.b, row + i * (p->bits / 8u), p->bits / 8u);
    if (p->format == FLOATS)
        return p->bits == 64 ? (float)v.f64 : p->bits == 32 ? v.f32 : half_value(v.u16);
    if (p->format == SIGNED)
        return (float)(p->bits == 32 ? v.i32 : p->bits == 16 ? v.i16 : v.i8);
    return (float)v.u32;
}

/* Up to 16 bits, packed from the high end. */
static unsigned bits_at(const uint8_t *row, size_t i, unsigned bits)
{
    unsigned v = 0;
    if (bits == 8) return row[i];
    if (bits == 16) {
        uint16_t w;
        memcpy(&w, row + 2 * i, 2);
        return w;
    }
    for (size_t at = i * bits; bits > 0; bits--, at++)
        v = v << 1 | (row[at / 8] >> (7 - at % 8) & 1);
    return v;
}

/* n samples of a row, stride apart from sample i on, to a plane's row. */
static void put_row(const stack *s, const uint8_t *row, size_t i, size_t stride,
                    int64_t n, void *to)
{
    const qn_tiff_page *p = &s->first;
    for (int64_t x = 0; x < n; x++, i += stride)
        if (s->out->dtype == QUERN_FLOAT)
            ((float *)to)[x] = real_at(p, row, i);
        else if (s->out->dtype == QUERN_UINT16)
            ((uint16_t *)to)[x] = (uint16_t)bits_at(row, i, p->bits);
        else
            ((uint8_t *)to)[x] = (uint8_t)bits_at(row, i, p->bits);
}

static void put_palette(const qn_tiff_page *p, const uint8_t *row, int colour,
                        int64_t n, uint8_t *to)
{
    const uint16_t *map = colour == 0 ? p->red : colour == 1 ? p->green : p->blue;
    for (int64_t x = 0; x < n; x++)
        to[x] = (uint8_t)(map[bits_at(row, (size_t)x, p->bits)] >> 8);
}

/* The part of block i that lies in the picture. */
static void put_block(const stack *s, const qn_tiff_page *p, uint32_t i, int64_t plane,
                      int64_t channel)
{
    const int64_t across = (p->width - 1) / p->block_width + 1;
    const int64_t down = (p->height - 1) / p->block_height + 1;
    const int64_t sample = i / (across * down), at = i % (across * down);
    const int64_t y0 = at / across * p->block_height, x0 = at % across * p->block_width;
    const int64_t h = p->height - y0, w = p->width - x0;
    const int64_t rows = h < p->block_height ? h : p->block_height;
    const int64_t n = w < p->block_width ? w : p->block_width;
    for (int64_t y = 0; y < rows; y++) {
        const uint8_t *row = (const uint8_t *)s->block + (size_t)y * row_bytes(p);
        for (int c = 0; c < (s->has_palette ? 3 : s->kept); c++) {
            const int64_t to = plane * s->out->channels + channel + c;
            if (p->planar == 2 && c != sample) continue;
            void *line = qn_raster_row(s->options, s->out, to, y0 + y, x0);
            if (s->has_palette)
                put_palette(p, row, c, n, line);
            else
                put_row(s, row, p->planar == 2 ? 0 : (size_t)c,
                        p->planar == 2 ? 1 : p->samples, n, line);
            qn_raster_row_end(s->options, s->out, to, y0 + y, x0, n);
        }
    }
}

static quern_status read_blocks(stack *s, const qn_tiff_page *p, int64_t plane,
                                int64_t channel, quern_error *err)
{
    const uint64_t across = (p->width - 1) / p->block_width + 1;
    const uint64_t n = across * ((p->height - 1) / p->block_height + 1) *
                       (p->planar == 2 ? p->samples : 1);
    const size_t need = row_bytes(p) * p->block_height;
    if (p->n_blocks < n || need > s->block_bytes || p->block_bytes > need)
        return qn_fail(err, QUERN_FORMAT,
                       "%u blocks of %llu bytes where %llu of %zu are needed",
                       p->n_blocks, (unsigned long long)p->block_bytes,
                       (unsigned long long)n, need);
    for (uint32_t i = 0; i < n; i++) {
        const int64_t last = p->height % p->block_height;
        const int64_t made = s->tiff->block(s->state, i, s->block, need);
        const bool is_last = p->block_width == p->width && last > 0 &&
                             (i + 1) % (n / (p->planar == 2 ? p->samples : 1)) == 0;
        if (made < (int64_t)(is_last ? row_bytes(p) * (size_t)last : need))
            return broken(s, "pixels are cut off or damaged", err);
        put_block(s, p, i, plane, channel);
        qn_mem_passed(s->mem, 2 * need);
    }
    return QUERN_OK;
}

/* Pages that libtiff turns into colours: CMYK, Lab, YCbCr and kin. */
static quern_status read_colours(stack *s, int64_t plane, int64_t channel,
                                 quern_error *err)
{
    const int64_t w = s->out->width;
    if (!s->tiff->colours(s->state, s->block))
        return broken(s, "pixels are cut off or damaged", err);
    for (int64_t i = 0; i < 3 * s->out->height; i++) {
        const int64_t y = i / 3, c = i % 3;
        const int64_t to = plane * s->out->channels + channel + c;
        const uint32_t *from = (const uint32_t *)s->block + y * w;
        uint8_t *line = qn_raster_row(s->options, s->out, to, y, 0);
        for (int64_t x = 0; x < w; x++)
            line[x] = (uint8_t)(from[x] >> (8 * c));
        qn_raster_row_end(s->options, s->out, to, y, 0, w);
    }
    return QUERN_OK;
}

/* ImageJ's joined pages: raw samples one after the other, from the first block on. */
static quern_status read_joined(stack *s, quern_error *err)
{
    const qn_tiff_page *p = &s->first;
    const int64_t n = s->axes.channels * s->axes.slices * s->axes.frames;
    const size_t size = p->bits / 8u;
    const size_t row = (size_t)p->width * size, page = row * p->height;
    qn_span all = {s->bytes, s->n, 0}, skipped, pixels;
    if (!qn_take(&all, p->first_byte, &skipped))
        return qn_fail(err, QUERN_FORMAT, "pixels lie at byte %llu of %zu",
                       (unsigned long long)p->first_byte, s->n);
    for (int64_t i = 0; i < n; i++) {
        int64_t plane, channel;
        if (!qn_take(&all, page, &pixels))
            return qn_fail(err, QUERN_FORMAT, "page %lld of %lld has %zu of %zu bytes",
                           (long long)i + 1, (long long)n, all.n, page);
        qn_raster_axes_at(&s->axes, i, &plane, &channel);
        for (int64_t y = 0; y < p->height; y++) {
            uint8_t *line = s->block;
            const uint8_t *from = pixels.p + (size_t)y * row;
            for (size_t k = 0; k < row; k++)
                line[k] =
                    from[p->is_swapped ? k / size * size + size - 1 - k % size : k];
            const int64_t to = plane * s->out->channels + channel;
            put_row(s, line, 0, 1, p->width,
                    qn_raster_row(s->options, s->out, to, y, 0));
            qn_raster_row_end(s->options, s->out, to, y, 0, p->width);
            qn_mem_passed(s->mem, 2 * row);
        }
    }
    return QUERN_OK;
}

/* ---- all of it ---- */

static quern_status make_room(stack *s, qn_arena *arena,
                              const qn_raster_options *options, quern_error *err)
{
    const qn_tiff_page *p = &s->first;
    const qn_raster_axes *a = &s->axes;
    const bool is_rgb = p->photometric == 2 || p->as_colours;
    s->has_palette = p->photometric == PALETTE && p->red && p->samples == 1;
    s->kept = p->as_colours || s->has_palette
                  ? 3
                  : p->samples - (p->is_alpha ? p->n_extra : 0);
    const bool is_wide = p->format != UNSIGNED || p->bits > 16;
    *s->out = (qn_planes){
        .dtype = p->as_colours || s->has_palette || (p->bits <= 8 && !is_wide)
                     ? QUERN_UINT8
                 : is_wide ? QUERN_FLOAT
                           : QUERN_UINT16,
        .depth = a->slices * a->frames,
        .channels = a->channels * s->kept,
        .height = p->height,
        .width = p->width,
        .is_colour = s->kept == 3 && a->channels == 1 && (is_rgb || s->has_palette),
        .um_per_px = a->um_per_px,
        .um_per_plane = a->um_per_plane,
    };
    if (a->is_joined && (p->compression != PACKED_NO || p->bits % 8 != 0 ||
                         p->samples != 1 || s->has_palette))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "its note tells of %lld pages, but there is one, compressed or "
                       "of %d samples",
                       (long long)(a->channels * s->out->depth), p->samples);
    s->block_bytes = p->as_colours  ? (size_t)p->width * p->height * 4
                     : a->is_joined ? (size_t)p->width * p->bits / 8
                                    : row_bytes(p) * p->block_height;
    if (a->is_joined &&
        s->block_bytes * p->height > s->n / (size_t)(a->channels * s->out->depth))
        return qn_fail(
            err, QUERN_FORMAT, "%lld pages of %zu bytes cannot be in a file of %zu",
            (long long)(a->channels * s->out->depth), s->block_bytes * p->height, s->n);
    return qn_raster_room(arena, options, s->out, err);
}

static quern_status read_pages(stack *s, quern_error *err)
{
    qn_tiff_page page;
    for (int64_t i = 0; i < s->n_pages; i++) {
        int64_t plane, channel;
        if (s->tiff->page(s->state, (uint32_t)i, &page) != 1 ||
            !is_same_kind(&s->first, &page))
            return broken(s, "a page cannot be read again", err);
        QN_TRY(check_page(s, &page, err));
        qn_raster_axes_at(&s->axes, i, &plane, &channel);
        channel *= s->kept;
        const quern_status status = page.as_colours
                                        ? read_colours(s, plane, channel, err)
                                        : read_blocks(s, &page, plane, channel, err);
        if (status != QUERN_OK) qn_within(err, "page %lld", (long long)i + 1);
        QN_TRY(status);
    }
    return QUERN_OK;
}

static quern_status read_stack(stack *s, qn_arena *arena,
                               const qn_raster_options *options, quern_error *err)
{
    QN_TRY(count_pages(s, err));
    QN_TRY(qn_raster_axes_find(&s->first, s->n_pages, options, &s->axes, err));
    QN_TRY(make_room(s, arena, options, err));
    if (!s->out->data) return QUERN_OK;
    QN_TRY(qn_mem_alloc(arena->mem, s->block_bytes, &s->block, err));
    const quern_status status =
        s->axes.is_joined ? read_joined(s, err) : read_pages(s, err);
    qn_mem_free(arena->mem, s->block, s->block_bytes);
    return status;
}

quern_status qn_tiff_open(void **lib, const qn_tiff_abi **out, quern_error *err)
{
    const void *functions = NULL;
    QN_TRY(qn_plugin_open("tiff", QN_TIFF_VERSION, lib, &functions, err));
    *out = functions;
    return QUERN_OK;
}

static quern_status read_opened(stack *s, qn_arena *arena, quern_error *err)
{
    QN_TRY(qn_arena_alloc(arena, s->tiff->state_bytes, &s->state, err));
    if (!s->tiff->open(s->state, s->bytes, s->n, LIBTIFF_MEMORY))
        return broken(s, "it cannot be opened as TIFF", err);
    const quern_status status = read_stack(s, arena, s->options, err);
    s->tiff->close(s->state);
    return status;
}

quern_status qn_raster_tiff(qn_arena *arena, const void *bytes, size_t n,
                            const qn_raster_options *options, qn_planes *out,
                            quern_error *err)
{
    stack s = {.bytes = bytes,
               .n = n,
               .mem = arena->mem,
               .tiff = options ? options->tiff : NULL,
               .options = options,
               .out = out};
    if (!s.tiff) QN_TRY(qn_tiff_open(&s.lib, &s.tiff, err));
    const quern_status status = read_opened(&s, arena, err);
    if (s.lib) qn_lib_close(s.lib);
    return status;
}
