/* SPDX-License-Identifier: Apache-2.0 */
/* formats/shard_files.c - see shard_files.h. */
#include "formats/shard_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SHARDS = 100000, MOST_DEPTH = 3, WORD = 32 };

/* ---- names ---------------------------------------------------------------------- */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The split of the n letters at text. */
static qn_split split_of_word(const char *text, size_t n)
{
    char word[WORD];
    if (n >= sizeof word) return QN_SPLIT_NONE;
    memcpy(word, text, n);
    word[n] = 0;
    return qn_split_of(word);
}

/* The first of the words in a name that is a split. */
static qn_split split_of_name(const char *name, size_t n)
{
    qn_split split = QN_SPLIT_NONE;
    for (size_t i = 0, k; i < n && split == QN_SPLIT_NONE; i += k + 1) {
        for (k = 0; i + k < n && !strchr("-_.", name[i + k]);)
            k++;
        split = split_of_word(name + i, k);
    }
    return split;
}

/* By the file's name, else by its folder's. */
static qn_split split_of_path(const char *path)
{
    const char *name = file_name(path);
    const qn_split split = split_of_name(name, strlen(name));
    if (split != QN_SPLIT_NONE || name == path) return split;
    const char *end = name - 1, *begin = end;
    while (begin > path && begin[-1] != '/')
        begin--;
    return split_of_name(begin, (size_t)(end - begin));
}

/* Whether shards are looked for inside a folder of that name. */
static bool is_shard_folder(const char *name)
{
    return !strcmp(name, "data") || !strcmp(name, "default") ||
           qn_split_of(name) != QN_SPLIT_NONE;
}

/* ---- folders -------------------------------------------------------------------- */

typedef struct search {
    qn_dataset *set;
    qn_arena *arena; /* lists of names */
    char real[QN_PATH_MAX];
    qn_shard *found;
    int n;
    qn_shard_name *is_ours;
} search;

static quern_status add_shard(search *s, const char *path, quern_error *err)
{
    const size_t n = (size_t)s->n;
    if (s->n++ == MOST_SHARDS)
        return qn_fail(err, QUERN_LIMIT, "more than %d files", MOST_SHARDS);
    if ((n & (n - 1)) == 0) /* full at every power of two */
        QN_TRY(qn_list_grow(&s->set->arena, &s->found, n, n ? 2 * n : 1,
                            sizeof *s->found, err));
    s->found[n].split = split_of_path(path);
    return qn_arena_text(&s->set->arena, path, strlen(path), &s->found[n].path, err);
}

static quern_status add_found(search *s, const char *path, quern_error *err)
{
    const char *why = qn_set_refuses(s->real, path);
    if (!why) return add_shard(s, path, err);
    return qn_set_reject(s->set, file_name(path), err, "%s", why);
}

static quern_status look_in(search *s, const char *folder, int depth, quern_error *err)
{
    const char *const *names;
    char path[QN_PATH_MAX];
    int n;
    QN_TRY(qn_dir_list(folder, s->arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        const bool is_shard = *names[i] != '.' && s->is_ours(names[i]);
        if (!is_shard && !is_shard_folder(names[i])) continue;
        QN_TRY(qn_path_join(path, folder, names[i], err));
        if (is_shard)
            QN_TRY(add_found(s, path, err));
        else if (depth < MOST_DEPTH && qn_path_look(path) == QN_PATH_FOLDER)
            QN_TRY(look_in(s, path, depth + 1, err));
    }
    return QUERN_OK;
}

/* Whether a folder has one: asked for each name, and needs no memory. */
typedef struct question {
    qn_shard_name *is_ours;
    qn_shard_look *look;
    const char *folder;
    int depth;
} question;

static bool is_one(void *ctx, const char *name)
{
    const question *q = ctx;
    char path[QN_PATH_MAX];
    const bool is_file = *name != '.' && q->is_ours(name);
    if (!is_file && !is_shard_folder(name)) return false;
    if (qn_path_join(path, q->folder, name, NULL) != QUERN_OK) return false;
    if (is_file) return !q->look || q->look(path);
    question inner = {q->is_ours, q->look, path, q->depth + 1};
    return q->depth < MOST_DEPTH && qn_path_look(path) == QN_PATH_FOLDER &&
           qn_dir_has(path, is_one, &inner);
}

bool qn_shards_are(const char *path, qn_shard_name *is_ours, qn_shard_look *look)
{
    question q = {is_ours, look, path, 0};
    if (qn_path_is_folder(path)) return qn_dir_has(path, is_one, &q);
    return is_ours(file_name(path)) && (!look || look(path));
}

/* ---- a whole set ---------------------------------------------------------------- */

static int by_split_and_path(const void *a, const void *b)
{
    const qn_shard *x = a, *y = b;
    if (x->split != y->split) return x->split < y->split ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* "train-00001-of-00003.parquet" is 1 of 3; false for other names. */
static bool read_count(const char *path, size_t *stem, unsigned *of)
{
    const char *at = strstr(file_name(path), "-of-");
    *of = 0;
    if (!at) return false;
    for (const char *p = at + 4; *p >= '0' && *p <= '9' && *of < MOST_SHARDS; p++)
        *of = *of * 10 + (unsigned)(*p - '0');
    while (at > path && at[-1] >= '0' && at[-1] <= '9')
        at--;
    *stem = (size_t)(at - path);
    return *of > 0;
}

/* Shards 0 .. N-1 "of N" with one stem stand side by side: are there N? */
static quern_status note_missing(qn_dataset *set, const qn_shard *shards, int n,
                                 quern_error *err)
{
    size_t stem, other;
    unsigned of, other_of;
    for (int i = 0, k; i < n; i += k) {
        k = 1;
        if (!read_count(shards[i].path, &stem, &of)) continue;
        while (i + k < n && read_count(shards[i + k].path, &other, &other_of) &&
               other == stem && !strncmp(shards[i].path, shards[i + k].path, stem))
            k++;
        if ((unsigned)k != of)
            QN_TRY(qn_set_reject(set, file_name(shards[i].path), err,
                                 "%d of the %u files of its kind are there", k, of));
    }
    return QUERN_OK;
}

/* Where some files name a split, one that does not is none of the set's. */
static quern_status drop_strangers(qn_dataset *set, qn_shard *shards, int *n,
                                   quern_error *err)
{
    int kept = 0;
    const bool has_splits = *n > 0 && shards[*n - 1].split != QN_SPLIT_NONE;
    for (int i = 0; i < *n; i++)
        if (has_splits && shards[i].split == QN_SPLIT_NONE)
            QN_TRY(qn_set_reject(set, file_name(shards[i].path), err,
                                 "its name tells no split, others' do"));
        else
            shards[kept++] = shards[i];
    *n = kept;
    return QUERN_OK;
}

static quern_status find_all(search *s, const char *path, quern_error *err)
{
    if (!qn_path_is_folder(path)) return add_shard(s, path, err);
    QN_TRY(qn_path_resolve(path, s->real, err));
    return look_in(s, path, 0, err);
}

quern_status qn_shards_find(qn_dataset *set, const char *path, qn_shard_name *is_ours,
                            qn_shards *out, quern_error *err)
{
    qn_arena arena;
    search s = {.set = set, .arena = &arena, .is_ours = is_ours};
    *out = (qn_shards){0};
    qn_arena_init(&arena, set->arena.mem);
    const quern_status status = find_all(&s, path, err);
    qn_arena_done(&arena);
    QN_TRY(status);
    if (s.n) qsort(s.found, (size_t)s.n, sizeof *s.found, by_split_and_path);
    QN_TRY(note_missing(set, s.found, s.n, err));
    QN_TRY(drop_strangers(set, s.found, &s.n, err));
    *out = (qn_shards){s.found, s.n};
    return QUERN_OK;
}

quern_status qn_shard_map(qn_shard *shard, quern_error *err)
{
    qn_file file;
    QN_TRY(qn_file_open(NULL, shard->path, &file, err));
    const quern_status status = qn_file_map(&file, &shard->map, err);
    qn_file_close(&file);
    return status;
}

void qn_shards_done(qn_shards *shards)
{
    for (int i = 0; i < shards->n; i++)
        if (shards->at[i].map.base) qn_map_done(&shards->at[i].map);
}
