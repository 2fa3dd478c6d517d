/* SPDX-License-Identifier: Apache-2.0 */
/* formats/png_read.c - see png_read.h; RFC 2083, sections 2 to 9.
 *
 * Sizes are checked before memory is asked for: deflate makes at most 1032 bytes of
 * one, so a short file cannot declare a large picture. */
#include "formats/png_read.h"

#include "formats/bytes.h"
#include "formats/deflate.h"
#include "formats/image_check.h"

#include <string.h>

enum { GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGB_ALPHA = 6 };
#define DEFLATE_RATIO 1032              /* the most that a byte of deflate unpacks to */
#define BAND_BYTES    ((size_t)1 << 18) /* of rows unpacked together, if they fit */

typedef struct png {
    uint32_t width, height;
    int bits, colour, samples; /* per sample; type; samples a pixel in the file */
    bool is_interlaced, as_stored;
    uint8_t palette[256][3];
    qn_span chunks;  /* of the file, from the first IDAT on */
    size_t n_data;   /* bytes of all IDAT chunks, a zlib stream */
    size_t n_rows;   /* bytes of filtered rows of all passes */
    size_t row_most; /* bytes of the longest row, with its filter byte */
    int n_skipped;   /* bytes of the stream's head that were skipped, of 2 */
} png;

/* One of seven reduced pictures: columns x0, x0 + dx ...; or the whole one. */
typedef struct pass {
    uint32_t x0, y0, dx, dy;
} pass;

static const pass whole[] = {{0, 0, 1, 1}};
static const pass adam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                             {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

static uint32_t u32be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int n_passes(const png *p)
{
    return p->is_interlaced ? 7 : 1;
}

static const pass *pass_at(const png *p, int i)
{
    return p->is_interlaced ? &adam7[i] : &whole[i];
}

static uint32_t count(uint32_t n, uint32_t from, uint32_t step)
{
    return n > from ? (n - from + step - 1) / step : 0;
}

/* Bytes of a row of that many pixels, without its filter byte. */
static size_t row_bytes(const png *p, uint32_t pixels)
{
    return ((size_t)pixels * (size_t)(p->bits * p->samples) + 7) / 8;
}

/* ---- the file ------------------------------------------------------------------- */

static bool is_known(const png *p)
{
    const int b = p->bits;
    if (b != 1 && b != 2 && b != 4 && b != 8 && b != 16) return false;
    if (p->colour == GRAY) return true;
    if (p->colour == PALETTE) return b <= 8;
    return b >= 8 &&
           (p->colour == RGB || p->colour == GRAY_ALPHA || p->colour == RGB_ALPHA);
}

static quern_status read_header(png *p, const qn_span *body, quern_error *err)
{
    static const int samples[] = {1, 0, 3, 1, 2, 0, 4};
    if (body->n != 13 + 4)
        return qn_fail(err, QUERN_FORMAT, "a PNG header of %zu bytes, not 13",
                       body->n - 4);
    p->width = u32be(body->p);
    p->height = u32be(body->p + 4);
    p->bits = body->p[8];
    p->colour = body->p[9];
    p->is_interlaced = body->p[12] == 1;
    if (!is_known(p) || body->p[10] || body->p[11] || body->p[12] > 1)
        return qn_fail(err, QUERN_FORMAT, "a PNG of colour type %d with %d bits",
                       p->colour, p->bits);
    if (!p->width || !p->height || p->width > INT32_MAX || p->height > INT32_MAX)
        return qn_fail(err, QUERN_FORMAT, "a PNG of %u x %u pixels", p->width,
                       p->height);
    if ((uint64_t)p->width * p->height > QN_PNG_MAX_PIXELS)
        return qn_fail(err, QUERN_LIMIT, "%u x %u pixels are more than %d", p->width,
                       p->height, QN_PNG_MAX_PIXELS);
    p->samples = samples[p->colour];
    for (int i = 0; i < n_passes(p); i++) {
        const pass *s = pass_at(p, i);
        const uint32_t w = count(p->width, s->x0, s->dx);
        const uint32_t h = count(p->height, s->y0, s->dy);
        if (w) p->n_rows += (row_bytes(p, w) + 1) * (size_t)h;
        if (row_bytes(p, w) + 1 > p->row_most) p->row_most = row_bytes(p, w) + 1;
    }
    return QUERN_OK;
}

static void read_palette(png *p, const qn_span *body)
{
    const size_t n = body->n - 4;
    memcpy(p->palette, body->p, n < sizeof p->palette ? n : sizeof p->palette);
}

/* Whatever chunks qn_image_check has walked over. */
static quern_status read_chunks(png *p, const void *bytes, size_t n, quern_error *err)
{
    qn_span file = {bytes, n, 0}, head, body;
    int n_data = 0;
    QN_TRY(qn_image_check(bytes, n, err));
    qn_take(&file, 8, &head);
    for (qn_span here = file; qn_take(&file, 8, &head); here = file) {
        if (!memcmp(head.p + 4, "IEND", 4)) break;
        qn_take(&file, (uint64_t)u32be(head.p) + 4, &body);
        const bool is_first = head.offset == 8;
        if (is_first != !memcmp(head.p + 4, "IHDR", 4))
            return qn_fail(err, QUERN_FORMAT, "the PNG header is not its first chunk");
        if (is_first) QN_TRY(read_header(p, &body, err));
        if (!memcmp(head.p + 4, "PLTE", 4)) read_palette(p, &body);
        if (memcmp(head.p + 4, "IDAT", 4) != 0) continue;
        if (n_data++ == 0) p->chunks = here;
        p->n_data += body.n - 4;
    }
    if (!p->samples || n_data == 0)
        return qn_fail(err, QUERN_FORMAT, "the PNG file has %d data chunks", n_data);
    if (p->n_data < 6 || p->n_rows / DEFLATE_RATIO > p->n_data)
        return qn_fail(err, QUERN_FORMAT,
                       "a PNG of %u x %u pixels needs more than its %zu bytes of data",
                       p->width, p->height, p->n_data);
    return QUERN_OK;
}

/* The bytes of the next IDAT chunk, without the two of zlib's head. */
static bool next_data(void *ctx, const uint8_t **at, size_t *n)
{
    png *p = ctx;
    qn_span head, body;
    while (qn_take(&p->chunks, 8, &head) &&
           qn_take(&p->chunks, (uint64_t)u32be(head.p) + 4, &body)) {
        if (!memcmp(head.p + 4, "IEND", 4)) return false;
        if (memcmp(head.p + 4, "IDAT", 4) != 0) continue;
        *at = body.p;
        *n = body.n - 4;
        for (; p->n_skipped < 2 && *n > 0; p->n_skipped++, ++*at)
            --*n;
        return true;
    }
    return false;
}

/* ---- filters (RFC 2083, section 6) ---------------------------------------------- */

static uint8_t paeth(int a, int b, int c)
{
    const int p = a + b - c;
    const int pa = p > a ? p - a : a - p, pb = p > b ? p - b : b - p;
    const int pc = p > c ? p - c : c - p;
    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/* Each: row[i] += what the filter predicts from the left, above and both. */
static void add_left(uint8_t *row, size_t n, size_t step)
{
    for (size_t i = step; i < n; i++)
        row[i] = (uint8_t)(row[i] + row[i - step]);
}

static void add_above(uint8_t *row, const uint8_t *above, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row[i] = (uint8_t)(row[i] + above[i]);
}

static void add_mean(uint8_t *row, const uint8_t *above, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i++) {
        const int a = i >= step ? row[i - step] : 0, b = above ? above[i] : 0;
        row[i] = (uint8_t)(row[i] + (a + b) / 2);
    }
}

static void add_paeth(uint8_t *row, const uint8_t *above, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i++) {
        const int a = i >= step ? row[i - step] : 0, b = above ? above[i] : 0;
        const int c = above && i >= step ? above[i - step] : 0;
        row[i] = (uint8_t)(row[i] + paeth(a, b, c));
    }
}

/* above is NULL of the first row. */
static void unfilter(int filter, uint8_t *row, const uint8_t *above, size_t n,
                     size_t step)
{
    if (filter == 1) add_left(row, n, step);
    if (filter == 2 && above) add_above(row, above, n);
    if (filter == 3) add_mean(row, above, n, step);
    if (filter == 4) add_paeth(row, above, n, step);
}

/* ---- pixels --------------------------------------------------------------------- */

static unsigned sample_at(const uint8_t *row, size_t i, int bits)
{
    if (bits == 16) return (unsigned)row[2 * i] << 8 | row[2 * i + 1];
    if (bits == 8) return row[i];
    const size_t at = i * (size_t)bits;
    return (unsigned)row[at / 8] >> (8 - bits - (int)(at % 8)) & ((1u << bits) - 1);
}

static void put_row(const png *p, const uint8_t *row, const pass *s, uint32_t y,
                    const qn_png_samples *out)
{
    const uint32_t n = count(p->width, s->x0, s->dx);
    const bool is_colour = p->colour == PALETTE && !p->as_stored;
    const unsigned spread = p->as_stored || p->bits >= 8 || p->colour == PALETTE
                                ? 1
                                : 255 / ((1u << p->bits) - 1);
    const size_t line = (size_t)(s->y0 + y * s->dy) * (size_t)out->width;
    if (p->bits == 8 && p->samples == out->channels && s->dx == 1 && !is_colour) {
        const size_t bytes = (size_t)n * (size_t)p->samples;
        memcpy((uint8_t *)out->samples + line * (size_t)p->samples, row, bytes);
        return;
    }
    for (uint32_t x = 0; x < n; x++) {
        const size_t to = (line + s->x0 + (size_t)x * s->dx) * (size_t)out->channels;
        for (int c = 0; c < out->channels; c++) {
            const size_t from = (size_t)x * (size_t)p->samples + (is_colour ? 0 : c);
            unsigned v = sample_at(row, from, p->bits) * spread;
            if (is_colour) v = p->palette[v][c];
            if (out->bits == 16)
                ((uint16_t *)out->samples)[to + (size_t)c] = (uint16_t)v;
            else
                ((uint8_t *)out->samples)[to + (size_t)c] = (uint8_t)v;
        }
    }
}

/* Rows are unpacked some at a time; room holds them behind the one before. */
typedef struct rows {
    qn_mem *mem;
    qn_inflater *packed;
    uint8_t *room;
    size_t bytes;
    qn_png_row *put; /* or NULL: all rows stay; else there is one at a time */
    void *ctx;
} rows;

static quern_status put_pass(const png *p, rows *r, const pass *s,
                             const qn_png_samples *out, quern_error *err)
{
    const size_t step = (size_t)(p->bits * p->samples + 7) / 8;
    const uint32_t w = count(p->width, s->x0, s->dx);
    const uint32_t h = w ? count(p->height, s->y0, s->dy) : 0;
    const size_t n = row_bytes(p, w) + 1;
    const uint32_t most = (uint32_t)(r->bytes / n - 1); /* rows at a time */
    for (uint32_t y = 0; y < h;) {
        const uint32_t k = h - y < most ? h - y : most;
        QN_TRY(qn_inflater_take(r->packed, r->room + n, k * n, err));
        for (uint32_t i = 1; i <= k; i++, y++) {
            uint8_t *row = r->room + i * n;
            if (row[0] > 4)
                return qn_fail(err, QUERN_FORMAT, "row %u of the PNG has filter %d", y,
                               row[0]);
            unfilter(row[0], row + 1, y > 0 ? row - n + 1 : NULL, n - 1, step);
            put_row(p, row + 1, s, r->put ? 0 : y, out);
            if (r->put) r->put(r->ctx, y, out->samples);
        }
        memcpy(r->room, r->room + k * n, n);
        qn_mem_passed(r->mem, 2 * k * n);
    }
    return QUERN_OK;
}

static quern_status put_passes(png *p, rows *r, const qn_png_samples *out,
                               quern_error *err)
{
    QN_TRY(qn_inflater_begin(r->mem, next_data, p, &r->packed, err));
    quern_status status = QUERN_OK;
    for (int i = 0; i < n_passes(p) && status == QUERN_OK; i++)
        status = put_pass(p, r, pass_at(p, i), out, err);
    if (status == QUERN_OK) status = qn_inflater_finish(r->packed, err);
    qn_inflater_end(r->packed);
    return status;
}

/* put: NULL, or what takes the rows of a picture that is not interlaced. */
static quern_status decode(qn_arena *arena, png *p, qn_png_row *put, void *ctx,
                           qn_png_samples *out, quern_error *err)
{
    void *room;
    rows r = {.mem = arena->mem, .bytes = 2 * p->row_most, .put = put, .ctx = ctx};
    const size_t bytes = (size_t)p->width * (put ? 1 : p->height) *
                         (size_t)(out->channels * out->bits / 8);
    if (r.bytes < BAND_BYTES) r.bytes = BAND_BYTES;
    QN_TRY(qn_arena_raw(arena, bytes, &out->samples, err));
    QN_TRY(qn_mem_alloc(arena->mem, r.bytes, &room, err));
    r.room = room;
    const quern_status status = put_passes(p, &r, out, err);
    qn_mem_free(arena->mem, room, r.bytes);
    return status;
}

static quern_status open_png(png *p, const void *bytes, size_t n, qn_png_samples *out,
                             quern_error *err)
{
    if (!qn_is_png(bytes, n)) return qn_fail(err, QUERN_FORMAT, "it is no PNG picture");
    QN_TRY(read_chunks(p, bytes, n, err));
    const bool is_gray = p->colour == GRAY || p->colour == GRAY_ALPHA ||
                         (p->colour == PALETTE && p->as_stored);
    *out = (qn_png_samples){.width = p->width,
                            .height = p->height,
                            .channels = is_gray ? 1 : 3,
                            .bits = p->bits == 16 ? 16 : 8};
    return QUERN_OK;
}

quern_status qn_png_shape(const void *bytes, size_t n, bool as_stored,
                          qn_png_samples *out, quern_error *err)
{
    png p = {.as_stored = as_stored};
    return open_png(&p, bytes, n, out, err);
}

quern_status qn_png_read(qn_arena *arena, const void *bytes, size_t n, bool as_stored,
                         qn_png_samples *out, quern_error *err)
{
    png p = {.as_stored = as_stored};
    QN_TRY(open_png(&p, bytes, n, out, err));
    return decode(arena, &p, NULL, NULL, out, err);
}

static void put_all(const qn_png_samples *all, qn_png_row *put, void *ctx)
{
    const size_t row = (size_t)(all->width * all->channels * all->bits / 8);
    for (int64_t y = 0; y < all->height; y++)
        put(ctx, y, (const uint8_t *)all->samples + (size_t)y * row);
}

quern_status qn_png_rows(qn_mem *mem, const void *bytes, size_t n, qn_png_row *put,
                         void *ctx, quern_error *err)
{
    png p = {.as_stored = false};
    qn_png_samples all;
    qn_arena arena;
    QN_TRY(open_png(&p, bytes, n, &all, err));
    qn_arena_init(&arena, mem);
    const quern_status status =
        decode(&arena, &p, p.is_interlaced ? NULL : put, ctx, &all, err);
    if (status == QUERN_OK && p.is_interlaced) put_all(&all, put, ctx);
    qn_arena_done(&arena);
    return status;
}
