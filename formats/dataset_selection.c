/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_selection.c - items of another data set, by name, each with its
 * split:
 *
 *   set,item,label,split
 *   flowers.zip,roses/12.jpg,roses,train
 *
 * as `quern data split` writes it of a set whose pictures are no files.  The set is
 * named from the list's folder and may not be outside it, or absolutely; all else about
 * an item (group, weight, columns, pixels) is the set's. */
#include "formats/csv_read.h"
#include "formats/csv_write.h"
#include "formats/dataset_build.h"

#include <stdio.h>
#include <string.h>

enum { MAX_FIELDS = 64 };
typedef enum role { SET, ITEM, LABEL, SPLIT, N_ROLES } role;
static const char *const role_names[N_ROLES] = {"set", "item", "label", "split"};

typedef struct selection {
    qn_dataset *inner;
    int64_t *at; /* [n]: which of the inner set's */
} selection;

typedef struct reader {
    qn_dataset *set;
    selection *state;
    qn_csv_reader csv;
    char folder[QN_PATH_MAX]; /* of the list */
    int n_fields, column[N_ROLES];
    char *field[N_ROLES]; /* of the row; NULL: there is no such column */
    const char *source;   /* the set's name in the list */
    qn_names items, classes;
    int64_t *first, *line; /* by number in items: of the inner set, -1: several have
                            * that name; the line that lists it, 0: none so far */
} reader;

/* ---- the list's beginning ---- */

static bool selection_is(const char *path)
{
    static const char head[] = "set,item,";
    qn_file file;
    qn_map map;
    if (!qn_ends_with(path, ".csv") || qn_path_is_folder(path) ||
        qn_file_open(NULL, path, &file, NULL) != QUERN_OK)
        return false;
    bool is = qn_file_map(&file, &map, NULL) == QUERN_OK;
    if (is) {
        is = map.bytes >= sizeof head && !memcmp(map.base, head, sizeof head - 1);
        qn_map_done(&map);
    }
    qn_file_close(&file);
    return is;
}

static quern_status read_header(reader *r, quern_error *err)
{
    char *names[MAX_FIELDS];
    QN_TRY(qn_csv_read_row(&r->csv, names, MAX_FIELDS, &r->n_fields, err));
    if (r->n_fields > MAX_FIELDS)
        return qn_fail(err, QUERN_LIMIT, "line 1: %d columns; at most %d are read",
                       r->n_fields, MAX_FIELDS);
    for (int k = 0; k < N_ROLES; k++) {
        r->column[k] = -1;
        for (int f = r->n_fields - 1; f >= 0; f--)
            if (!strcmp(names[f], role_names[k])) r->column[k] = f;
        if (r->column[k] < 0 && k <= ITEM)
            return qn_fail(err, QUERN_FORMAT, "line 1: no column is called '%s'",
                           role_names[k]);
    }
    return QUERN_OK;
}

/* ---- the set that it is of ---- */

static quern_status index_items(reader *r, quern_error *err)
{
    const qn_dataset *inner = r->state->inner;
    void *first, *line;
    QN_TRY(qn_arena_array(r->items.arena, (size_t)inner->n, sizeof *r->first, &first,
                          err));
    QN_TRY(
        qn_arena_array(r->items.arena, (size_t)inner->n, sizeof *r->line, &line, err));
    r->first = first;
    r->line = line;
    for (int64_t i = 0; i < inner->n; i++) {
        char room[QN_ITEM_TEXT];
        const char *name = qn_item_name(inner, i, room);
        const int64_t n = r->items.n;
        int64_t k;
        QN_TRY(qn_names_add(&r->items, name, strlen(name), &k, err));
        r->first[k] = k == n ? i : -1;
    }
    for (int c = 0; c < inner->n_classes; c++) {
        int64_t k;
        QN_TRY(qn_names_keep(&r->classes, inner->classes[c], &k, err));
    }
    return QUERN_OK;
}

/* A list that a list names would go on for ever. */
static quern_status open_inner(reader *r, const char *name, quern_error *err)
{
    char path[QN_PATH_MAX];
    void *at;
    qn_dataset_options options = *r->set->options;
    options.format = NULL;
    options.may_lack = false;
    options.is_selected = true;
    r->source = name;
    if (*name == '/')
        QN_TRY(qn_path_format(path, err, "%s", name));
    else if (qn_path_leads_out(name))
        return qn_fail(err, QUERN_FORMAT, "'%s' leads out of the list's folder", name);
    else
        QN_TRY(qn_path_join(path, r->folder, name, err));
    QN_TRY(
        qn_dataset_open_as(r->set->arena.mem, path, &options, &r->state->inner, err));
    QN_TRY(qn_arena_array(&r->set->arena, (size_t)r->state->inner->n,
                          sizeof *r->state->at, &at, err));
    r->state->at = at;
    return index_items(r, err);
}

static quern_status choose_set(reader *r, quern_error *err)
{
    if (!r->source) return open_inner(r, r->field[SET], err);
    if (!strcmp(r->source, r->field[SET])) return QUERN_OK;
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "line %lld: a second set, '%s' after '%s'; one is read",
                   (long long)r->csv.row, r->field[SET], r->source);
}

/* ---- rows ---- */

/* Why the row cannot be taken, or NULL. */
static const char *check_row(reader *r, int64_t *item, int32_t *label, qn_split *split,
                             char room[64])
{
    const qn_dataset *inner = r->state->inner;
    const char *name = r->field[ITEM], *class = r->field[LABEL],
               *part = r->field[SPLIT] ? r->field[SPLIT] : "";
    const int64_t k = qn_names_find(&r->items, name, strlen(name));
    *split = qn_split_of(part);
    if (*split == QN_SPLIT_NONE && *part)
        return "its split is none of train, val and test";
    if (k < 0) return "the set has no such item";
    if (r->first[k] < 0) return "several items of the set have this name";
    snprintf(room, 64, "line %lld lists it, too", (long long)r->line[k]);
    if (r->line[k]) return room;
    *item = r->first[k];
    *label = inner->label[*item];
    if (class && *class)
        *label = (int32_t)qn_names_find(&r->classes, class, strlen(class));
    if (class && *class && *label < 0) return "its label is none of the set's classes";
    r->line[k] = r->csv.row;
    return NULL;
}

static quern_status take_row(reader *r, char **fields, int n, quern_error *err)
{
    char room[64];
    int64_t item;
    int32_t label;
    qn_split split;
    const char *why = room;
    snprintf(room, sizeof room, "%d fields, the first line has %d", n, r->n_fields);
    for (int k = 0; k < N_ROLES; k++)
        r->field[k] =
            r->column[k] < 0 || r->column[k] >= n ? NULL : fields[r->column[k]];
    if (n == r->n_fields) {
        QN_TRY(choose_set(r, err));
        why = check_row(r, &item, &label, &split, room);
    }
    if (why)
        return qn_set_reject(r->set, r->field[ITEM] ? r->field[ITEM] : "", err,
                             "line %lld: %s", (long long)r->csv.row, why);
    QN_TRY(qn_set_add(r->set, r->field[ITEM], label, split, err));
    r->state->at[r->set->n - 1] = item;
    return QUERN_OK;
}

static quern_status read_rows(reader *r, quern_error *err)
{
    char *fields[MAX_FIELDS];
    for (int n;;) {
        QN_TRY(qn_csv_read_row(&r->csv, fields, MAX_FIELDS, &n, err));
        if (n == 0) return QUERN_OK;
        for (int f = 0; f < n && f < MAX_FIELDS; f++)
            qn_csv_plain(fields[f]);
        QN_TRY(take_row(r, fields, n, err));
    }
}

/* ---- what the inner set says of its items ---- */

static quern_status copy_columns(qn_dataset *set, const selection *s, quern_error *err)
{
    const qn_dataset *in = s->inner;
    const size_t n = (size_t)set->n;
    void *room;
    QN_TRY(qn_arena_array(&set->arena, (size_t)in->n_columns, sizeof *set->columns,
                          &room, err));
    set->columns = room;
    for (; set->n_columns < in->n_columns; set->n_columns++) {
        qn_column *c = &set->columns[set->n_columns];
        c->name = in->columns[set->n_columns].name;
        QN_TRY(qn_arena_array(&set->arena, n, sizeof *c->text, &room, err));
        c->text = room;
        for (size_t i = 0; i < n; i++)
            c->text[i] = in->columns[set->n_columns].text[s->at[i]];
    }
    return QUERN_OK;
}

static quern_status copy_rest(qn_dataset *set, const selection *s, quern_error *err)
{
    const qn_dataset *in = s->inner;
    const size_t n = (size_t)set->n;
    void *group, *weight;
    QN_TRY(qn_arena_array(&set->arena, n, sizeof *set->group, &group, err));
    QN_TRY(qn_arena_array(&set->arena, n, sizeof *set->weight, &weight, err));
    if (in->group) set->group = group;
    if (in->weight) set->weight = weight;
    for (size_t i = 0; i < n; i++) {
        if (in->group) set->group[i] = in->group[s->at[i]];
        if (in->weight) set->weight[i] = in->weight[s->at[i]];
    }
    set->groups = in->groups;
    set->n_groups = in->n_groups;
    set->classes = in->classes;
    set->n_classes = in->n_classes;
    set->height = in->height;
    set->width = in->width;
    set->channels = in->channels;
    set->is_listed = in->is_listed;
    return copy_columns(set, s, err);
}

/* ---- the set ---- */

static quern_status read_list(reader *r, const char *path, quern_error *err)
{
    char *text;
    size_t n;
    QN_TRY(qn_path_folder(path, r->folder, err));
    QN_TRY(qn_file_text(&r->set->arena, path, &text, &n, err));
    QN_TRY(qn_csv_read_begin(&r->csv, text, n, ',', err));
    QN_TRY(read_header(r, err));
    QN_TRY(read_rows(r, err));
    if (!r->state->inner) return qn_fail(err, QUERN_FORMAT, "it lists no items");
    QN_TRY(copy_rest(r->set, r->state, err));
    return qn_set_check_splits(r->set, err);
}

static quern_status selection_open(qn_dataset *set, const char *path, quern_error *err)
{
    qn_arena own;
    void *state, *room;
    if (set->options->is_selected)
        return qn_fail(err, QUERN_UNSUPPORTED, "a list of items of a list is not read");
    QN_TRY(qn_arena_alloc(&set->arena, sizeof(selection), &state, err));
    set->state = state;
    qn_arena_init(&own, set->arena.mem);
    quern_status status = qn_arena_alloc(&own, sizeof(reader), &room, err);
    if (status == QUERN_OK) {
        reader *r = room;
        r->set = set;
        r->state = state;
        r->items.arena = r->classes.arena = &own;
        status = read_list(r, path, err);
    }
    qn_arena_done(&own);
    return status;
}

static quern_status selection_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                                   qn_image *out, quern_error *err)
{
    const selection *s = set->state;
    return qn_dataset_read(s->inner, s->at[i], arena, out, err);
}

static quern_status selection_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                                     const void **bytes, size_t *n, quern_error *err)
{
    const selection *s = set->state;
    return qn_dataset_packed(s->inner, s->at[i], arena, bytes, n, err);
}

static void selection_close(qn_dataset *set)
{
    const selection *s = set->state;
    if (s) qn_dataset_close(s->inner);
}

const qn_dataset_format qn_dataset_selection = {
    .name = "selection",
    .about = "a CSV of set, item and split: items of another data set by their names",
    .is = selection_is,
    .open = selection_open,
    .read = selection_read,
    .packed = selection_packed,
    .close = selection_close,
};
