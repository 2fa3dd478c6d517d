/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_values.c - the values of a Parquet page, by its encoding.
 *
 * Nulls are told by levels and take no place among the values; so values are decoded
 * side by side first and then moved, from the last on, to where their rows are. */
#include "formats/parquet_delta.h"
#include "formats/parquet_page.h"
#include "formats/parquet_runs.h"

#include <string.h>

#define MOST_TEXTS ((size_t)512 << 20) /* bytes that texts of one page take */

typedef enum encoding {
    PLAIN = 0,
    OLD_DICTIONARY = 2,
    RUNS = 3,
    DELTA_INTS = 5,
    DELTA_LENGTHS = 6,
    DELTA_TEXTS = 7,
    DICTIONARY = 8,
    SPLIT = 9 /* first bytes of all values, second bytes, ... */
} encoding;

/* Values to be decoded: dense ones, n of them, which fill the front of to's lists. */
typedef struct decoding {
    const qn_pq_column *column;
    qn_span in;
    size_t n;
    const qn_pq_values *dictionary;
    qn_arena *arena;
    qn_pq_values *to;
} decoding;

static bool is_bytes(qn_pq_type type)
{
    return type == QN_PQ_BYTES || type == QN_PQ_FIXED;
}

static bool is_real(qn_pq_type type)
{
    return type == QN_PQ_FLOAT || type == QN_PQ_DOUBLE;
}

/* Bytes of a value, where all are alike; else 0. */
static size_t size_of(const qn_pq_column *c)
{
    static const size_t sizes[] = {0, 4, 8, 12, 4, 8, 0, 0};
    return c->type == QN_PQ_FIXED ? (size_t)c->fixed_bytes : sizes[c->type];
}

static quern_status too_few(const decoding *d, quern_error *err)
{
    return qn_fail(err, QUERN_FORMAT, "%zu bytes are left for %zu values", d->in.n,
                   d->n);
}

/* ---- plain ---------------------------------------------------------------------- */

static quern_status plain_truths(decoding *d, quern_error *err)
{
    if (d->in.n < (d->n + 7) / 8) return too_few(d, err);
    for (size_t i = 0; i < d->n; i++)
        d->to->ints[i] = d->in.p[i / 8] >> i % 8 & 1;
    return QUERN_OK;
}

static quern_status plain_bytes(decoding *d, quern_error *err)
{
    uint32_t length;
    for (size_t i = 0; i < d->n; i++) {
        if (!qn_take_u32le(&d->in, &length)) return too_few(d, err);
        if (!qn_take(&d->in, length, &d->to->bytes[i]))
            return qn_fail(err, QUERN_FORMAT, "value %zu has %u bytes, %zu are left", i,
                           length, d->in.n);
    }
    return QUERN_OK;
}

/* One value of a fixed size. */
static void put_fixed(decoding *d, size_t i, const qn_span *value)
{
    int32_t whole;
    float single;
    switch (d->column->type) {
    case QN_PQ_INT32:
        memcpy(&whole, value->p, sizeof whole);
        d->to->ints[i] = whole;
        break;
    case QN_PQ_INT64:
        memcpy(&d->to->ints[i], value->p, sizeof d->to->ints[i]);
        break;
    case QN_PQ_FLOAT:
        memcpy(&single, value->p, sizeof single);
        d->to->reals[i] = (double)single;
        break;
    case QN_PQ_DOUBLE:
        memcpy(&d->to->reals[i], value->p, sizeof d->to->reals[i]);
        break;
    default:
        d->to->bytes[i] = *value;
    }
}

static quern_status plain_fixed(decoding *d, quern_error *err)
{
    qn_span value;
    const size_t size = size_of(d->column);
    for (size_t i = 0; i < d->n; i++) {
        if (!qn_take(&d->in, size, &value)) return too_few(d, err);
        put_fixed(d, i, &value);
    }
    return QUERN_OK;
}

static quern_status plain(decoding *d, quern_error *err)
{
    if (d->column->type == QN_PQ_BOOLEAN) return plain_truths(d, err);
    if (d->column->type == QN_PQ_BYTES) return plain_bytes(d, err);
    return plain_fixed(d, err);
}

/* Puts the bytes of each value together again, then as above. */
static quern_status split(decoding *d, quern_error *err)
{
    const size_t size = size_of(d->column);
    void *room;
    if (size == 0 || d->in.n / size < d->n) return too_few(d, err);
    QN_TRY(qn_arena_raw(d->arena, size * d->n, &room, err));
    uint8_t *to = room;
    for (size_t i = 0; i < d->n; i++)
        for (size_t b = 0; b < size; b++)
            *to++ = d->in.p[b * d->n + i];
    d->in = (qn_span){room, size * d->n, d->in.offset};
    return plain_fixed(d, err);
}

/* ---- runs and dictionaries ------------------------------------------------------ */

enum { SOME = 256 }; /* numbers taken at a time */

static quern_status truths_of_runs(decoding *d, quern_error *err)
{
    uint32_t length, some[SOME];
    qn_span in;
    qn_pq_runs runs;
    if (!qn_take_u32le(&d->in, &length) || !qn_take(&d->in, length, &in))
        return too_few(d, err);
    qn_pq_runs_begin(&runs, &in, 1);
    for (size_t i = 0; i < d->n; i += SOME) {
        const size_t k = d->n - i < SOME ? d->n - i : SOME;
        QN_TRY(qn_pq_runs_take(&runs, some, k, err));
        for (size_t j = 0; j < k; j++)
            d->to->ints[i + j] = some[j];
    }
    return QUERN_OK;
}

static quern_status look_up(decoding *d, size_t i, uint32_t index, quern_error *err)
{
    const qn_pq_values *from = d->dictionary;
    if (index >= (uint64_t)from->n)
        return qn_fail(err, QUERN_FORMAT,
                       "value %zu is entry %u of a dictionary of %lld", i, index,
                       (long long)from->n);
    if (from->ints) d->to->ints[i] = from->ints[index];
    if (from->reals) d->to->reals[i] = from->reals[index];
    if (from->bytes) d->to->bytes[i] = from->bytes[index];
    return QUERN_OK;
}

static quern_status by_dictionary(decoding *d, quern_error *err)
{
    uint8_t width;
    uint32_t some[SOME];
    qn_pq_runs runs;
    if (d->n == 0) return QUERN_OK;
    if (!d->dictionary) return qn_fail(err, QUERN_FORMAT, "its dictionary is missing");
    if (!qn_take_u8(&d->in, &width)) return too_few(d, err);
    if (width > 32)
        return qn_fail(err, QUERN_FORMAT, "entries of a dictionary by %d bits", width);
    qn_pq_runs_begin(&runs, &d->in, width);
    for (size_t i = 0; i < d->n; i += SOME) {
        const size_t k = d->n - i < SOME ? d->n - i : SOME;
        QN_TRY(qn_pq_runs_take(&runs, some, k, err));
        for (size_t j = 0; j < k; j++)
            QN_TRY(look_up(d, i + j, some[j], err));
    }
    return QUERN_OK;
}

/* ---- one page ------------------------------------------------------------------- */

static quern_status delta_ints(decoding *d, quern_error *err)
{
    return qn_pq_delta_ints(&d->in, d->column->type == QN_PQ_INT32 ? 32 : 64,
                            (int64_t)d->n, d->to->ints, err);
}

static quern_status delta_texts(decoding *d, quern_error *err)
{
    QN_TRY(qn_pq_delta_texts(&d->in, (int64_t)d->n, MOST_TEXTS, d->arena, d->to->bytes,
                             err));
    for (size_t i = 0; i < d->n && d->column->type == QN_PQ_FIXED; i++)
        if (d->to->bytes[i].n != size_of(d->column))
            return qn_fail(err, QUERN_FORMAT, "value %zu has %zu bytes, not %zu", i,
                           d->to->bytes[i].n, size_of(d->column));
    return QUERN_OK;
}

static quern_status decode_values(decoding *d, int how, quern_error *err)
{
    const qn_pq_type type = d->column->type;
    const bool is_int = type == QN_PQ_INT32 || type == QN_PQ_INT64;
    if (how == PLAIN) return plain(d, err);
    if (how == DICTIONARY || how == OLD_DICTIONARY) return by_dictionary(d, err);
    if (how == RUNS && type == QN_PQ_BOOLEAN) return truths_of_runs(d, err);
    if (how == DELTA_INTS && is_int) return delta_ints(d, err);
    if (how == DELTA_LENGTHS && type == QN_PQ_BYTES)
        return qn_pq_delta_lengths(&d->in, (int64_t)d->n, d->arena, d->to->bytes, err);
    if (how == DELTA_TEXTS && is_bytes(type)) return delta_texts(d, err);
    if (how == SPLIT) return split(d, err);
    return qn_fail(err, QUERN_UNSUPPORTED, "encoding %d of type %d is not read", how,
                   (int)type);
}

/* Lists for n values of the column's type. */
static quern_status make_lists(const qn_pq_column *column, int64_t n, qn_arena *arena,
                               qn_pq_values *out, quern_error *err)
{
    void *room;
    const size_t count = (size_t)n;
    *out = (qn_pq_values){.n = n};
    if (is_bytes(column->type)) {
        QN_TRY(qn_arena_array(arena, count, sizeof *out->bytes, &room, err));
        out->bytes = room;
    } else if (is_real(column->type)) {
        QN_TRY(qn_arena_array(arena, count, sizeof *out->reals, &room, err));
        out->reals = room;
    } else {
        QN_TRY(qn_arena_array(arena, count, sizeof *out->ints, &room, err));
        out->ints = room;
    }
    return QUERN_OK;
}

/* Which values are null: those whose level is not the highest.  *n_there: the others.
 */
static quern_status read_nulls(const qn_pq_column *column, const qn_span *levels,
                               int64_t n, qn_arena *arena, const bool **is_null,
                               size_t *n_there, quern_error *err)
{
    uint32_t some[SOME];
    void *room;
    qn_pq_runs runs;
    int width = 0;
    while (column->max_nulls >> width)
        width++;
    *n_there = (size_t)n;
    if (width == 0) return QUERN_OK;
    QN_TRY(qn_arena_array(arena, (size_t)n, sizeof **is_null, &room, err));
    bool *list = room;
    *n_there = 0;
    qn_pq_runs_begin(&runs, levels, width);
    for (int64_t i = 0; i < n; i += SOME) {
        const size_t k = n - i < SOME ? (size_t)(n - i) : SOME;
        QN_TRY(qn_pq_runs_take(&runs, some, k, err));
        for (size_t j = 0; j < k; j++) {
            list[i + (int64_t)j] = some[j] != (uint32_t)column->max_nulls;
            *n_there += !list[i + (int64_t)j];
        }
    }
    if (*n_there < (size_t)n) *is_null = list;
    return QUERN_OK;
}

/* Moves the n_there values at the front to their rows. */
static void spread(qn_pq_values *v, size_t n_there)
{
    for (int64_t i = v->n; v->is_null && i-- > 0;) {
        const bool is_null = v->is_null[i];
        if (!is_null) n_there--;
        if (v->ints) v->ints[i] = is_null ? 0 : v->ints[n_there];
        if (v->reals) v->reals[i] = is_null ? 0 : v->reals[n_there];
        if (v->bytes) v->bytes[i] = is_null ? (qn_span){0} : v->bytes[n_there];
    }
}

static quern_status decode(const qn_pq_column *column, int codec,
                           const qn_pq_page *page, const qn_pq_values *dictionary,
                           qn_arena *arena, qn_pq_values *out, quern_error *err)
{
    qn_pq_content content;
    size_t n_there = (size_t)page->n_values;
    if (column->type == QN_PQ_INT96)
        return qn_fail(err, QUERN_UNSUPPORTED, "it holds times of 96 bits");
    QN_TRY(qn_pq_unpack(column, codec, page, arena, &content, err));
    QN_TRY(make_lists(column, page->n_values, arena, out, err));
    if (!page->is_dictionary)
        QN_TRY(read_nulls(column, &content.nulls, page->n_values, arena, &out->is_null,
                          &n_there, err));
    decoding d = {.column = column,
                  .in = content.values,
                  .n = n_there,
                  .dictionary = dictionary,
                  .arena = arena,
                  .to = out};
    QN_TRY(page->is_dictionary ? plain(&d, err)
                               : decode_values(&d, page->encoding, err));
    spread(out, n_there);
    return QUERN_OK;
}

quern_status qn_parquet_decode(const qn_parquet *file, int group, int column,
                               const qn_pq_page *page, const qn_pq_values *dictionary,
                               qn_arena *arena, qn_pq_values *out, quern_error *err)
{
    const qn_pq_column *c = file->columns + column;
    const quern_status status = decode(c, file->groups[group].chunk[column].codec, page,
                                       dictionary, arena, out, err);
    if (status != QUERN_OK)
        qn_within(err, "page at byte %zu, column '%s'", page->body.offset, c->path);
    return status;
}

/* ---- a whole column ------------------------------------------------------------- */

typedef struct walk {
    qn_arena kept, page; /* the chunk's pages and dictionary; what a page unpacks to */
} walk;

static quern_status see_chunk(const qn_parquet *file, int group, int column, walk *w,
                              qn_pq_see *see, void *ctx, quern_error *err)
{
    qn_pq_page *pages;
    qn_pq_values dictionary, values;
    int n;
    QN_TRY(qn_parquet_pages(file, group, column, &w->kept, &pages, &n, err));
    const bool has_dictionary = n > 0 && pages[0].is_dictionary;
    if (has_dictionary)
        QN_TRY(qn_parquet_decode(file, group, column, pages, NULL, &w->kept,
                                 &dictionary, err));
    for (int i = has_dictionary; i < n; i++) {
        qn_arena_reset(&w->page);
        QN_TRY(qn_parquet_decode(file, group, column, pages + i,
                                 has_dictionary ? &dictionary : NULL, &w->page, &values,
                                 err));
        QN_TRY(see(ctx, &values, err));
    }
    return QUERN_OK;
}

quern_status qn_parquet_each(const qn_parquet *file, int column, qn_mem *mem,
                             qn_pq_see *see, void *ctx, quern_error *err)
{
    walk w;
    quern_status status = QUERN_OK;
    qn_arena_init(&w.kept, mem);
    qn_arena_init(&w.page, mem);
    for (int g = 0; g < file->n_groups && status == QUERN_OK; g++) {
        qn_arena_reset(&w.kept);
        status = see_chunk(file, g, column, &w, see, ctx, err);
    }
    qn_arena_done(&w.kept);
    qn_arena_done(&w.page);
    return status;
}
