/* SPDX-License-Identifier: Apache-2.0 */
/* formats/tiff_write.c - see tiff_write.h.  Strips of about 64 KiB, behind the strips
 * of a page its directory, which the one before points to. */
#include "formats/tiff_write.h"

#include "engine/os.h"
#include "formats/deflate.h"

#include <math.h>
#include <string.h>

enum { SHORT = 3, LONG = 4, ASCII = 2, RATIONAL = 5, LONG8 = 16 }; /* field types */
enum { STRIP_BYTES = 1 << 16, MAX_ENTRIES = 16 };
#define MOST_BYTES    ((size_t)1 << 40)
#define CLASSIC_BYTES (UINT32_MAX - (UINT32_C(1) << 26)) /* of samples, with room */

#ifdef QN_HAVE_ZLIB
static const bool has_zlib = true;
#else
static const bool has_zlib = false;
#endif

typedef struct entry {
    uint16_t tag, type;
    uint64_t count, value; /* or where the values are */
} entry;

typedef struct page {
    const qn_tiff *tiff;
    qn_buf *out;
    bool is_big;           /* offsets and counts of 64 bits */
    qn_buf offsets, sizes; /* of strips, as LONG8 or LONG, and as LONG */
    size_t row_bytes;
    uint32_t rows; /* of a strip */
    entry entry[MAX_ENTRIES];
    int n;
} page;

static uint32_t pages_of(const qn_tiff *tiff)
{
    return tiff->n_pages ? tiff->n_pages : 1;
}

static quern_status check(const qn_tiff *t, size_t *row_bytes, size_t *page_bytes,
                          quern_error *err)
{
    size_t all;
    if ((t->bits != 8 && t->bits != 16 && t->bits != 32) ||
        (t->channels != 1 && t->channels != 3) || (t->is_float && t->bits != 32))
        return qn_fail(err, QUERN_INVALID, "a TIFF of %d channels of %d bits",
                       t->channels, t->bits);
    if (t->width < 1 || t->height < 1 ||
        !qn_size_mul(t->width, (size_t)(t->channels * t->bits / 8), row_bytes) ||
        !qn_size_mul(*row_bytes, t->height, page_bytes) ||
        !qn_size_mul(*page_bytes, pages_of(t), &all) || all > MOST_BYTES)
        return qn_fail(err, QUERN_LIMIT,
                       "a TIFF of %u pages of %u x %u pixels; at most 1 TiB fits",
                       pages_of(t), t->width, t->height);
    return QUERN_OK;
}

static void add(page *p, int tag, int type, uint64_t count, uint64_t value)
{
    p->entry[p->n++] = (entry){(uint16_t)tag, (uint16_t)type, count, value};
}

/* Bytes of an array, and the entry that points to them. */
static void add_bytes(page *p, int tag, int type, uint64_t count, const void *bytes,
                      size_t n)
{
    uint64_t value = 0;
    if (n <= (p->is_big ? 8 : 4)) {
        memcpy(&value, bytes, n);
    } else {
        if (p->out->n % 2) qn_buf_byte(p->out, 0); /* values begin on words */
        value = p->out->n;
        qn_buf_add(p->out, bytes, n);
    }
    add(p, tag, type, count, value);
}

static quern_status put_strips(page *p, const uint8_t *rows, quern_error *err)
{
    const uint32_t height = p->tiff->height;
    for (uint32_t y = 0; y < height; y += p->rows) {
        const uint32_t n = height - y < p->rows ? height - y : p->rows;
        const uint8_t *strip = rows + (size_t)y * p->row_bytes;
        const size_t from = p->out->n, bytes = (size_t)n * p->row_bytes;
        qn_buf_add(&p->offsets, &from, p->is_big ? 8 : 4);
        if (p->tiff->deflate && has_zlib)
            QN_TRY(qn_deflate(strip, bytes, p->out, err));
        else
            qn_buf_add(p->out, strip, bytes);
        qn_buf_u32le(&p->sizes, (uint32_t)(p->out->n - from));
        qn_mem_passed(p->out->mem, bytes);
        if (!p->is_big && p->out->n > UINT32_MAX - (1 << 20))
            return qn_fail(err, QUERN_LIMIT, "a TIFF of more than 4 GiB");
    }
    QN_TRY(qn_buf_status(&p->offsets, err));
    return qn_buf_status(&p->sizes, err);
}

static void add_resolution(page *p)
{
    const double per_cm = 1e4 / p->tiff->um_per_px;
    const uint32_t below = per_cm < 1e5 ? 10000 : 1;
    if (!(p->tiff->um_per_px > 0) || per_cm > 4e9) return;
    const uint32_t ratio[] = {(uint32_t)(per_cm * below + 0.5), below};
    add_bytes(p, 282, RATIONAL, 1, ratio, sizeof ratio);
    add_bytes(p, 283, RATIONAL, 1, ratio, sizeof ratio);
}

/* The directory, its entries in the order of tags. */
static void put_directory(page *p, bool is_first)
{
    const qn_tiff *t = p->tiff;
    const uint16_t bits = (uint16_t)t->bits, format = t->is_float ? 3 : 1;
    const uint16_t all_bits[] = {bits, bits, bits},
                   formats[] = {format, format, format};
    const uint32_t n = (uint32_t)t->channels, strips = (uint32_t)(p->sizes.n / 4);
    add(p, 256, LONG, 1, t->width);
    add(p, 257, LONG, 1, t->height);
    add_bytes(p, 258, SHORT, n, all_bits, 2 * n);
    add(p, 259, SHORT, 1, t->deflate && has_zlib ? 8 : 1);
    add(p, 262, SHORT, 1, n == 3 ? 2 : 1);
    if (is_first && t->about)
        add_bytes(p, 270, ASCII, (uint32_t)strlen(t->about) + 1, t->about,
                  strlen(t->about) + 1);
    add_bytes(p, 273, p->is_big ? LONG8 : LONG, strips, p->offsets.p, p->offsets.n);
    add(p, 277, SHORT, 1, n);
    add(p, 278, LONG, 1, p->rows);
    add_bytes(p, 279, LONG, strips, p->sizes.p, p->sizes.n);
    add_resolution(p);
    add(p, 284, SHORT, 1, 1);
    if (p->entry[p->n - 2].tag == 283) add(p, 296, SHORT, 1, 3);
    add_bytes(p, 339, SHORT, n, formats, 2 * n);
}

/* link: where the offset of the directory belongs, and where that of the next will. */
static quern_status put_page(page *p, const uint8_t *rows, bool is_first, size_t *link,
                             quern_error *err)
{
    QN_TRY(put_strips(p, rows, err));
    put_directory(p, is_first);
    if (p->out->n % 2) qn_buf_byte(p->out, 0);
    const uint64_t at = p->out->n, none = 0, n = (uint64_t)p->n;
    const size_t word = p->is_big ? 8 : 4; /* of counts and offsets, little-endian */
    qn_buf_add(p->out, &n, p->is_big ? 8 : 2);
    for (int i = 0; i < p->n; i++) {
        qn_buf_u16le(p->out, p->entry[i].tag);
        qn_buf_u16le(p->out, p->entry[i].type);
        qn_buf_add(p->out, &p->entry[i].count, word);
        qn_buf_add(p->out, &p->entry[i].value, word);
    }
    qn_buf_add(p->out, &none, word);
    QN_TRY(qn_buf_status(p->out, err));
    memcpy(p->out->p + *link, &at, word);
    *link = p->out->n - word;
    return QUERN_OK;
}

/* Offsets in the file are those in out, which is empty at first. */
static quern_status put_pages(qn_buf *out, const qn_tiff *t, size_t row_bytes,
                              size_t page_bytes, quern_error *err)
{
    quern_status status = QUERN_OK;
    const size_t rows = row_bytes < STRIP_BYTES ? STRIP_BYTES / row_bytes : 1;
    const size_t classic = t->classic_bytes ? t->classic_bytes : CLASSIC_BYTES;
    page p = {.tiff = t,
              .out = out,
              .row_bytes = row_bytes,
              .is_big = page_bytes > classic / pages_of(t)};
    size_t link = p.is_big ? 8 : 4;
    p.rows = rows < t->height ? (uint32_t)rows : t->height;
    qn_buf_init(&p.offsets, out->mem);
    qn_buf_init(&p.sizes, out->mem);
    if (p.is_big)
        qn_buf_add(out, "II+\0\x08\0\0\0\0\0\0\0\0\0\0\0", 16);
    else
        qn_buf_add(out, "II*\0\0\0\0\0", 8);
    for (uint32_t i = 0; i < pages_of(t) && status == QUERN_OK; i++) {
        qn_buf_clear(&p.offsets);
        qn_buf_clear(&p.sizes);
        p.n = 0;
        status = put_page(&p, (const uint8_t *)t->samples + i * page_bytes, i == 0,
                          &link, err);
    }
    qn_buf_done(&p.offsets);
    qn_buf_done(&p.sizes);
    return status;
}

quern_status qn_tiff_write(qn_buf *out, const qn_tiff *tiff, quern_error *err)
{
    size_t row_bytes, page_bytes;
    qn_buf file;
    QN_TRY(check(tiff, &row_bytes, &page_bytes, err));
    if (out->n == 0) return put_pages(out, tiff, row_bytes, page_bytes, err);
    qn_buf_init(&file, out->mem);
    quern_status status = put_pages(&file, tiff, row_bytes, page_bytes, err);
    if (status == QUERN_OK) {
        qn_buf_add(out, file.p, file.n);
        status = qn_buf_status(out, err);
    }
    qn_buf_done(&file);
    return status;
}

quern_status qn_tiff_save(qn_mem *mem, const char *path, const qn_tiff *tiff,
                          quern_error *err)
{
    qn_buf out;
    qn_buf_init(&out, mem);
    quern_status status = qn_tiff_write(&out, tiff, err);
    if (status == QUERN_OK) status = qn_file_save(mem, path, out.p, out.n, err);
    qn_buf_done(&out);
    return status;
}
