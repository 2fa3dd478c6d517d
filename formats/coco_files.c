/* SPDX-License-Identifier: Apache-2.0 */
/* formats/coco_files.c - see coco_files.h. */
#include "formats/coco_files.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FILES = 16, LOOK = 4096 /* bytes at the front that tell */ };

/* ---- which files ---- */

/* Whether the front of a text has a key. */
static bool has_key(const char *text, size_t n, const char *key)
{
    const size_t k = strlen(key);
    for (size_t i = 0; i + k <= n; i++)
        if (!memcmp(text + i, key, k)) return true;
    return false;
}

/* Whether a .json begins as COCO's do. */
static bool is_ours(const char *path)
{
    static const char *const keys[] = {"\"images\"", "\"annotations\"",
                                       "\"categories\""};
    qn_file file;
    qn_map map;
    bool is = false;
    if (!qn_ends_with(path, ".json") ||
        qn_file_open(NULL, path, &file, NULL) != QUERN_OK)
        return false;
    if (qn_file_map(&file, &map, NULL) == QUERN_OK) {
        const char *text = map.base;
        const size_t n = map.bytes < LOOK ? map.bytes : LOOK;
        for (int i = 0; i < 3 && text[0] == '{'; i++)
            is |= has_key(text, n, keys[i]);
        qn_map_done(&map);
    }
    qn_file_close(&file);
    return is;
}

/* The split that a word within the name tells: "instances_val2017.json". */
static qn_split split_in(const char *name)
{
    char word[16];
    for (const char *p = name; *p;) {
        size_t n = 0;
        while (isalpha((uint8_t)p[n]))
            n++;
        if (n > 0 && n < sizeof word) {
            memcpy(word, p, n);
            word[n] = 0;
            if (qn_split_of(word) != QN_SPLIT_NONE) return qn_split_of(word);
        }
        p += n ? n : 1;
    }
    return QN_SPLIT_NONE;
}

static quern_status add_file(qn_dataset *set, qn_coco_files *f, const char *folder,
                             const char *path, const char *told, quern_error *err)
{
    if (f->n == MAX_FILES)
        return qn_fail(err, QUERN_LIMIT, "more than %d files of annotations",
                       MAX_FILES);
    qn_coco_file *file = &f->at[f->n++];
    file->split = split_in(told);
    QN_TRY(qn_arena_text(&set->arena, folder, strlen(folder), &file->folder, err));
    return qn_arena_text(&set->arena, path, strlen(path), &file->path, err);
}

/* The files of set/part; of many kinds for one split, as COCO has them, those of
 * instances. */
static quern_status add_folder(qn_dataset *set, qn_coco_files *f, const char *part,
                               quern_error *err)
{
    char folder[QN_PATH_MAX], path[QN_PATH_MAX];
    const char *const *names;
    int n;
    bool has_instances = false;
    QN_TRY(qn_path_join(folder, set->path, part, err));
    if (!qn_path_is_folder(folder)) return QUERN_OK;
    QN_TRY(qn_dir_list(folder, &set->arena, &names, &n, err));
    for (int i = 0; i < n; i++)
        has_instances |= !strncmp(names[i], "instances", 9);
    for (int i = 0; i < n; i++) {
        QN_TRY(qn_path_join(path, folder, names[i], err));
        if (names[i][0] == '.' || !is_ours(path) ||
            (has_instances && strncmp(names[i], "instances", 9) != 0))
            continue;
        const qn_split split = split_in(names[i]);
        QN_TRY(add_file(set, f, set->path, path,
                        split == QN_SPLIT_NONE ? part : names[i], err));
    }
    return QUERN_OK;
}

/* "annotations", where it is the last folder of a path, is none of the set's name. */
static quern_status add_single(qn_dataset *set, qn_coco_files *f, quern_error *err)
{
    char folder[QN_PATH_MAX];
    QN_TRY(qn_path_folder(set->path, folder, err));
    const char *slash = strrchr(folder, '/');
    if (!strcmp(slash ? slash + 1 : folder, "annotations")) {
        if (slash)
            folder[slash - folder] = 0;
        else
            strcpy(folder, ".");
    }
    const char *base = strrchr(set->path, '/');
    base = base ? base + 1 : set->path;
    if (!strncmp(set->path, folder, strlen(folder)) && set->path[strlen(folder)] == '/')
        return add_file(set, f, folder, set->path, base, err);
    char path[QN_PATH_MAX]; /* "x.json" becomes "./x.json": the folder stands before */
    QN_TRY(qn_path_join(path, folder, set->path, err));
    return add_file(set, f, folder, path, base, err);
}

/* In annotations/, else at once, else in a folder for each split. */
static quern_status find_files(qn_dataset *set, qn_coco_files *f, quern_error *err)
{
    static const char *const folders[] = {"annotations", "",    "train",
                                          "valid",       "val", "test"};
    if (!qn_path_is_folder(set->path)) return add_single(set, f, err);
    for (int i = 0; i < 2 && !f->n; i++)
        QN_TRY(add_folder(set, f, folders[i], err));
    for (int i = 2, n = f->n; i < 6 && !n; i++)
        QN_TRY(add_folder(set, f, folders[i], err));
    return QUERN_OK;
}

quern_status qn_coco_find(qn_dataset *set, qn_coco_files *out, quern_error *err)
{
    void *room;
    *out = (qn_coco_files){0};
    QN_TRY(qn_arena_array(&set->arena, MAX_FILES, sizeof *out->at, &room, err));
    out->at = room;
    QN_TRY(find_files(set, out, err));
    if (out->n) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT,
                   "it has no annotations of COCO, neither in it nor in annotations/");
}

bool qn_coco_is(const char *path)
{
    qn_mem mem;
    qn_dataset set = {.path = path};
    qn_coco_files files;
    if (!qn_path_is_folder(path)) return is_ours(path);
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&set.arena, &mem);
    const bool is = qn_coco_find(&set, &files, NULL) == QUERN_OK;
    qn_arena_done(&set.arena);
    return is;
}

/* ---- where the pictures are ---- */

static bool try_root(qn_coco_file *file, const char *root, const char *name)
{
    char path[QN_PATH_MAX];
    if (qn_path_join(path, root, name, NULL) != QUERN_OK || !qn_file_is_there(path))
        return false;
    snprintf(file->root, sizeof file->root, "%s", root);
    file->has_root = true;
    return true;
}

void qn_coco_find_root(qn_coco_file *file, const char *name)
{
    char beside[QN_PATH_MAX], root[QN_PATH_MAX], stem[QN_PATH_MAX], inner[QN_PATH_MAX];
    const char *split = qn_split_name(file->split);
    const char *base = strrchr(file->path, '/') + 1;
    if (qn_path_folder(file->path, beside, NULL) != QUERN_OK) return;
    snprintf(stem, sizeof stem, "%s",
             !strncmp(base, "instances_", 10) ? base + 10 : base);
    if (qn_ends_with(stem, ".json")) stem[strlen(stem) - 5] = 0;
    snprintf(inner, sizeof inner, "images/%s", split);
    const char *const below[] = {"images", stem, split, inner, ""};
    for (int i = 0; i < 5 && *name; i++)
        if (qn_path_join(root, file->folder, below[i], NULL) == QUERN_OK &&
            try_root(file, root, name))
            return;
    if (!*name || !try_root(file, beside, name))
        snprintf(file->root, sizeof file->root, "%s", beside);
}

const char *qn_coco_within(const qn_coco_file *file, const char *path)
{
    path += strlen(file->folder);
    return path + (*path == '/');
}
