/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_page.c - the pages of a Parquet chunk: their headers, checksums and
 * codecs.
 *
 * Before anything is reserved, the size that a page says it unpacks to is held against
 * the most that its codec can make of the bytes that are there. */
#include "formats/parquet_page.h"

#include "formats/deflate.h"
#include "formats/lz4.h"
#include "formats/snappy.h"
#include "formats/thrift.h"
#include "formats/unpack.h"

#include <string.h>

#define MOST_UNPACKED ((uint32_t)512 << 20) /* bytes of a page */
enum { DATA, INDEX, DICTIONARY, DATA_V2 };  /* kinds of pages */
enum { LEVELS_AS_RUNS = 3 };

/* ---- headers -------------------------------------------------------------------- */

typedef struct header {
    int64_t kind, unpacked, packed;
    bool has_body; /* the struct of that kind was there */
} header;

static quern_status take_size(const qn_thrift_field *f, int64_t *out, quern_error *err)
{
    QN_TRY(qn_thrift_expect(f, QN_THRIFT_I64, "a number of a page", err));
    if (f->i < 0 || f->i > INT32_MAX)
        return qn_fail(err, QUERN_FORMAT, "field %d of a page is %lld", f->id,
                       (long long)f->i);
    *out = f->i;
    return QUERN_OK;
}

/* The struct of a page's own kind: what its fields mean depends on the kind. */
static quern_status take_kind(qn_span *in, int kind, qn_pq_page *page, quern_error *err)
{
    qn_thrift_field f = {0};
    int64_t field[8] = {0};
    bool is_packed = true;
    for (;;) {
        QN_TRY(qn_thrift_next(in, &f, err));
        if (f.type == QN_THRIFT_STOP) break;
        if (kind == DATA_V2 && f.id == 7) {
            QN_TRY(qn_thrift_expect(&f, QN_THRIFT_TRUE, "is_compressed", err));
            is_packed = f.i != 0;
        } else if (f.id >= 1 && f.id <= 6 && f.type == QN_THRIFT_I32) {
            QN_TRY(take_size(&f, &field[f.id], err));
        }
        QN_TRY(qn_thrift_skip(in, &f, err));
    }
    page->n_values = field[1];
    page->encoding = (int)field[kind == DATA_V2 ? 4 : 2];
    page->level_encoding = kind == DATA ? (int)field[3] : LEVELS_AS_RUNS;
    page->is_packed = is_packed;
    if (kind != DATA_V2) return QUERN_OK;
    page->null_bytes = (uint32_t)field[5];
    page->repeat_bytes = (uint32_t)field[6];
    return QUERN_OK;
}

static quern_status take_header(qn_span *in, header *h, qn_pq_page *page,
                                quern_error *err)
{
    static const int field_of[] = {
        [DATA] = 5, [INDEX] = 6, [DICTIONARY] = 7, [DATA_V2] = 8};
    qn_thrift_field f = {0};
    *h = (header){.kind = -1};
    *page = (qn_pq_page){0};
    for (;;) {
        QN_TRY(qn_thrift_next(in, &f, err));
        if (f.type == QN_THRIFT_STOP) return QUERN_OK;
        if (f.id == 1)
            QN_TRY(take_size(&f, &h->kind, err));
        else if (f.id == 2)
            QN_TRY(take_size(&f, &h->unpacked, err));
        else if (f.id == 3)
            QN_TRY(take_size(&f, &h->packed, err));
        if (f.id == 4 && f.type == QN_THRIFT_I32) {
            page->has_crc = true;
            page->crc = (uint32_t)f.i;
        }
        if (h->kind >= 0 && h->kind <= DATA_V2 && f.id == field_of[h->kind] &&
            f.type == QN_THRIFT_STRUCT) {
            QN_TRY(take_kind(in, (int)h->kind, page, err));
            h->has_body = true;
        } else {
            QN_TRY(qn_thrift_skip(in, &f, err));
        }
    }
}

static quern_status check_header(const header *h, const qn_pq_page *page,
                                 quern_error *err)
{
    if (h->kind < DATA || h->kind > DATA_V2 || (h->kind != INDEX && !h->has_body))
        return qn_fail(err, QUERN_FORMAT, "a page of kind %lld without its header",
                       (long long)h->kind);
    if (h->unpacked > MOST_UNPACKED)
        return qn_fail(err, QUERN_LIMIT, "a page of %lld bytes; at most %u",
                       (long long)h->unpacked, MOST_UNPACKED);
    /* A run of equal values takes a few bytes, so this is no more than a brake. */
    if (page->n_values > ((int64_t)1 << 22) + 8 * h->unpacked)
        return qn_fail(err, QUERN_LIMIT, "a page of %lld bytes with %lld values",
                       (long long)h->unpacked, (long long)page->n_values);
    if (h->kind == DATA_V2 &&
        (int64_t)page->null_bytes + page->repeat_bytes > h->unpacked)
        return qn_fail(err, QUERN_FORMAT, "levels of %lld bytes in a page of %lld",
                       (long long)page->null_bytes + page->repeat_bytes,
                       (long long)h->unpacked);
    return QUERN_OK;
}

static quern_status take_page(qn_span *in, qn_pq_page *page, bool *is_index,
                              quern_error *err)
{
    header h;
    QN_TRY(take_header(in, &h, page, err));
    QN_TRY(check_header(&h, page, err));
    if (!qn_take(in, (uint64_t)h.packed, &page->body))
        return qn_fail(err, QUERN_FORMAT, "a page of %lld bytes, %zu are left",
                       (long long)h.packed, in->n);
    page->unpacked = (uint32_t)h.unpacked;
    page->is_dictionary = h.kind == DICTIONARY;
    page->is_v2 = h.kind == DATA_V2;
    *is_index = h.kind == INDEX;
    return QUERN_OK;
}

/* ---- chunks --------------------------------------------------------------------- */

static quern_status check_chunk(const qn_pq_column *column, const qn_pq_chunk *chunk,
                                quern_error *err)
{
    if (chunk->is_encrypted) return qn_fail(err, QUERN_UNSUPPORTED, "it is encrypted");
    if (chunk->is_elsewhere)
        return qn_fail(err, QUERN_UNSUPPORTED, "it lies in another file");
    if (column->max_repeats > 0)
        return qn_fail(err, QUERN_UNSUPPORTED, "it is a list; single values are read");
    return QUERN_OK;
}

static quern_status take_pages(const qn_pq_chunk *chunk, qn_arena *arena,
                               qn_pq_page **pages, int *n_pages, quern_error *err)
{
    qn_span in = chunk->bytes;
    int64_t n = 0;
    bool is_index = false;
    qn_pq_page page;
    for (*n_pages = 0; n < chunk->n_values;) {
        const size_t held = (size_t)*n_pages;
        QN_TRY(take_page(&in, &page, &is_index, err));
        if (is_index) continue;
        if (page.is_dictionary && held > 0)
            return qn_fail(err, QUERN_FORMAT, "page %zu of it is a dictionary", held);
        if ((held & (held - 1)) == 0) { /* full at every power of two */
            void *more;
            QN_TRY(qn_arena_array(arena, held ? 2 * held : 1, sizeof page, &more, err));
            if (held) memcpy(more, *pages, held * sizeof page);
            *pages = more;
        }
        (*pages)[held] = page;
        ++*n_pages;
        if (!page.is_dictionary) n += page.n_values;
    }
    if (n == chunk->n_values) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "its pages have %lld values, %lld are declared",
                   (long long)n, (long long)chunk->n_values);
}

quern_status qn_parquet_pages(const qn_parquet *file, int group, int column,
                              qn_arena *arena, qn_pq_page **pages, int *n_pages,
                              quern_error *err)
{
    const qn_pq_column *c = file->columns + column;
    const qn_pq_chunk *chunk = file->groups[group].chunk + column;
    *pages = NULL;
    quern_status status = check_chunk(c, chunk, err);
    if (status == QUERN_OK) status = take_pages(chunk, arena, pages, n_pages, err);
    if (status == QUERN_OK && chunk->n_values != file->groups[group].n_rows)
        status =
            qn_fail(err, QUERN_FORMAT, "%lld values for %lld rows",
                    (long long)chunk->n_values, (long long)file->groups[group].n_rows);
    if (status != QUERN_OK) qn_within(err, "group %d of column '%s'", group, c->path);
    return status;
}

/* ---- codecs --------------------------------------------------------------------- */

static quern_status gunzip(const void *bytes, size_t n, void *out, size_t size,
                           quern_error *err)
{
    return qn_gunzip_body(bytes, n, 0, out, size, err);
}

static const struct {
    const char *name;
    size_t ratio; /* bytes that one packed byte can become, rounded up */
    quern_status (*unpack)(const void *bytes, size_t n, void *out, size_t size,
                           quern_error *err);
} codecs[] = {
    {"none", 1, NULL},
    {"Snappy", 32, qn_snappy_unpack},
    {"gzip", 1040, gunzip},
    {"LZO", 1, NULL},
    {"Brotli", 1 << 20, qn_brotli_unpack}, /* meta-blocks of 16 MiB in a few bytes */
    {"LZ4 as Hadoop frames it", 1, NULL},
    {"Zstandard", 1 << 16, qn_zstd_unpack}, /* blocks of 128 KiB in four bytes */
    {"LZ4", 256, qn_lz4_unpack},
};
#define N_CODECS ((int)(sizeof codecs / sizeof codecs[0]))

/* What is packed, as size bytes in arena. */
static quern_status unpack(int codec, const qn_span *packed, size_t size,
                           qn_arena *arena, qn_span *out, quern_error *err)
{
    void *room;
    if (codec >= N_CODECS)
        return qn_fail(err, QUERN_UNSUPPORTED, "codec %d is not known", codec);
    if (!codecs[codec].unpack)
        return qn_fail(err, QUERN_UNSUPPORTED, "it is packed by %s, which is not read",
                       codecs[codec].name);
    if (size / codecs[codec].ratio > packed->n + 64)
        return qn_fail(err, QUERN_FORMAT,
                       "%zu bytes of %s cannot unpack to %zu, as is declared",
                       packed->n, codecs[codec].name, size);
    QN_TRY(qn_arena_raw(arena, size, &room, err));
    QN_TRY(codecs[codec].unpack(packed->p, packed->n, room, size, err));
    *out = (qn_span){room, size, packed->offset};
    return QUERN_OK;
}

static quern_status unpack_values(int codec, const qn_pq_page *page, qn_span packed,
                                  size_t size, qn_arena *arena, qn_span *out,
                                  quern_error *err)
{
    *out = packed;
    if (codec != 0 && page->is_packed && size > 0)
        return unpack(codec, &packed, size, arena, out, err);
    if (packed.n == size || size == 0) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "a page of %zu bytes is declared as %zu",
                   packed.n, size);
}

/* ---- levels --------------------------------------------------------------------- */

static quern_status take_levels_v1(qn_span *in, int most, const qn_pq_page *page,
                                   qn_span *out, quern_error *err)
{
    uint32_t n;
    if (most == 0) return QUERN_OK;
    if (page->level_encoding != LEVELS_AS_RUNS)
        return qn_fail(err, QUERN_UNSUPPORTED, "levels of encoding %d are not read",
                       page->level_encoding);
    if (qn_take_u32le(in, &n) && qn_take(in, n, out)) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "levels are cut off, %zu bytes are left", in->n);
}

/* Of version 2: levels lie before what is packed. */
static quern_status unpack_v2(int codec, const qn_pq_page *page, qn_arena *arena,
                              qn_pq_content *out, quern_error *err)
{
    qn_span in = page->body;
    const size_t levels = (size_t)page->repeat_bytes + page->null_bytes;
    if (!qn_take(&in, page->repeat_bytes, &out->repeats) ||
        !qn_take(&in, page->null_bytes, &out->nulls))
        return qn_fail(err, QUERN_FORMAT, "levels of %zu bytes in a page of %zu",
                       levels, page->body.n);
    return unpack_values(codec, page, in, page->unpacked - levels, arena, &out->values,
                         err);
}

static quern_status check_crc(const qn_pq_page *page, quern_error *err)
{
    if (!page->has_crc) return QUERN_OK;
    const uint32_t crc = qn_crc32(0, page->body.p, page->body.n);
    if (crc == page->crc) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "its checksum is %08x, not %08x", crc, page->crc);
}

quern_status qn_pq_unpack(const qn_pq_column *column, int codec, const qn_pq_page *page,
                          qn_arena *arena, qn_pq_content *out, quern_error *err)
{
    *out = (qn_pq_content){0};
    QN_TRY(check_crc(page, err));
    if (page->is_v2) return unpack_v2(codec, page, arena, out, err);
    QN_TRY(unpack_values(codec, page, page->body, page->unpacked, arena, &out->values,
                         err));
    if (page->is_dictionary) return QUERN_OK;
    QN_TRY(take_levels_v1(&out->values, column->max_repeats, page, &out->repeats, err));
    return take_levels_v1(&out->values, column->max_nulls, page, &out->nulls, err);
}
