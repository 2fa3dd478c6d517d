/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset.c - see dataset.h: the rows of datasets.def, opening, closing and
 * reading. */
#include "formats/dataset.h"

#include "engine/os.h"
#include "engine/utf8.h"
#include "formats/names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const qn_dataset_format *const rows[] = {
#define QN_DATASET(name) &qn_dataset_##name,
#include "formats/datasets.def"
#undef QN_DATASET
};
#define N_ROWS ((int)(sizeof rows / sizeof rows[0]))

const qn_dataset_format *qn_dataset_format_at(int i)
{
    return i >= 0 && i < N_ROWS ? rows[i] : NULL;
}

/* Of files that are decoded together. */
#define TOGETHER_BYTES ((size_t)256 << 10)

/* ---- opening -------------------------------------------------------------------- */

/* "idx, folders" */
static const char *row_names(char *text, size_t room)
{
    size_t n = 0;
    for (int i = 0; i < N_ROWS && n < room; i++)
        n += (size_t)snprintf(text + n, room - n, "%s%s", i ? ", " : "", rows[i]->name);
    return text;
}

static quern_status find_row(const char *path, const char *format,
                             const qn_dataset_format **out, quern_error *err)
{
    char names[256];
    for (int i = 0; i < N_ROWS; i++) {
        *out = rows[i];
        if (format ? !strcmp(format, rows[i]->name) : rows[i]->is(path))
            return QUERN_OK;
    }
    row_names(names, sizeof names);
    if (format)
        return qn_fail(err, QUERN_INVALID,
                       "no format of data sets is called '%s'; there are %s", format,
                       names);
    if (qn_path_look(path) == QN_PATH_ABSENT)
        return qn_fail(err, QUERN_IO, "there is no such file or folder");
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "it is no data set that is read; those are %s", names);
}

static quern_status keep_splits(qn_dataset *set, quern_error *err)
{
    void *copy;
    QN_TRY(qn_arena_raw(&set->arena, (size_t)set->n, &copy, err));
    memcpy(copy, set->split, (size_t)set->n);
    set->source_split = copy;
    return QUERN_OK;
}

/* Classes are matched by their names, and models store them as UTF-8. */
static quern_status check_class(const qn_dataset *set, int c, qn_names *names,
                                quern_error *err)
{
    const char *name = set->classes[c];
    int64_t same;
    const size_t n = strlen(name);
    for (size_t i = 0, k; i < n; i += k) {
        k = qn_utf8_length(name + i, n - i);
        if (k == 0)
            return qn_fail(err, QUERN_FORMAT,
                           "the name of class %d, '%s', is not UTF-8", c, name);
    }
    QN_TRY(qn_names_keep(names, name, &same, err));
    if (same == c) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "classes %d and %d are both called '%s'",
                   (int)same, c, name);
}

static quern_status check_classes(const qn_dataset *set, quern_error *err)
{
    quern_status status = QUERN_OK;
    qn_arena arena;
    qn_arena_init(&arena, set->arena.mem);
    qn_names names = {.arena = &arena};
    for (int c = 0; c < set->n_classes && status == QUERN_OK; c++)
        status = check_class(set, c, &names, err);
    qn_arena_done(&arena);
    return status;
}

static quern_status open_set(qn_dataset *set, const char *path, quern_error *err)
{
    QN_TRY(qn_arena_text(&set->arena, path, strlen(path), &set->path, err));
    QN_TRY(find_row(path, set->options->format, &set->format, err));
    QN_TRY(set->format->open(set, set->path, err));
    QN_TRY(check_classes(set, err));
    if (set->n > 0) return keep_splits(set, err);
    if (set->n_rejects > 0)
        return qn_fail(err, QUERN_FORMAT, "all %d items are refused, the first: %s: %s",
                       set->n_rejects, set->rejects[0].item, set->rejects[0].reason);
    return qn_fail(err, QUERN_FORMAT, "it holds no pictures");
}

/* Whether it failed because no picture is there, and its table will do. */
static bool is_but_a_table(const qn_dataset *set)
{
    return set->options->may_lack && !set->is_table && set->n == 0 &&
           set->n_missing > 0 && set->n_missing == set->n_rejects;
}

static void begin_set(qn_dataset *set, qn_mem *mem, const char *path,
                      const qn_dataset_options *options, bool is_table)
{
    *set = (qn_dataset){.path = path,
                        .options = options,
                        .decoder = options->decoder,
                        .is_table = is_table};
    qn_arena_init(&set->arena, mem);
}

/* All that it owns besides itself. */
static void end_set(qn_dataset *set)
{
    if (set->format && set->format->close) set->format->close(set);
    qn_arena_done(&set->arena);
}

quern_status qn_dataset_open_as(qn_mem *mem, const char *path,
                                const qn_dataset_options *options, qn_dataset **out,
                                quern_error *err)
{
    void *room;
    *out = NULL;
    QN_TRY(qn_mem_alloc(mem, sizeof **out, &room, err));
    qn_dataset *set = room;
    begin_set(set, mem, path, options, false);
    quern_status status = open_set(set, path, err);
    if (status != QUERN_OK && is_but_a_table(set)) {
        end_set(set);
        begin_set(set, mem, path, options, true);
        status = open_set(set, path, err);
    }
    set->options = NULL;
    if (status == QUERN_OK) {
        *out = set;
        return QUERN_OK;
    }
    qn_within(err, "%s", path);
    qn_dataset_close(set);
    return status;
}

quern_status qn_dataset_open(qn_mem *mem, const char *path, const char *format,
                             qn_dataset **out, quern_error *err)
{
    const qn_dataset_options options = {.format = format};
    return qn_dataset_open_as(mem, path, &options, out, err);
}

void qn_dataset_close(qn_dataset *set)
{
    if (!set) return;
    qn_mem *mem = set->arena.mem;
    end_set(set);
    qn_mem_free(mem, set, sizeof *set);
}

/* ---- items ---------------------------------------------------------------------- */

quern_status qn_dataset_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                             qn_image *out, quern_error *err)
{
    char room[QN_ITEM_TEXT];
    *out = (qn_image){set->width, set->height, set->channels, NULL};
    if (i < 0 || i >= set->n)
        return qn_fail(err, QUERN_INVALID, "item %lld of %lld", (long long)i,
                       (long long)set->n);
    if (set->array) {
        const size_t size =
            (size_t)set->height * (size_t)set->width * (size_t)set->channels;
        void *copy;
        QN_TRY(qn_arena_raw(arena, size, &copy, err));
        memcpy(copy, set->array + (size_t)i * size, size);
        out->pixels = copy;
        return QUERN_OK;
    }
    const quern_status status = set->format->read(set, i, arena, out, err);
    if (status != QUERN_OK) qn_within(err, "%s", qn_item_name(set, i, room));
    return status;
}

quern_status qn_dataset_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                               const void **bytes, size_t *n, quern_error *err)
{
    char room[QN_ITEM_TEXT];
    *bytes = NULL;
    *n = 0;
    if (i < 0 || i >= set->n)
        return qn_fail(err, QUERN_INVALID, "item %lld of %lld", (long long)i,
                       (long long)set->n);
    if (set->array || !set->format->packed) return QUERN_OK;
    const quern_status status = set->format->packed(set, i, arena, bytes, n, err);
    if (status != QUERN_OK) qn_within(err, "%s", qn_item_name(set, i, room));
    return status;
}

/* Files of the first items, to be decoded together: as many as are found. */
static int take_files(const qn_dataset *set, const int64_t *items, int n,
                      qn_arena *arena, qn_encoded *each)
{
    size_t bytes = 0;
    int k = 0;
    for (; k < n && k < QN_READ_TOGETHER && bytes < TOGETHER_BYTES; k++) {
        qn_encoded *e = &each[k];
        *e = (qn_encoded){.n = 0};
        if (qn_dataset_packed(set, items[k], arena, &e->bytes, &e->n, NULL) !=
                QUERN_OK ||
            !e->bytes || !qn_image_is(e->bytes, e->n))
            break;
        bytes += e->n;
    }
    return k;
}

int qn_dataset_read_some(const qn_dataset *set, const int64_t *items, int n,
                         qn_arena *arena, qn_encoded *each)
{
    char room[QN_ITEM_TEXT];
    int k = set->decoder && n > 1 ? take_files(set, items, n, arena, each) : 0;
    if (k == 0) {
        *each = (qn_encoded){.n = 0};
        each->status = qn_dataset_read(set, items[0], arena, &each->image, &each->err);
        return 1;
    }
    k = qn_image_decode_some(set->decoder, arena, each, k);
    for (int i = 0; i < k; i++)
        if (each[i].status != QUERN_OK)
            qn_within(&each[i].err, "%s", qn_item_name(set, items[i], room));
    return k;
}

const char *qn_item_name(const qn_dataset *set, int64_t i, char room[QN_ITEM_TEXT])
{
    if (set->name) return set->name[i];
    snprintf(room, QN_ITEM_TEXT, "%lld", (long long)i);
    for (int s = QN_SPLIT_TRAIN; s <= QN_SPLIT_TEST; s++) {
        const int64_t at = i - set->part[s].first;
        if (at >= 0 && at < set->part[s].n)
            snprintf(room, QN_ITEM_TEXT, "%s/%lld", qn_split_name((qn_split)s),
                     (long long)at);
    }
    return room;
}

/* ---- splits by name ------------------------------------------------------------- */

static const char *const split_names[] = {"", "train", "val", "test"};

static const struct {
    const char *text;
    qn_split split;
} split_words[] = {
    {"train", QN_SPLIT_TRAIN}, {"training", QN_SPLIT_TRAIN},
    {"val", QN_SPLIT_VAL},     {"valid", QN_SPLIT_VAL},
    {"dev", QN_SPLIT_VAL},     {"validation", QN_SPLIT_VAL},
    {"test", QN_SPLIT_TEST},   {"testing", QN_SPLIT_TEST},
};

const char *qn_split_name(qn_split split)
{
    return split_names[split];
}

const char *qn_split_key(qn_split split)
{
    return split == QN_SPLIT_NONE ? "undivided" : split_names[split];
}

qn_split qn_split_of(const char *text)
{
    for (size_t i = 0; i < sizeof split_words / sizeof split_words[0]; i++)
        if (!strcasecmp(text, split_words[i].text)) return split_words[i].split;
    return QN_SPLIT_NONE;
}
