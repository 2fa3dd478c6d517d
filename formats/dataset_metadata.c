/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_metadata.c - folders of pictures with metadata beside them, as
 * Hugging Face's ImageFolder has them:
 *
 *   metadata.csv or metadata.jsonl      file_name,label,age      at the top, or in each
 * of train/metadata.csv  test/metadata.csv                        train, val and test
 *
 * file_name is relative to the file that says it.  Where there is no label, it is the
 * folder that the picture lies in.  Further values become columns. */
#include "formats/csv_read.h"
#include "formats/dataset_extra.h"
#include "formats/dataset_labels.h"

#include <stdio.h>
#include <string.h>

enum { MAX_FIELDS = 256 };

typedef struct reading {
    qn_dataset *set;
    qn_item_labels labels;
    qn_extras extras;
    qn_names paths; /* each is there once */
    char real[QN_PATH_MAX];
    qn_arena scratch; /* of a row */
    /* of one file */
    const char *above; /* "train/", or "" */
    qn_split split;
    int64_t line;
} reading;

static const char *const file_names[] = {"metadata.csv", "metadata.jsonl",
                                         "metadata.tsv", NULL};

/* ---- rows ---- */

/* What a row says, by what it is for. */
typedef struct told_row {
    const char *file, *label, *split;
} told_row;

/* Where a value belongs; NULL: among the columns. */
static const char **place_of(told_row *r, const char *key)
{
    if (!strcmp(key, "file_name") || !strcmp(key, "image")) return &r->file;
    if (!strcmp(key, "label") || !strcmp(key, "labels") || !strcmp(key, "class"))
        return &r->label;
    return !strcmp(key, "split") ? &r->split : NULL;
}

/* The last folder of a path, in the scratch; NULL: it has none. */
static quern_status folder_of(reading *r, const char *path, const char **out,
                              quern_error *err)
{
    const char *end = strrchr(path, '/'), *p = end;
    *out = NULL;
    if (!end) return QUERN_OK;
    while (p > path && p[-1] != '/')
        p--;
    return qn_arena_text(&r->scratch, p, (size_t)(end - p), out, err);
}

static const char *check_path(const reading *r, const char *file, const char *path)
{
    char whole[QN_PATH_MAX];
    if (qn_path_leads_out(file)) return "its path leads out of the data set";
    if (qn_is_any_picture_name(file) && !qn_is_picture_name(file))
        return "pictures of this kind are not read; PNG, JPEG and BMP are";
    if (qn_path_join(whole, r->set->path, path, NULL) != QUERN_OK)
        return "its path is too long";
    return qn_set_refuses(r->real, whole);
}

static quern_status refuse(reading *r, const char *name, const char *why,
                           quern_error *err)
{
    return qn_set_reject(r->set, name, err, "line %lld: %s", (long long)r->line, why);
}

/* Makes an item of a row; *taken false: it is refused. */
static quern_status add_row(reading *r, const told_row *row, bool *taken,
                            quern_error *err)
{
    char path[QN_PATH_MAX];
    const char *label = row->label;
    int64_t index;
    const int64_t n = r->paths.n;
    *taken = false;
    if (!row->file || !*row->file)
        return refuse(r, "a row", "it has no file_name", err);
    QN_TRY(qn_path_format(path, err, "%s%s", r->above, row->file));
    const char *why = check_path(r, row->file, path);
    qn_set_lacks(r->set, &why);
    const qn_split split = qn_split_of(row->split ? row->split : "");
    if (!label) QN_TRY(folder_of(r, path, &label, err));
    if (!why && (!label || !*label)) why = "it has no label, and lies in no folder";
    if (!why) {
        QN_TRY(qn_names_add(&r->paths, path, strlen(path), &index, err));
        if (index < n) why = "a line before lists it, too";
    }
    if (why) return refuse(r, path, why, err);
    *taken = true;
    QN_TRY(qn_item_labels_add(&r->labels, label, -1, err));
    return qn_set_add(r->set, r->paths.text[index], -1,
                      split == QN_SPLIT_NONE ? r->split : split, err);
}

static quern_status add_extra(reading *r, const char *key, const char *text,
                              quern_error *err)
{
    return qn_extras_put(&r->extras, key, text, r->set->n - 1, err);
}

/* ---- CSV ---- */

static quern_status add_fields(reading *r, char *const *names, char *const *fields,
                               int n, quern_error *err)
{
    told_row row = {0};
    bool taken;
    qn_arena_reset(&r->scratch);
    for (int f = 0; f < n; f++) {
        const char **place = place_of(&row, names[f]);
        if (place && !*place) *place = fields[f];
    }
    QN_TRY(add_row(r, &row, &taken, err));
    for (int f = 0; taken && f < n; f++)
        if (!place_of(&row, names[f])) QN_TRY(add_extra(r, names[f], fields[f], err));
    return QUERN_OK;
}

static quern_status read_csv(reading *r, char *text, size_t size, char comma,
                             quern_error *err)
{
    char *names[MAX_FIELDS], *fields[MAX_FIELDS];
    qn_csv_reader csv;
    int n_names, n;
    told_row row = {0};
    bool has_file = false;
    QN_TRY(qn_csv_read_begin(&csv, text, size, comma, err));
    QN_TRY(qn_csv_read_row(&csv, names, MAX_FIELDS, &n_names, err));
    if (n_names > MAX_FIELDS)
        return qn_fail(err, QUERN_LIMIT, "%d columns; at most %d are read", n_names,
                       MAX_FIELDS);
    for (int f = 0; f < n_names; f++)
        has_file |= place_of(&row, names[f]) == &row.file;
    if (!has_file)
        return qn_fail(err, QUERN_FORMAT, "line 1: no column is called 'file_name'");
    for (;;) {
        QN_TRY(qn_csv_read_row(&csv, fields, MAX_FIELDS, &n, err));
        if (n == 0) return QUERN_OK;
        r->line = csv.row;
        if (n == n_names)
            QN_TRY(add_fields(r, names, fields, n, err));
        else
            QN_TRY(refuse(r, "a row", "it has not as many fields as the first", err));
    }
}

/* ---- JSON lines ---- */

static quern_status add_object(reading *r, const qn_tree *object, quern_error *err)
{
    static const char *const told[] = {"file_name", "image", "label", "labels",
                                       "class",     "split", NULL};
    told_row row = {0};
    bool taken;
    for (const qn_tree *m = object->first; m; m = m->next) {
        const char **place = place_of(&row, m->key);
        if (place && !*place) QN_TRY(qn_tree_as_text(&r->scratch, m, place, err));
    }
    QN_TRY(add_row(r, &row, &taken, err));
    return taken ? qn_extras_put_tree(&r->extras, object, told, r->set->n - 1, err)
                 : QUERN_OK;
}

static quern_status read_lines(reading *r, const char *text, size_t size,
                               quern_error *err)
{
    const char *end = text + size;
    for (r->line = 1; text < end; r->line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const size_t n = stop ? (size_t)(stop - text) : (size_t)(end - text);
        const qn_tree *tree;
        qn_arena_reset(&r->scratch);
        if (strspn(text, " \t\r") < n) {
            quern_status status = qn_tree_parse(&r->scratch, text, n, &tree, err);
            if (status == QUERN_OK && tree->kind != QN_TREE_OBJECT)
                status = qn_fail(err, QUERN_FORMAT, "it is no object");
            if (status == QUERN_OK) status = add_object(r, tree, err);
            if (status != QUERN_OK) qn_within(err, "line %lld", (long long)r->line);
            QN_TRY(status);
        }
        text += n + (stop != NULL);
    }
    return QUERN_OK;
}

/* ---- files ---- */

/* The metadata of set/above, if it is there. */
static bool find_file(const char *set, const char *above, char path[QN_PATH_MAX])
{
    char inner[64];
    for (int i = 0; file_names[i]; i++) {
        snprintf(inner, sizeof inner, "%s%s", above, file_names[i]);
        if (qn_path_join(path, set, inner, NULL) == QUERN_OK && qn_file_is_there(path))
            return true;
    }
    return false;
}

static quern_status read_file(reading *r, const char *path, quern_error *err)
{
    char *text;
    size_t n;
    QN_TRY(qn_file_text(&r->set->arena, path, &text, &n, err));
    const quern_status status =
        qn_ends_with(path, ".jsonl")
            ? read_lines(r, text, n, err)
            : read_csv(r, text, n, qn_ends_with(path, ".tsv") ? '\t' : 0, err);
    if (status != QUERN_OK) qn_within(err, "%s%s", r->above, strrchr(path, '/') + 1);
    return status;
}

static const char *const folders[] = {
    "", "train/", "training/", "val/", "valid/", "dev/", "validation/", "test/", NULL};

static quern_status fill(reading *r, quern_error *err)
{
    qn_dataset *set = r->set;
    char path[QN_PATH_MAX], word[16];
    QN_TRY(qn_path_resolve(set->path, r->real, err));
    for (int i = 0; folders[i]; i++) {
        if (!find_file(set->path, folders[i], path)) continue;
        snprintf(word, sizeof word, "%.*s", (int)strcspn(folders[i], "/"), folders[i]);
        r->above = folders[i];
        r->split = qn_split_of(word);
        QN_TRY(read_file(r, path, err));
    }
    QN_TRY(qn_extras_end(&r->extras, err));
    if (set->n == 0) return QUERN_OK;
    QN_TRY(qn_path_join(path, set->path, "classes.txt", err));
    QN_TRY(qn_item_labels_end(&r->labels, path, err));
    return qn_set_check_splits(set, err);
}

static bool metadata_is(const char *path)
{
    char inner[QN_PATH_MAX];
    if (!qn_path_is_folder(path)) return false;
    for (int i = 0; folders[i]; i++)
        if (find_file(path, folders[i], inner)) return true;
    return false;
}

static quern_status metadata_open(qn_dataset *set, const char *path, quern_error *err)
{
    qn_arena own;
    void *room;
    (void)path;
    qn_arena_init(&own, set->arena.mem);
    quern_status status = qn_arena_alloc(&own, sizeof(reading), &room, err);
    if (status == QUERN_OK) {
        reading *r = room;
        r->set = set;
        r->paths.arena = &set->arena;
        qn_item_labels_init(&r->labels, set);
        qn_extras_init(&r->extras, set);
        qn_arena_init(&r->scratch, set->arena.mem);
        status = fill(r, err);
        qn_arena_done(&r->scratch);
    }
    qn_arena_done(&own);
    return status;
}

static quern_status metadata_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                                  qn_image *out, quern_error *err)
{
    return qn_set_decode(set, set->path, set->name[i], arena, out, err);
}

static quern_status metadata_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                                    const void **bytes, size_t *n, quern_error *err)
{
    return qn_set_file(set->path, set->name[i], arena, bytes, n, err);
}

const qn_dataset_format qn_dataset_metadata = {
    .name = "metadata",
    .about = "folders with metadata.csv or metadata.jsonl, as Hugging Face has them",
    .is = metadata_is,
    .open = metadata_open,
    .read = metadata_read,
    .packed = metadata_packed,
};
