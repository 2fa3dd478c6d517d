/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet.c - see parquet.h: the footer of a Parquet file.
 *
 *   "PAR1"  pages ...  FileMetaData (thrift)  its length (u32)  "PAR1"
 *
 * The schema is a tree, depth first; its leaves are the columns.  What optional and
 * repeated fields stand above a leaf gives its highest levels. */
#include "formats/parquet.h"

#include "formats/thrift.h"

#include <string.h>

enum { MOST_DEPTH = 16, MOST_COLUMNS = 10000 };

static bool has_mark(const uint8_t *p, const char *mark)
{
    return memcmp(p, mark, 4) == 0;
}

bool qn_is_parquet(const void *bytes, size_t n)
{
    return n >= 4 && (has_mark(bytes, "PAR1") || has_mark(bytes, "PARE"));
}

/* ---- fields --------------------------------------------------------------------- */

static quern_status take_int(const qn_thrift_field *f, int64_t most, int64_t *out,
                             const char *what, quern_error *err)
{
    QN_TRY(qn_thrift_expect(f, QN_THRIFT_I64, what, err));
    if (f->i < 0 || f->i > most)
        return qn_fail(err, QUERN_FORMAT, "%s is %lld; at most %lld", what,
                       (long long)f->i, (long long)most);
    *out = f->i;
    return QUERN_OK;
}

static quern_status take_small(const qn_thrift_field *f, int *out, const char *what,
                               quern_error *err)
{
    int64_t value = 0;
    QN_TRY(take_int(f, INT32_MAX, &value, what, err));
    *out = (int)value;
    return QUERN_OK;
}

/* Room for the structs of a list, of which each takes a byte at least. */
static quern_status list_room(qn_arena *arena, const qn_thrift_field *f, size_t size,
                              void *list, quern_error *err)
{
    void *room;
    QN_TRY(qn_thrift_expect(f, QN_THRIFT_LIST, "a list", err));
    if (f->items && f->element != QN_THRIFT_STRUCT)
        return qn_fail(err, QUERN_FORMAT, "a list of structs has thrift type %d",
                       (int)f->element);
    if (f->items > INT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "a list of %u structs", f->items);
    QN_TRY(qn_arena_array(arena, f->items, size, &room, err));
    memcpy(list, &room, sizeof room);
    return QUERN_OK;
}

/* ---- the schema ----------------------------------------------------------------- */

typedef struct element {
    qn_span name;
    int type, fixed_bytes, repetition, n_children, converted;
    bool is_text;
} element;

enum { REQUIRED, OPTIONAL, REPEATED };

static quern_status take_logical(qn_span *in, element *e, quern_error *err)
{
    qn_thrift_field f = {0};
    for (;;) {
        QN_TRY(qn_thrift_next(in, &f, err));
        if (f.type == QN_THRIFT_STOP) return QUERN_OK;
        if (f.id == 1) e->is_text = true; /* of the union, STRING */
        QN_TRY(qn_thrift_skip(in, &f, err));
    }
}

static quern_status take_element(qn_span *in, element *e, quern_error *err)
{
    qn_thrift_field f = {0};
    *e = (element){.type = -1, .converted = -1};
    for (;;) {
        QN_TRY(qn_thrift_next(in, &f, err));
        if (f.type == QN_THRIFT_STOP) return QUERN_OK;
        switch (f.id) {
        case 1:
            QN_TRY(take_small(&f, &e->type, "a column's type", err));
            break;
        case 2:
            QN_TRY(take_small(&f, &e->fixed_bytes, "a type's length", err));
            break;
        case 3:
            QN_TRY(take_small(&f, &e->repetition, "a repetition", err));
            break;
        case 4:
            QN_TRY(qn_thrift_expect(&f, QN_THRIFT_BINARY, "a column's name", err));
            e->name = f.bytes;
            break;
        case 5:
            QN_TRY(take_small(&f, &e->n_children, "the fields of a struct", err));
            break;
        case 6:
            QN_TRY(take_small(&f, &e->converted, "a converted type", err));
            e->is_text = e->converted == 0;
            break;
        case 10:
            QN_TRY(qn_thrift_expect(&f, QN_THRIFT_STRUCT, "a logical type", err));
            QN_TRY(take_logical(in, e, err));
            break;
        default:
            QN_TRY(qn_thrift_skip(in, &f, err));
        }
    }
}

/* Where the walk through the schema is: the structs it is in. */
typedef struct place {
    int left;                   /* fields still to come */
    int max_nulls, max_repeats; /* of the struct */
    size_t path;                /* bytes of its path, the dot included */
} place;

typedef struct schema {
    qn_parquet *file;
    qn_arena *arena;
    place at[MOST_DEPTH];
    int depth;
    char path[1024];
} schema;

static quern_status add_name(schema *s, const qn_span *name, size_t *end,
                             quern_error *err)
{
    const size_t begin = s->at[s->depth].path;
    if (!qn_span_is_utf8(name) || name->n == 0)
        return qn_fail(err, QUERN_FORMAT,
                       "a column's name of %zu bytes is no UTF-8 text", name->n);
    if (name->n + 2 > sizeof s->path - begin)
        return qn_fail(err, QUERN_LIMIT, "a column's path is longer than %zu bytes",
                       sizeof s->path - 2);
    memcpy(s->path + begin, name->p, name->n);
    *end = begin + name->n;
    return QUERN_OK;
}

static quern_status enter_struct(schema *s, const element *e, const place *levels,
                                 quern_error *err)
{
    size_t end;
    if (s->depth + 1 == MOST_DEPTH)
        return qn_fail(err, QUERN_LIMIT, "structs more than %d deep", MOST_DEPTH - 1);
    QN_TRY(add_name(s, &e->name, &end, err));
    s->path[end] = '.';
    s->at[++s->depth] =
        (place){e->n_children, levels->max_nulls, levels->max_repeats, end + 1};
    return QUERN_OK;
}

static quern_status add_column(schema *s, const element *e, const place *levels,
                               quern_error *err)
{
    size_t end;
    if (e->type < 0 || e->type > QN_PQ_FIXED)
        return qn_fail(err, QUERN_FORMAT, "a column of type %d", e->type);
    QN_TRY(add_name(s, &e->name, &end, err));
    qn_pq_column *c = s->file->columns + s->file->n_columns++;
    *c = (qn_pq_column){.type = (qn_pq_type)e->type,
                        .fixed_bytes = e->fixed_bytes,
                        .max_nulls = levels->max_nulls,
                        .max_repeats = levels->max_repeats,
                        .is_text = e->is_text};
    return qn_arena_text(s->arena, s->path, end, &c->path, err);
}

static quern_status add_element(schema *s, const element *e, quern_error *err)
{
    while (s->depth && s->at[s->depth].left == 0)
        s->depth--;
    place *above = s->at + s->depth;
    if (above->left == 0)
        return qn_fail(err, QUERN_FORMAT,
                       "the schema has more fields than its structs");
    above->left--;
    const place levels = {.max_nulls = above->max_nulls + (e->repetition != REQUIRED),
                          .max_repeats =
                              above->max_repeats + (e->repetition == REPEATED)};
    if (e->repetition > REPEATED)
        return qn_fail(err, QUERN_FORMAT, "repetition %d is unknown", e->repetition);
    return e->n_children ? enter_struct(s, e, &levels, err)
                         : add_column(s, e, &levels, err);
}

static quern_status take_schema(qn_span *in, const qn_thrift_field *f, qn_parquet *file,
                                qn_arena *arena, quern_error *err)
{
    schema s = {.file = file, .arena = arena};
    element e;
    if (file->columns) return qn_fail(err, QUERN_FORMAT, "there are two schemas");
    if (f->items > MOST_COLUMNS)
        return qn_fail(err, QUERN_LIMIT, "a schema of %u fields; at most %d", f->items,
                       MOST_COLUMNS);
    QN_TRY(list_room(arena, f, sizeof *file->columns, &file->columns, err));
    for (uint32_t i = 0; i < f->items; i++) {
        QN_TRY(take_element(in, &e, err));
        if (i == 0)
            s.at[0].left = e.n_children;
        else
            QN_TRY(add_element(&s, &e, err));
    }
    for (; s.depth >= 0; s.depth--)
        if (s.at[s.depth].left)
            return qn_fail(err, QUERN_FORMAT, "the schema lacks %d fields",
                           s.at[s.depth].left);
    return QUERN_OK;
}

/* ---- groups of rows ------------------------------------------------------------- */

typedef struct offsets {
    int64_t data, dictionary, bytes;
} offsets;

static quern_status take_column_meta(qn_span *in, qn_pq_chunk *c, offsets *at,
                                     quern_error *err)
{
    qn_thrift_field f = {0};
    int type = 0;
    for (;;) {
        QN_TRY(qn_thrift_next(in, &f, err));
        if (f.type == QN_THRIFT_STOP) break;
        if (f.id == 1)
            QN_TRY(take_small(&f, &type, "a chunk's type", err));
        else if (f.id == 4)
            QN_TRY(take_small(&f, &c->codec, "a codec", err));
        else if (f.id == 5)
            QN_TRY(take_int(&f, INT64_MAX, &c->n_values, "a count of values", err));
        else if (f.id == 7)
            QN_TRY(take_int(&f, INT64_MAX, &at->bytes, "a chunk's size", err));
        else if (f.id == 9)
            QN_TRY(take_int(&f, INT64_MAX, &at->data, "a page's offset", err));
        else if (f.id == 11)
            QN_TRY(
                take_int(&f, INT64_MAX, &at->dictionary, "a dictionary's offset", err));
        else
            QN_TRY(qn_thrift_skip(in, &f, err));
    }
    c->type = (qn_pq_type)type;
    return QUERN_OK;
}

/* The bytes from the first page on.  Writers that had no dictionary have been seen to
 * say that it lies at 0, where the file's mark is. */
static quern_status place_chunk(const qn_parquet *file, const offsets *at,
                                qn_pq_chunk *c, quern_error *err)
{
    const bool has_dictionary = at->dictionary >= 4 && at->dictionary < at->data;
    const int64_t begin = has_dictionary ? at->dictionary : at->data;
    if (c->n_values == 0 || c->is_elsewhere) return QUERN_OK;
    if ((uint64_t)begin > file->file.n ||
        (uint64_t)at->bytes > file->file.n - (uint64_t)begin)
        return qn_fail(err, QUERN_FORMAT,
                       "a chunk of %lld bytes at %lld does not fit a file of %zu",
                       (long long)at->bytes, (long long)begin, file->file.n);
    c->bytes = (qn_span){file->file.p + begin, (size_t)at->bytes, (size_t)begin};
    return QUERN_OK;
}

static quern_status take_chunk(qn_span *in, const qn_parquet *file, qn_pq_chunk *c,
                               quern_error *err)
{
    qn_thrift_field f = {0};
    offsets at = {0};
    bool has_meta = false;
    for (;;) {
        QN_TRY(qn_thrift_next(in, &f, err));
        if (f.type == QN_THRIFT_STOP) break;
        if (f.id == 3) {
            QN_TRY(
                qn_thrift_expect(&f, QN_THRIFT_STRUCT, "a chunk's description", err));
            QN_TRY(take_column_meta(in, c, &at, err));
            has_meta = true;
            continue;
        }
        c->is_elsewhere |= f.id == 1;
        c->is_encrypted |= f.id == 8;
        QN_TRY(qn_thrift_skip(in, &f, err));
    }
    c->is_encrypted |= !has_meta;
    return place_chunk(file, &at, c, err);
}

static quern_status take_chunks(qn_span *in, const qn_thrift_field *f, qn_parquet *file,
                                qn_arena *arena, qn_pq_group *g, quern_error *err)
{
    QN_TRY(list_room(arena, f, sizeof *g->chunk, &g->chunk, err));
    if ((int)f->items != file->n_columns)
        return qn_fail(err, QUERN_FORMAT, "%u chunks, but the schema has %d columns",
                       f->items, file->n_columns);
    for (int c = 0; c < file->n_columns; c++) {
        QN_TRY(take_chunk(in, file, g->chunk + c, err));
        if (g->chunk[c].type != file->columns[c].type && !g->chunk[c].is_encrypted)
            return qn_fail(err, QUERN_FORMAT,
                           "column '%s' is of type %d, a chunk of it of type %d",
                           file->columns[c].path, (int)file->columns[c].type,
                           (int)g->chunk[c].type);
    }
    return QUERN_OK;
}

static quern_status take_group(qn_span *in, qn_parquet *file, qn_arena *arena,
                               qn_pq_group *g, quern_error *err)
{
    qn_thrift_field f = {0};
    for (;;) {
        QN_TRY(qn_thrift_next(in, &f, err));
        if (f.type == QN_THRIFT_STOP) break;
        if (f.id == 1)
            QN_TRY(take_chunks(in, &f, file, arena, g, err));
        else if (f.id == 3)
            QN_TRY(take_int(&f, INT32_MAX, &g->n_rows, "the rows of a group", err));
        else
            QN_TRY(qn_thrift_skip(in, &f, err));
    }
    if (g->chunk || file->n_columns == 0) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "a group of rows has no chunks");
}

static quern_status take_groups(qn_span *in, const qn_thrift_field *f, qn_parquet *file,
                                qn_arena *arena, quern_error *err)
{
    if (!file->columns || file->groups)
        return qn_fail(err, QUERN_FORMAT, "groups of rows come %s",
                       file->groups ? "twice" : "before the schema");
    QN_TRY(list_room(arena, f, sizeof *file->groups, &file->groups, err));
    file->n_groups = (int)f->items;
    for (int g = 0; g < file->n_groups; g++) {
        const quern_status status = take_group(in, file, arena, file->groups + g, err);
        if (status != QUERN_OK) {
            qn_within(err, "group %d", g);
            return status;
        }
        file->n_rows += file->groups[g].n_rows;
    }
    return QUERN_OK;
}

/* ---- the file ------------------------------------------------------------------- */

static quern_status take_pairs(qn_span *in, const qn_thrift_field *list,
                               qn_parquet *file, qn_arena *arena, quern_error *err)
{
    QN_TRY(list_room(arena, list, sizeof *file->pairs, &file->pairs, err));
    for (file->n_pairs = 0; file->n_pairs < (int)list->items; file->n_pairs++) {
        qn_pq_pair *pair = file->pairs + file->n_pairs;
        qn_thrift_field f = {0};
        for (;;) {
            QN_TRY(qn_thrift_next(in, &f, err));
            if (f.type == QN_THRIFT_STOP) break;
            if (f.type == QN_THRIFT_BINARY && f.id == 1) pair->key = f.bytes;
            if (f.type == QN_THRIFT_BINARY && f.id == 2) pair->value = f.bytes;
            QN_TRY(qn_thrift_skip(in, &f, err));
        }
    }
    return QUERN_OK;
}

static quern_status take_footer(qn_span in, qn_arena *arena, qn_parquet *file,
                                quern_error *err)
{
    qn_thrift_field f = {0};
    int64_t n_rows = 0;
    for (;;) {
        QN_TRY(qn_thrift_next(&in, &f, err));
        if (f.type == QN_THRIFT_STOP) break;
        if (f.id == 2)
            QN_TRY(take_schema(&in, &f, file, arena, err));
        else if (f.id == 3)
            QN_TRY(take_int(&f, INT64_MAX, &n_rows, "the count of rows", err));
        else if (f.id == 4)
            QN_TRY(take_groups(&in, &f, file, arena, err));
        else if (f.id == 5)
            QN_TRY(take_pairs(&in, &f, file, arena, err));
        else
            QN_TRY(qn_thrift_skip(&in, &f, err));
    }
    if (!file->columns) return qn_fail(err, QUERN_FORMAT, "it has no schema");
    if (file->n_rows == n_rows) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "%lld rows are declared, its groups have %lld",
                   (long long)n_rows, (long long)file->n_rows);
}

quern_status qn_parquet_parse(qn_arena *arena, const void *bytes, size_t n,
                              qn_parquet *out, quern_error *err)
{
    const uint8_t *p = bytes;
    uint32_t length;
    *out = (qn_parquet){.file = {p, n, 0}};
    if (n < 12 || !qn_is_parquet(p, n))
        return qn_fail(err, QUERN_FORMAT, "its %zu bytes do not begin as Parquet", n);
    if (has_mark(p + n - 4, "PARE"))
        return qn_fail(err, QUERN_UNSUPPORTED, "its footer is encrypted");
    if (!has_mark(p + n - 4, "PAR1"))
        return qn_fail(err, QUERN_FORMAT, "its %zu bytes do not end as Parquet", n);
    qn_span tail = {p + n - 8, 4, n - 8};
    qn_take_u32le(&tail, &length);
    if (length > n - 12)
        return qn_fail(err, QUERN_FORMAT, "a footer of %u bytes in a file of %zu",
                       length, n);
    const quern_status status = take_footer(
        (qn_span){p + n - 8 - length, length, n - 8 - length}, arena, out, err);
    if (status != QUERN_OK) qn_within(err, "footer");
    return status;
}

int qn_parquet_find(const qn_parquet *file, const char *path)
{
    for (int c = 0; c < file->n_columns; c++)
        if (strcmp(file->columns[c].path, path) == 0) return c;
    return -1;
}

qn_span qn_parquet_meta(const qn_parquet *file, const char *key)
{
    for (int i = 0; i < file->n_pairs; i++)
        if (qn_span_equal(&file->pairs[i].key, key)) return file->pairs[i].value;
    return (qn_span){0};
}
