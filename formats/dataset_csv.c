/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_csv.c - data sets that a CSV or TSV file lists: a row per picture.
 *
 *   path,label,split,group,age
 *   img/1.png,cat,train,p7,31
 *
 * Columns are found by their names, a file without a header begins with paths and
 * labels.  Other columns are kept as metadata.  Paths are relative to the file and may
 * not leave its folder; absolute ones are taken as they are.  The file's text stays in
 * memory, and the table's texts point into it. */
#include "engine/text.h"
#include "engine/utf8.h"
#include "formats/csv_read.h"
#include "formats/csv_write.h"
#include "formats/dataset_build.h"
#include "formats/names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_FIELDS = 256 };

typedef enum role { PATH, LABEL, SPLIT, GROUP, WEIGHT, N_ROLES, OTHER = N_ROLES } role;

/* What columns are called, the likeliest first; case, '-' and ' ' do not matter. */
static const char *const role_words[N_ROLES][12] = {
    [PATH] = {"path", "file_name", "filename", "file", "filepath", "file_path",
              "image_path", "img_path", "image", "img", "image_name"},
    [LABEL] = {"label", "class", "class_name", "classname", "label_name", "category",
               "target", "y"},
    [SPLIT] = {"split", "subset", "partition", "set", "dataset"},
    [GROUP] = {"group", "group_id", "patient", "patient_id", "subject", "subject_id"},
    [WEIGHT] = {"weight", "sample_weight"},
};

typedef struct manifest {
    qn_dataset *set;
    qn_csv_reader csv;
    char folder[QN_PATH_MAX]; /* of the file */
    char real[QN_PATH_MAX];   /* the same without links */
    int n_fields;             /* of the header */
    role roles[MAX_FIELDS];
    int column[MAX_FIELDS]; /* of OTHER: index in set->columns */
    char *field[N_ROLES];   /* of the row; "" where there is none */
    bool has[N_ROLES];
    char **first;        /* the fields of the first row, if it is no header */
    int64_t column_room; /* items for which columns, groups, weights have room */
    qn_names paths, labels, groups;
    int64_t *lines; /* [room]: of the item with that path */
    int n_known;    /* classes given by classes.txt; 0: there is none */
} manifest;

/* ---- the header ----------------------------------------------------------------- */

static bool is_word(const char *name, const char *word)
{
    while (*name == ' ')
        name++;
    for (; *word; word++, name++) {
        const int c = *name == '-' || *name == ' ' ? '_' : tolower((uint8_t)*name);
        if (c != *word) return false;
    }
    return name[strspn(name, " ")] == 0;
}

static void find_role(manifest *m, role r, char *const *names)
{
    for (int w = 0; role_words[r][w]; w++)
        for (int f = 0; f < m->n_fields; f++)
            if (m->roles[f] == OTHER && is_word(names[f], role_words[r][w])) {
                m->roles[f] = r;
                m->has[r] = true;
                return;
            }
}

/* A file without a header: paths, labels and perhaps splits. */
static void assume_roles(manifest *m, char **fields)
{
    m->first = fields;
    for (int f = 0; f < m->n_fields && f <= SPLIT; f++) {
        m->roles[f] = (role)f;
        m->has[f] = true;
    }
}

static quern_status add_columns(manifest *m, char *const *names, quern_error *err)
{
    void *room;
    qn_dataset *set = m->set;
    QN_TRY(qn_arena_array(&set->arena, (size_t)m->n_fields, sizeof *set->columns, &room,
                          err));
    set->columns = room;
    for (int f = 0; f < m->n_fields; f++) {
        if (m->roles[f] != OTHER) continue;
        m->column[f] = set->n_columns;
        const char **name = &set->columns[set->n_columns++].name;
        *name = names[f];
        if (!m->first) continue;
        char text[32];
        snprintf(text, sizeof text, "column %d", f + 1);
        QN_TRY(qn_arena_text(&set->arena, text, strlen(text), name, err));
    }
    return QUERN_OK;
}

static quern_status lacks(const manifest *m, role r, char *const *names,
                          quern_error *err)
{
    char text[256] = "";
    for (int f = 0; f < m->n_fields; f++) {
        const size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s'%s'", f ? ", " : "", names[f]);
    }
    return qn_fail(err, QUERN_FORMAT,
                   "line 1: no column is called '%s' or '%s' or the like, there are %s",
                   role_words[r][0], role_words[r][1], text);
}

/* Finds out what the columns are, from the first row. */
static quern_status read_header(manifest *m, char *names[MAX_FIELDS], quern_error *err)
{
    QN_TRY(qn_csv_read_row(&m->csv, names, MAX_FIELDS, &m->n_fields, err));
    if (m->n_fields == 0) return qn_fail(err, QUERN_FORMAT, "it is empty");
    if (m->n_fields > MAX_FIELDS)
        return qn_fail(err, QUERN_LIMIT, "line 1: %d columns; at most %d are read",
                       m->n_fields, MAX_FIELDS);
    for (int f = 0; f < m->n_fields; f++)
        m->roles[f] = OTHER;
    if (m->n_fields >= 2 && qn_is_any_picture_name(names[0]))
        assume_roles(m, names);
    else
        for (int r = 0; r < N_ROLES; r++)
            find_role(m, (role)r, names);
    if (!m->has[PATH]) return lacks(m, PATH, names, err);
    if (!m->has[LABEL]) return lacks(m, LABEL, names, err);
    return add_columns(m, names, err);
}

/* ---- cells ---------------------------------------------------------------------- */

/* Why the row's label cannot be taken, or NULL; *label: the class, where classes are
 * known. */
static const char *check_label(const manifest *m, int64_t *label)
{
    const char *text = m->field[LABEL];
    const size_t n = strlen(text);
    *label = n ? qn_names_find(&m->labels, text, n) : -1;
    if (m->n_known && *label >= 0) return NULL;
    if (n == 0 || !strcasecmp(text, "nan")) return "its label is missing";
    for (size_t i = 0, k; i < n; i += k) {
        k = qn_utf8_length(text + i, n - i);
        if (k == 0) return "its label is not UTF-8";
    }
    if (!m->n_known) return NULL;
    if (qn_text_to_int(text, n, label) && *label >= 0 && *label < m->n_known)
        return NULL;
    return "its label is not in classes.txt";
}

static const char *find_split(const manifest *m, qn_split *split)
{
    *split = qn_split_of(m->field[SPLIT]);
    if (*split != QN_SPLIT_NONE || !m->field[SPLIT][0]) return NULL;
    return "its split is none of train, val and test";
}

static const char *find_weight(const manifest *m, double *weight)
{
    const char *text = m->field[WEIGHT];
    *weight = 1;
    if (!m->has[WEIGHT]) return NULL;
    if (qn_text_to_real(text, strlen(text), weight) && *weight >= 0 && *weight < 1e30)
        return NULL;
    return "its weight is no number from 0";
}

/* Why the row's picture cannot be taken, or NULL. */
static const char *check_path(const manifest *m)
{
    const char *name = m->field[PATH];
    char path[QN_PATH_MAX];
    if (!*name) return "its path is empty";
    if (qn_is_any_picture_name(name) && !qn_is_picture_name(name))
        return "pictures of this kind are not read; " QN_IMAGE_KINDS " are";
    if (*name != '/' && qn_path_leads_out(name))
        return "its path leads out of the manifest's folder";
    if (*name != '/' && qn_path_join(path, m->folder, name, NULL) != QUERN_OK)
        return "its path is too long";
    if (m->set->is_table) {
        m->set->n_missing++; /* as was seen when it was read as more than a table */
        return NULL;
    }
    return *name == '/' ? qn_set_refuses(NULL, name) : qn_set_refuses(m->real, path);
}

/* ---- rows ----------------------------------------------------------------------- */

/* As much room for the further columns as the table has. */
static quern_status make_room(manifest *m, quern_error *err)
{
    qn_dataset *set = m->set;
    const size_t n = (size_t)m->column_room, room = (size_t)set->room;
    if (n == room) return QUERN_OK;
    QN_TRY(qn_list_grow(&set->arena, &m->lines, n, room, sizeof *m->lines, err));
    if (m->has[GROUP])
        QN_TRY(
            qn_list_grow(&set->arena, &set->group, n, room, sizeof *set->group, err));
    if (m->has[WEIGHT])
        QN_TRY(
            qn_list_grow(&set->arena, &set->weight, n, room, sizeof *set->weight, err));
    for (int c = 0; c < set->n_columns; c++)
        QN_TRY(qn_list_grow(&set->arena, &set->columns[c].text, n, room, sizeof(char *),
                            err));
    m->column_room = set->room;
    return QUERN_OK;
}

static quern_status set_group(manifest *m, int64_t item, quern_error *err)
{
    int64_t group = -1;
    if (m->field[GROUP][0])
        QN_TRY(qn_names_keep(&m->groups, m->field[GROUP], &group, err));
    m->set->group[item] = (int32_t)group;
    return QUERN_OK;
}

/* The row's item with its class, split and weight. */
static quern_status add_item(manifest *m, char *const *fields, int64_t line,
                             int32_t label, qn_split split, quern_error *err)
{
    qn_dataset *set = m->set;
    const int64_t item = set->n;
    QN_TRY(qn_set_add(set, m->field[PATH], label, split, err));
    QN_TRY(make_room(m, err));
    m->lines[item] = line;
    if (m->has[GROUP]) QN_TRY(set_group(m, item, err));
    for (int f = 0; f < m->n_fields; f++)
        if (m->roles[f] == OTHER) set->columns[m->column[f]].text[item] = fields[f];
    return QUERN_OK;
}

static quern_status refuse(manifest *m, int64_t line, const char *why, quern_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "line %lld", (long long)line);
    if (!m->field[PATH] || !m->field[PATH][0])
        return qn_set_reject(m->set, name, err, "%s", why);
    return qn_set_reject(m->set, m->field[PATH], err, "%s: %s", name, why);
}

/* The path must not be that of an item before. */
static quern_status check_again(manifest *m, const char **why, char room[64],
                                quern_error *err)
{
    int64_t index;
    const int64_t n = m->paths.n;
    QN_TRY(qn_names_keep(&m->paths, m->field[PATH], &index, err));
    if (index == n) return QUERN_OK;
    snprintf(room, 64, "line %lld lists it, too", (long long)m->lines[index]);
    *why = room;
    return QUERN_OK;
}

static quern_status read_row(manifest *m, char *const *fields, int n, int64_t line,
                             quern_error *err)
{
    char room[64];
    int64_t label = -1;
    qn_split split;
    double weight;
    for (int r = 0; r < N_ROLES; r++)
        m->field[r] = "";
    for (int f = 0; f < n && f < m->n_fields; f++)
        if (m->roles[f] != OTHER) m->field[m->roles[f]] = fields[f];
    if (n != m->n_fields) {
        snprintf(room, sizeof room, "%d fields, the first line has %d", n, m->n_fields);
        return refuse(m, line, room, err);
    }
    const char *why = check_path(m);
    qn_set_lacks(m->set, &why);
    if (!why) why = find_split(m, &split);
    if (!why) why = find_weight(m, &weight);
    if (!why) why = check_label(m, &label);
    if (!why) QN_TRY(check_again(m, &why, room, err));
    if (why) return refuse(m, line, why, err);
    if (!m->n_known) QN_TRY(qn_names_keep(&m->labels, m->field[LABEL], &label, err));
    QN_TRY(add_item(m, fields, line, (int32_t)label, split, err));
    if (m->has[WEIGHT]) m->set->weight[m->set->n - 1] = (float)weight;
    return QUERN_OK;
}

/* ---- classes -------------------------------------------------------------------- */

static quern_status read_known_classes(manifest *m, quern_error *err)
{
    char path[QN_PATH_MAX];
    bool found;
    int64_t index;
    QN_TRY(qn_path_join(path, m->folder, "classes.txt", err));
    QN_TRY(qn_set_read_classes(m->set, path, &found, err));
    m->n_known = found ? m->set->n_classes : 0;
    for (int c = 0; c < m->n_known; c++) {
        QN_TRY(qn_names_keep(&m->labels, m->set->classes[c], &index, err));
        if (index != c)
            return qn_fail(err, QUERN_FORMAT, "%s: lines %d and %d have one name", path,
                           (int)index + 1, c + 1);
    }
    return QUERN_OK;
}

/* ---- the set -------------------------------------------------------------------- */

static quern_status read_rows(manifest *m, quern_error *err)
{
    char *names[MAX_FIELDS], *fields[MAX_FIELDS];
    QN_TRY(read_header(m, names, err));
    for (int f = 0; f < m->n_fields && f < MAX_FIELDS; f++)
        qn_csv_plain(names[f]);
    if (m->first) QN_TRY(read_row(m, m->first, m->n_fields, 1, err));
    for (int n;;) {
        QN_TRY(qn_csv_read_row(&m->csv, fields, MAX_FIELDS, &n, err));
        if (n == 0) return QUERN_OK;
        for (int f = 0; f < n && f < MAX_FIELDS; f++)
            qn_csv_plain(fields[f]);
        QN_TRY(read_row(m, fields, n, m->csv.row, err));
    }
}

static quern_status begin(manifest *m, const char *path, quern_error *err)
{
    qn_arena *arena = &m->set->arena;
    char *text;
    size_t n;
    m->paths.arena = m->labels.arena = m->groups.arena = arena;
    QN_TRY(qn_path_folder(path, m->folder, err));
    QN_TRY(qn_path_resolve(m->folder, m->real, err));
    QN_TRY(qn_arena_text(arena, m->folder, strlen(m->folder),
                         (const char **)&m->set->state, err));
    QN_TRY(read_known_classes(m, err));
    QN_TRY(qn_file_text(arena, path, &text, &n, err));
    return qn_csv_read_begin(&m->csv, text, n, qn_ends_with(path, ".tsv") ? '\t' : 0,
                             err);
}

static quern_status read_manifest(manifest *m, const char *path, quern_error *err)
{
    qn_dataset *set = m->set;
    QN_TRY(begin(m, path, err));
    QN_TRY(read_rows(m, err));
    set->groups = m->groups.text;
    set->n_groups = (int)m->groups.n;
    if (m->n_known) return QUERN_OK;
    QN_TRY(qn_set_sort_classes(set, &m->labels, err));
    return qn_set_check_splits(set, err);
}

/* The manifest that a folder holds, as our own writer names it. */
static quern_status find_manifest(const char *folder, char path[QN_PATH_MAX],
                                  quern_error *err)
{
    return qn_path_join(path, folder, "manifest.csv", err);
}

static bool csv_is(const char *path)
{
    char inner[QN_PATH_MAX];
    if (qn_path_is_folder(path))
        return find_manifest(path, inner, NULL) == QUERN_OK && qn_file_is_there(inner);
    return qn_ends_with(path, ".csv") || qn_ends_with(path, ".tsv");
}

static quern_status csv_open(qn_dataset *set, const char *path, quern_error *err)
{
    qn_arena own;
    void *room;
    qn_arena_init(&own, set->arena.mem);
    quern_status status = qn_arena_alloc(&own, sizeof(manifest), &room, err);
    char inner[QN_PATH_MAX];
    if (status == QUERN_OK && qn_path_is_folder(path)) {
        status = find_manifest(path, inner, err);
        path = inner;
    }
    if (status == QUERN_OK) {
        manifest *m = room;
        m->set = set;
        status = read_manifest(m, path, err);
    }
    qn_arena_done(&own);
    return status;
}

static quern_status csv_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                             qn_image *out, quern_error *err)
{
    const char *path = set->name[i], *folder = set->state;
    return qn_set_decode(set, *path == '/' ? NULL : folder, path, arena, out, err);
}

static quern_status csv_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                               const void **bytes, size_t *n, quern_error *err)
{
    const char *path = set->name[i], *folder = set->state;
    return qn_set_file(*path == '/' ? NULL : folder, path, arena, bytes, n, err);
}

const qn_dataset_format qn_dataset_csv = {
    .name = "csv",
    .about = "a CSV or TSV file: path, label, and perhaps split, group, weight, others",
    .is = csv_is,
    .open = csv_open,
    .read = csv_read,
    .packed = csv_packed,
};
