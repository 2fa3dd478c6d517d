/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_parquet.c - data sets in Parquet files, as the Hugging Face hub keeps
 * them: a column of pictures' files, one of labels, others that go along as text.
 *
 * Labels and other small columns are read at once; a picture is unpacked and decoded
 * when it is asked for. */
#include "formats/parquet_roles.h"
#include "formats/parquet_rows.h"
#include "formats/shard_files.h"

#include <stdio.h>
#include <string.h>

#define PAGES_KEPT ((size_t)256 << 20) /* bytes of unpacked pages */
enum { LONGEST_TEXT = 4096 };          /* bytes of a label or of other columns' texts */

typedef struct state {
    qn_shards shards;
    qn_parquet *files; /* [shards.n] */
    qn_pq_rows *pictures;
} state;

/* While the table is filled. */
typedef struct filling {
    qn_dataset *set;
    state *of;
    qn_pq_roles roles;
    qn_names labels, groups, texts;
    const qn_pq_column *column; /* the one that is read */
    const char **to;            /* its texts */
    int64_t item;               /* the row's */
} filling;

/* ---- files ---------------------------------------------------------------------- */

static bool is_parquet_name(const char *name)
{
    return qn_ends_with(name, ".parquet");
}

static bool parquet_is(const char *path)
{
    return qn_shards_are(path, is_parquet_name, NULL);
}

static quern_status open_shard(qn_arena *arena, qn_shard *shard, qn_parquet *file,
                               quern_error *err)
{
    QN_TRY(qn_shard_map(shard, err));
    QN_TRY(qn_parquet_parse(arena, shard->map.base, shard->map.bytes, file, err));
    if (file->n_rows <= (int64_t)shard->map.bytes) return QUERN_OK;
    return qn_fail(err, QUERN_LIMIT, "%lld rows in %zu bytes; a picture takes one",
                   (long long)file->n_rows, shard->map.bytes);
}

/* A column of the first file in another. */
static quern_status find_column(const filling *f, const qn_parquet *file, int column,
                                int *out, quern_error *err)
{
    const char *path = f->of->files[0].columns[column].path;
    *out = qn_parquet_find(file, path);
    if (*out >= 0 && file->columns[*out].type == f->of->files[0].columns[column].type)
        return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "it has no column '%s' like that of %s", path,
                   f->of->shards.at[0].path);
}

static quern_status add_pictures(filling *f, const qn_parquet *file, quern_error *err)
{
    int column;
    QN_TRY(find_column(f, file, f->roles.picture, &column, err));
    return qn_pq_rows_add(f->of->pictures, file, column, err);
}

/* ---- labels --------------------------------------------------------------------- */

static quern_status bad_text(const filling *f, const qn_span *text, quern_error *err)
{
    return qn_fail(err, QUERN_FORMAT,
                   "row %lld: a label of %zu bytes is no UTF-8 of 1 to %d",
                   (long long)f->item, text->n, LONGEST_TEXT);
}

static quern_status label_of_text(filling *f, const qn_span *text, int64_t *label,
                                  quern_error *err)
{
    if (text->n == 0 || text->n > LONGEST_TEXT || !qn_span_is_utf8(text))
        return bad_text(f, text, err);
    return qn_names_add(&f->labels, (const char *)text->p, text->n, label, err);
}

static quern_status label_of_number(const filling *f, int64_t number, int64_t *label,
                                    quern_error *err)
{
    const int64_t most = f->roles.classes ? f->roles.n_classes : QN_MAX_CLASSES;
    if (number >= most)
        return qn_fail(err, QUERN_DATA, "row %lld: label %lld, of %lld classes",
                       (long long)f->item, (long long)number, (long long)most);
    *label = number < 0 ? -1 : number; /* the hub's way to say that it is not told */
    return QUERN_OK;
}

static quern_status see_labels(void *ctx, const qn_pq_values *v, quern_error *err)
{
    filling *f = ctx;
    for (int64_t i = 0; i < v->n; i++, f->item++) {
        const bool is_null = v->is_null && v->is_null[i];
        int64_t label = -1;
        if (v->reals)
            return qn_fail(err, QUERN_UNSUPPORTED, "labels are integers or texts");
        if (v->bytes && !is_null) QN_TRY(label_of_text(f, v->bytes + i, &label, err));
        if (v->ints && !is_null) QN_TRY(label_of_number(f, v->ints[i], &label, err));
        f->set->label[f->item] = (int32_t)label;
    }
    return QUERN_OK;
}

/* ---- other columns -------------------------------------------------------------- */

/* The value as a text that the table keeps; NULL when it is null or very long. */
static quern_status text_of(filling *f, const qn_pq_values *v, int64_t i,
                            const char **out, quern_error *err)
{
    char room[32];
    int64_t index;
    qn_span text = {(const uint8_t *)room, 0, 0};
    *out = NULL;
    if (v->is_null && v->is_null[i]) return QUERN_OK;
    if (v->bytes)
        text = v->bytes[i];
    else if (v->ints)
        text.n = (size_t)snprintf(room, sizeof room, "%lld", (long long)v->ints[i]);
    else
        text.n = (size_t)snprintf(room, sizeof room, "%.17g", v->reals[i]);
    if (text.n > LONGEST_TEXT || !qn_span_is_utf8(&text)) return QUERN_OK;
    QN_TRY(qn_names_add(&f->texts, (const char *)text.p, text.n, &index, err));
    *out = f->texts.text[index];
    return QUERN_OK;
}

static quern_status see_texts(void *ctx, const qn_pq_values *v, quern_error *err)
{
    filling *f = ctx;
    for (int64_t i = 0; i < v->n; i++, f->item++)
        QN_TRY(text_of(f, v, i, &f->to[f->item], err));
    return QUERN_OK;
}

static quern_status see_groups(void *ctx, const qn_pq_values *v, quern_error *err)
{
    filling *f = ctx;
    const char *text;
    for (int64_t i = 0; i < v->n; i++, f->item++) {
        int64_t group = -1;
        QN_TRY(text_of(f, v, i, &text, err));
        if (text) QN_TRY(qn_names_keep(&f->groups, text, &group, err));
        f->set->group[f->item] = (int32_t)group;
    }
    return QUERN_OK;
}

/* Single values that are no dates of 96 bits and can be told in a line. */
static bool is_told(const filling *f, int column)
{
    const qn_pq_column *c = f->of->files[0].columns + column;
    return column != f->roles.picture && column != f->roles.label &&
           column != f->roles.group && c->max_repeats == 0 && c->type != QN_PQ_INT96 &&
           (c->type != QN_PQ_BYTES || c->is_text) && c->type != QN_PQ_FIXED;
}

/* ---- columns of all files ------------------------------------------------------- */

static quern_status read_column(filling *f, int column, qn_pq_see *see,
                                quern_error *err)
{
    f->item = 0;
    for (int s = 0; s < f->of->shards.n; s++) {
        const qn_parquet *file = f->of->files + s;
        int c;
        quern_status status = find_column(f, file, column, &c, err);
        if (status == QUERN_OK)
            status = qn_parquet_each(file, c, f->set->arena.mem, see, f, err);
        if (status != QUERN_OK) {
            qn_within(err, "%s", f->of->shards.at[s].path);
            return status;
        }
    }
    return QUERN_OK;
}

static quern_status read_texts(filling *f, int column, quern_error *err)
{
    qn_dataset *set = f->set;
    void *room;
    qn_column *to = set->columns + set->n_columns;
    QN_TRY(qn_arena_array(&set->arena, (size_t)set->n, sizeof(char *), &room, err));
    f->to = room;
    f->texts = (qn_names){.arena = &set->arena};
    QN_TRY(read_column(f, column, see_texts, err));
    if (f->texts.n == 0) return QUERN_OK; /* nothing but nulls */
    *to = (qn_column){f->of->files[0].columns[column].path, f->to};
    set->n_columns++;
    return QUERN_OK;
}

static quern_status read_groups(filling *f, quern_error *err)
{
    void *room;
    if (f->roles.group < 0) return QUERN_OK;
    QN_TRY(qn_arena_array(&f->set->arena, (size_t)f->set->n, sizeof *f->set->group,
                          &room, err));
    f->set->group = room;
    f->texts = f->groups = (qn_names){.arena = &f->set->arena};
    QN_TRY(read_column(f, f->roles.group, see_groups, err));
    f->set->groups = f->groups.text;
    f->set->n_groups = (int)f->groups.n;
    return QUERN_OK;
}

static quern_status read_others(filling *f, quern_error *err)
{
    const qn_parquet *file = f->of->files;
    void *room;
    QN_TRY(read_groups(f, err));
    QN_TRY(qn_arena_array(&f->set->arena, (size_t)file->n_columns, sizeof(qn_column),
                          &room, err));
    f->set->columns = room;
    for (int c = 0; c < file->n_columns; c++)
        if (is_told(f, c)) QN_TRY(read_texts(f, c, err));
    return QUERN_OK;
}

/* ---- classes -------------------------------------------------------------------- */

static quern_status name_classes(filling *f, quern_error *err)
{
    qn_dataset *set = f->set;
    char folder[QN_PATH_MAX], path[QN_PATH_MAX];
    bool found;
    void *list;
    if (f->labels.n) return qn_set_sort_classes(set, &f->labels, err);
    if (f->roles.classes) {
        const size_t n = (size_t)f->roles.n_classes;
        QN_TRY(qn_arena_array(&set->arena, n, sizeof *set->classes, &list, err));
        memcpy(list, f->roles.classes, n * sizeof *set->classes);
        set->classes = list;
        set->n_classes = (int)n;
        return QUERN_OK;
    }
    QN_TRY(qn_path_folder(f->of->shards.at[0].path, folder, err));
    QN_TRY(qn_path_join(path, folder, "classes.txt", err));
    QN_TRY(qn_set_read_classes(set, path, &found, err));
    return found ? QUERN_OK : qn_set_number_classes(set, err);
}

/* ---- the set -------------------------------------------------------------------- */

/* The items of each split, whose files stand side by side. */
static quern_status add_parts(filling *f, quern_error *err)
{
    const qn_shards *shards = &f->of->shards;
    int32_t *labels;
    for (int i = 0, k; i < shards->n; i += k) {
        const qn_split split = shards->at[i].split;
        int64_t n = 0;
        for (k = 0; i + k < shards->n && shards->at[i + k].split == split; k++)
            n += f->of->files[i + k].n_rows;
        QN_TRY(qn_set_add_part(f->set, split, n, &labels, err));
    }
    return QUERN_OK;
}

static quern_status open_shards(filling *f, quern_error *err)
{
    state *s = f->of;
    void *room;
    qn_arena *arena = &f->set->arena;
    QN_TRY(qn_arena_array(arena, (size_t)s->shards.n, sizeof *s->files, &room, err));
    s->files = room;
    for (int i = 0; i < s->shards.n; i++) {
        qn_shard *shard = s->shards.at + i;
        quern_status status = open_shard(arena, shard, s->files + i, err);
        if (status == QUERN_OK && i == 0)
            status = qn_pq_roles_find(s->files, arena, &f->roles, err);
        if (status == QUERN_OK) status = add_pictures(f, s->files + i, err);
        if (status != QUERN_OK) {
            qn_within(err, "%s", shard->path);
            return status;
        }
    }
    return QUERN_OK;
}

static quern_status parquet_open(qn_dataset *set, const char *path, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_alloc(&set->arena, sizeof(state), &room, err));
    set->state = room;
    filling f = {.set = set, .of = room};
    f.labels.arena = &set->arena;
    QN_TRY(qn_shards_find(set, path, is_parquet_name, &f.of->shards, err));
    QN_TRY(qn_pq_rows_create(set->arena.mem, PAGES_KEPT, &f.of->pictures, err));
    QN_TRY(open_shards(&f, err));
    QN_TRY(add_parts(&f, err));
    if (set->n == 0) return QUERN_OK;
    QN_TRY(read_column(&f, f.roles.label, see_labels, err));
    QN_TRY(read_others(&f, err));
    QN_TRY(name_classes(&f, err));
    return qn_set_check_splits(set, err);
}

static void parquet_close(qn_dataset *set)
{
    state *s = set->state;
    if (!s) return;
    qn_pq_rows_free(s->pictures);
    qn_shards_done(&s->shards);
}

static quern_status parquet_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                                   const void **bytes, size_t *n, quern_error *err)
{
    const state *s = set->state;
    QN_TRY(qn_pq_rows_get(s->pictures, i, arena, bytes, n, err));
    return *bytes ? QUERN_OK : qn_fail(err, QUERN_FORMAT, "it has no picture");
}

static quern_status parquet_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                                 qn_image *out, quern_error *err)
{
    qn_arena packed;
    const void *bytes;
    size_t n;
    qn_arena_init(&packed, arena->mem);
    quern_status status = parquet_packed(set, i, &packed, &bytes, &n, err);
    if (status == QUERN_OK)
        status = qn_set_decode_bytes(set, bytes, n, arena, out, err);
    qn_arena_done(&packed);
    return status;
}

const qn_dataset_format qn_dataset_parquet = {
    .name = "parquet",
    .about = "Parquet files with pictures, as the Hugging Face hub has them",
    .is = parquet_is,
    .open = parquet_open,
    .read = parquet_read,
    .packed = parquet_packed,
    .close = parquet_close,
};
