/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_tfrecord.c - data sets in TFRecord files of tf.train.Example
 * messages: an encoded picture, a label, perhaps its name, its file's name, a group.
 *
 * Opening walks the records and reads all but the pictures; the checksum over a record
 * is looked at when its picture is read.  Labels that count from 1 are classes "1"...
 */
#include "formats/shard_files.h"
#include "formats/tfrecord.h"

#include "engine/text.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_TEXT = 4096 };

typedef enum role { PICTURE, LABEL, TEXT, FILE_NAME, GROUP, N_ROLES } role;

/* Names of features; those in front are preferred. */
static const char *const role_names[N_ROLES][6] = {
    [PICTURE] = {"image/encoded", "image", "image_bytes", "jpeg", "png"},
    [LABEL] = {"image/class/label", "label", "class", "target", "fine_label"},
    [TEXT] = {"image/class/text", "class/text", "label/text", "class_name"},
    [FILE_NAME] = {"image/filename", "filename", "file_name", "image_name"},
    [GROUP] = {"patient_id", "patient", "subject_id", "group"},
};

typedef struct item {
    qn_tfrecord record;
    qn_span picture;
} item;

typedef struct state {
    qn_shards shards;
    item *items; /* [n] of the set */
} state;

/* What a record says by its roles; rank: of the name that said it, 0 the best. */
typedef struct record_view {
    qn_feature by_role[N_ROLES];
    int rank[N_ROLES];
} record_view;

/* While the table is filled. */
typedef struct filling {
    qn_dataset *set;
    state *of;
    qn_names texts, groups, files;
    int32_t *text; /* [n]: index in texts, -1: none */
    int64_t n_texts;
    const char **file; /* [n] */
} filling;

/* ---- records -------------------------------------------------------------------- */

static quern_status see_feature(void *ctx, const qn_feature *feature, quern_error *err)
{
    record_view *v = ctx;
    (void)err;
    if (feature->kind == QN_FEATURE_NONE) return QUERN_OK;
    for (int r = 0; r < N_ROLES; r++)
        for (int k = 0; k < v->rank[r] && role_names[r][k]; k++)
            if (qn_span_equal(&feature->name, role_names[r][k])) {
                v->by_role[r] = *feature;
                v->rank[r] = k;
            }
    return QUERN_OK;
}

static quern_status view_record(const qn_tfrecord *record, record_view *v,
                                quern_error *err)
{
    *v = (record_view){0};
    for (int r = 0; r < N_ROLES; r++)
        v->rank[r] = (int)(sizeof role_names[r] / sizeof role_names[r][0]);
    return qn_example_read(record->data, see_feature, v, err);
}

/* A feature as a short text; false when it is none. */
static bool text_of(const qn_feature *f, char room[32], qn_span *out)
{
    *out = f->bytes;
    if (f->kind == QN_FEATURE_INT) {
        const int n = snprintf(room, 32, "%lld", (long long)f->number);
        *out = (qn_span){(const uint8_t *)room, (size_t)n, 0};
    }
    return (f->kind == QN_FEATURE_BYTES || f->kind == QN_FEATURE_INT) && out->n > 0 &&
           out->n <= LONGEST_TEXT && qn_span_is_utf8(out);
}

static quern_status take_label(filling *f, const record_view *v, int64_t i,
                               quern_error *err)
{
    const qn_feature *label = &v->by_role[LABEL], *text = &v->by_role[TEXT];
    char room[32];
    qn_span name;
    int64_t index;
    f->set->label[i] = f->text[i] = -1;
    if (label->kind == QN_FEATURE_REAL)
        return qn_fail(err, QUERN_UNSUPPORTED, "its label is a real number");
    if (label->kind == QN_FEATURE_BYTES) text = label;
    if (label->kind == QN_FEATURE_INT && label->number >= QN_MAX_CLASSES)
        return qn_fail(err, QUERN_DATA, "its label is %lld; at most %d",
                       (long long)label->number, QN_MAX_CLASSES - 1);
    if (label->kind == QN_FEATURE_INT && label->number >= 0)
        f->set->label[i] = (int32_t)label->number;
    if (text->kind != QN_FEATURE_BYTES || !text_of(text, room, &name)) return QUERN_OK;
    QN_TRY(qn_names_add(&f->texts, (const char *)name.p, name.n, &index, err));
    f->text[i] = (int32_t)index;
    f->n_texts++;
    return QUERN_OK;
}

static quern_status take_names(filling *f, const record_view *v, int64_t i,
                               quern_error *err)
{
    char room[32];
    qn_span name;
    int64_t index;
    f->set->group[i] = -1;
    if (text_of(&v->by_role[GROUP], room, &name)) {
        QN_TRY(qn_names_add(&f->groups, (const char *)name.p, name.n, &index, err));
        f->set->group[i] = (int32_t)index;
    }
    if (!text_of(&v->by_role[FILE_NAME], room, &name)) return QUERN_OK;
    QN_TRY(qn_names_add(&f->files, (const char *)name.p, name.n, &index, err));
    f->file[i] = f->files.text[index];
    return QUERN_OK;
}

static quern_status take_item(filling *f, int64_t i, quern_error *err)
{
    item *to = f->of->items + i;
    record_view v;
    QN_TRY(view_record(&to->record, &v, err));
    if (v.by_role[PICTURE].kind == QN_FEATURE_BYTES)
        to->picture = v.by_role[PICTURE].bytes;
    QN_TRY(take_label(f, &v, i, err));
    return take_names(f, &v, i, err);
}

/* ---- files ---------------------------------------------------------------------- */

static bool is_record_name(const char *name)
{
    const char *of = strstr(name, "-of-");
    if (strstr(name, ".tfrec")) return !qn_ends_with(name, ".gz");
    return of && of[4] && of[4 + strspn(of + 4, "0123456789")] == 0;
}

static bool tfrecord_is(const char *path)
{
    return qn_shards_are(path, is_record_name, NULL);
}

/* Puts the records of one file behind those before, or only counts them. */
static quern_status walk_shard(const qn_shard *shard, item *items, int64_t *n,
                               quern_error *err)
{
    qn_span file = {shard->map.base, shard->map.bytes, 0};
    qn_tfrecord record;
    if (file.n >= 2 && !memcmp(file.p, "\x1f\x8b", 2))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "it is packed by gzip; records are read as they are");
    while (file.n > 0) {
        QN_TRY(qn_tfrecord_next(&file, &record, err));
        if (items) items[*n].record = record;
        ++*n;
    }
    return QUERN_OK;
}

static quern_status count_shards(filling *f, quern_error *err)
{
    const qn_shards *shards = &f->of->shards;
    int32_t *labels;
    for (int i = 0, k; i < shards->n; i += k) {
        int64_t n = 0;
        for (k = 0; i + k < shards->n && shards->at[i + k].split == shards->at[i].split;
             k++) {
            qn_shard *shard = shards->at + i + k;
            quern_status status = qn_shard_map(shard, err);
            if (status == QUERN_OK) status = walk_shard(shard, NULL, &n, err);
            if (status != QUERN_OK) {
                qn_within(err, "%s", shard->path);
                return status;
            }
        }
        QN_TRY(qn_set_add_part(f->set, shards->at[i].split, n, &labels, err));
    }
    return QUERN_OK;
}

static quern_status make_lists(filling *f, quern_error *err)
{
    qn_arena *arena = &f->set->arena;
    const size_t n = (size_t)f->set->n;
    void *room;
    QN_TRY(qn_arena_array(arena, n, sizeof *f->of->items, &room, err));
    f->of->items = room;
    QN_TRY(qn_arena_array(arena, n, sizeof *f->text, &room, err));
    f->text = room;
    QN_TRY(qn_arena_array(arena, n, sizeof *f->file, &room, err));
    f->file = room;
    QN_TRY(qn_arena_array(arena, n, sizeof *f->set->group, &room, err));
    f->set->group = room;
    f->texts.arena = f->groups.arena = f->files.arena = arena;
    return QUERN_OK;
}

static quern_status read_shards(filling *f, quern_error *err)
{
    int64_t n = 0;
    for (int s = 0; s < f->of->shards.n; s++) {
        const qn_shard *shard = f->of->shards.at + s;
        int64_t i = n;
        QN_TRY(walk_shard(shard, f->of->items, &n, err));
        for (const int64_t first = i; i < n; i++) {
            const quern_status status = take_item(f, i, err);
            if (status == QUERN_OK) continue;
            qn_within(err, "%s: record %lld", shard->path, (long long)(i - first));
            return status;
        }
    }
    return QUERN_OK;
}

/* ---- classes -------------------------------------------------------------------- */

/* Labels that no item has in common with 0 count from 1. */
static quern_status number_classes(qn_dataset *set, quern_error *err)
{
    int32_t least = INT32_MAX;
    for (int64_t i = 0; i < set->n; i++)
        if (set->label[i] >= 0 && set->label[i] < least) least = set->label[i];
    QN_TRY(qn_set_number_classes(set, err));
    if (least != 1) return QUERN_OK;
    set->classes++;
    set->n_classes--;
    for (int64_t i = 0; i < set->n; i++)
        if (set->label[i] > 0) set->label[i]--;
    return QUERN_OK;
}

/* labels.txt as TF-Slim writes it: "0:daisy". */
static quern_status read_slim_names(filling *f, const char *path, quern_error *err)
{
    qn_dataset *set = f->set;
    const char *const *lines;
    int n;
    QN_TRY(qn_file_names(&set->arena, path, &lines, &n, err));
    for (int i = 0; i < n; i++) {
        const char *colon = strchr(lines[i], ':');
        int64_t number = -1;
        if (!colon || !qn_text_to_int(lines[i], (size_t)(colon - lines[i]), &number) ||
            number < 0)
            return qn_fail(err, QUERN_FORMAT,
                           "%s: line %d is no number, colon and name", path, i + 1);
        if (number < set->n_classes) set->classes[number] = colon + 1;
    }
    return QUERN_OK;
}

static quern_status name_by_file(filling *f, quern_error *err)
{
    char folder[QN_PATH_MAX], path[QN_PATH_MAX];
    bool found;
    QN_TRY(qn_path_folder(f->of->shards.at[0].path, folder, err));
    QN_TRY(qn_path_join(path, folder, "classes.txt", err));
    QN_TRY(qn_set_read_classes(f->set, path, &found, err));
    if (found) return QUERN_OK;
    QN_TRY(qn_path_join(path, folder, "labels.txt", err));
    if (!qn_file_is_there(path)) return number_classes(f->set, err);
    QN_TRY(qn_set_number_classes(f->set, err));
    return read_slim_names(f, path, err);
}

/* By the texts, where every item has one. */
static quern_status name_classes(filling *f, quern_error *err)
{
    if (f->n_texts < f->set->n) return name_by_file(f, err);
    memcpy(f->set->label, f->text, (size_t)f->set->n * sizeof *f->text);
    return qn_set_sort_classes(f->set, &f->texts, err);
}

/* ---- the set -------------------------------------------------------------------- */

static quern_status keep_names(filling *f, quern_error *err)
{
    qn_dataset *set = f->set;
    void *room;
    set->groups = f->groups.text;
    set->n_groups = (int)f->groups.n;
    if (set->n_groups == 0) set->group = NULL;
    if (f->files.n == 0) return QUERN_OK;
    QN_TRY(qn_arena_array(&set->arena, 1, sizeof *set->columns, &room, err));
    set->columns = room;
    set->columns[set->n_columns++] = (qn_column){"filename", f->file};
    return QUERN_OK;
}

static quern_status tfrecord_open(qn_dataset *set, const char *path, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_alloc(&set->arena, sizeof(state), &room, err));
    set->state = room;
    filling f = {.set = set, .of = room};
    QN_TRY(qn_shards_find(set, path, is_record_name, &f.of->shards, err));
    QN_TRY(count_shards(&f, err));
    if (set->n == 0) return QUERN_OK;
    QN_TRY(make_lists(&f, err));
    QN_TRY(read_shards(&f, err));
    QN_TRY(name_classes(&f, err));
    QN_TRY(keep_names(&f, err));
    return qn_set_check_splits(set, err);
}

static void tfrecord_close(qn_dataset *set)
{
    state *s = set->state;
    if (s) qn_shards_done(&s->shards);
}

/* The picture in the file itself, its record's checksum looked at. */
static quern_status find_picture(const qn_dataset *set, int64_t i, qn_span *out,
                                 quern_error *err)
{
    const item *from = ((const state *)set->state)->items + i;
    if (!from->picture.p)
        return qn_fail(err, QUERN_FORMAT, "its record has no feature 'image/encoded'");
    *out = from->picture;
    return qn_tfrecord_check(&from->record, err);
}

static quern_status tfrecord_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                                    const void **bytes, size_t *n, quern_error *err)
{
    qn_span picture = {0};
    void *copy;
    QN_TRY(find_picture(set, i, &picture, err));
    QN_TRY(qn_arena_raw(arena, picture.n, &copy, err));
    if (picture.n) memcpy(copy, picture.p, picture.n);
    *bytes = copy;
    *n = picture.n;
    return QUERN_OK;
}

static quern_status tfrecord_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                                  qn_image *out, quern_error *err)
{
    qn_span picture = {0};
    QN_TRY(find_picture(set, i, &picture, err));
    return qn_set_decode_bytes(set, picture.p, picture.n, arena, out, err);
}

const qn_dataset_format qn_dataset_tfrecord = {
    .name = "tfrecord",
    .about = "TFRecord files of tf.train.Example messages with encoded pictures",
    .is = tfrecord_is,
    .open = tfrecord_open,
    .read = tfrecord_read,
    .packed = tfrecord_packed,
    .close = tfrecord_close,
};
