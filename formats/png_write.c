/* SPDX-License-Identifier: Apache-2.0 */
/* formats/png_write.c - see png_write.h.  Every row is filtered by the difference to
 * the row above (filter 2), which suits masks and photographs alike. */
#include "formats/png_write.h"

#include "engine/os.h"
#include "formats/deflate.h"

#include <string.h>

#define CHUNK ((size_t)1 << 24) /* bytes of data behind which a new chunk begins */

/* A chunk whose body follows; its place, for end_chunk. */
static size_t begin_chunk(qn_buf *out, const char *type)
{
    const size_t at = out->n;
    qn_buf_u32be(out, 0);
    qn_buf_text(out, type);
    return at;
}

static void end_chunk(qn_buf *out, size_t at)
{
    if (out->error.status != QUERN_OK) return;
    const size_t n = out->n - at - 8;
    for (int i = 0; i < 4; i++)
        out->p[at + (size_t)i] = (char)(n >> (24 - 8 * i));
    qn_buf_u32be(out, qn_crc32(0, out->p + at + 4, n + 4));
}

static quern_status check(const qn_png *png, quern_error *err)
{
    if (png->width < 1 || png->height < 1 || png->width > INT32_MAX ||
        png->height > INT32_MAX)
        return qn_fail(err, QUERN_INVALID, "a PNG of %u x %u pixels", png->width,
                       png->height);
    if ((png->bits != 8 && png->bits != 16) ||
        (png->channels != 1 && png->channels != 3 && png->channels != 4))
        return qn_fail(err, QUERN_INVALID, "a PNG of %d channels of %d bits",
                       png->channels, png->bits);
    return QUERN_OK;
}

/* ---- rows ----------------------------------------------------------------------- */

typedef struct writing {
    const qn_png *png;
    qn_png_row_fn *row;
    void *ctx;
    qn_gzip *packer;
    size_t row_bytes;
    uint8_t *room; /* a row, the one before, and the filtered one behind its filter */
} writing;

/* Samples big-endian. */
static void take_row(const writing *w, uint32_t y, uint8_t *to)
{
    w->row(w->ctx, y, to);
    for (size_t i = 0; w->png->bits == 16 && i < w->row_bytes; i += 2) {
        const uint8_t low = to[i];
        to[i] = to[i + 1];
        to[i + 1] = low;
    }
}

static quern_status put_rows(writing *w, qn_buf *out, quern_error *err)
{
    const size_t n = w->row_bytes;
    uint8_t *now = w->room, *above = w->room + n, *packed = w->room + 2 * n;
    const uint32_t height = w->png->height;
    size_t chunk = begin_chunk(out, "IDAT");
    memset(above, 0, n);
    packed[0] = 2;
    for (uint32_t y = 0; y < height; y++) {
        take_row(w, y, now);
        for (size_t i = 0; i < n; i++)
            packed[1 + i] = (uint8_t)(now[i] - above[i]);
        QN_TRY(qn_gzip_add(w->packer, packed, n + 1, y == height - 1, out, err));
        if (out->n - chunk > CHUNK && y < height - 1) {
            end_chunk(out, chunk);
            chunk = begin_chunk(out, "IDAT");
        }
        uint8_t *held = above;
        above = now;
        now = held;
    }
    end_chunk(out, chunk);
    return QUERN_OK;
}

static quern_status put_data(writing *w, qn_buf *out, quern_error *err)
{
    const size_t room = 3 * w->row_bytes + 1;
    void *p;
    QN_TRY(qn_mem_alloc(out->mem, room, &p, err));
    w->room = p;
    /* Noise in colours: searching longer takes three times as long for a few percent.
     */
    const int level = w->png->bits == 8 && w->png->channels >= 3 ? 3 : 6;
    quern_status status = qn_zlib_begin(
        out->mem, (w->row_bytes + 1) * (size_t)w->png->height, level, &w->packer, err);
    if (status == QUERN_OK) status = put_rows(w, out, err);
    qn_gzip_end(w->packer);
    qn_mem_free(out->mem, p, room);
    return status;
}

quern_status qn_png_write_rows(qn_buf *out, const qn_png *png, qn_png_row_fn *row,
                               void *ctx, quern_error *err)
{
    static const uint8_t colour[] = {0, 0, 0, 2, 6};
    writing w = {.png = png, .row = row, .ctx = ctx};
    const size_t from = out->n;
    QN_TRY(check(png, err));
    w.row_bytes = (size_t)png->width * (size_t)(png->channels * png->bits / 8);
    qn_buf_add(out, "\x89PNG\r\n\x1a\n", 8);
    const size_t head = begin_chunk(out, "IHDR");
    qn_buf_u32be(out, png->width);
    qn_buf_u32be(out, png->height);
    qn_buf_byte(out, png->bits);
    qn_buf_byte(out, colour[png->channels]);
    qn_buf_add(out, "\0\0\0", 3); /* deflate, adaptive filters, not interlaced */
    end_chunk(out, head);
    quern_status status = put_data(&w, out, err);
    end_chunk(out, begin_chunk(out, "IEND"));
    if (status == QUERN_OK) status = qn_buf_status(out, err);
    if (status != QUERN_OK) out->n = from;
    return status;
}

/* ---- pixels that are there ------------------------------------------------------ */

static void copy_row(void *ctx, uint32_t y, void *row)
{
    const qn_png *png = ctx;
    const size_t n = (size_t)png->width * (size_t)(png->channels * png->bits / 8);
    memcpy(row, (const char *)png->pixels + y * n, n);
}

quern_status qn_png_write(qn_buf *out, const qn_png *png, quern_error *err)
{
    return qn_png_write_rows(out, png, copy_row, (void *)(uintptr_t)png, err);
}

quern_status qn_png_save(qn_mem *mem, const char *path, const qn_png *png,
                         quern_error *err)
{
    qn_buf out;
    qn_buf_init(&out, mem);
    quern_status status = qn_png_write(&out, png, err);
    if (status == QUERN_OK) status = qn_file_save(mem, path, out.p, out.n, err);
    qn_buf_done(&out);
    return status;
}
