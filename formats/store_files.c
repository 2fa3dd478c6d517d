/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_files.c - lists of trees, copies with digests, models and runs into the
 * store; see store_files.h. */
#include "formats/store_files.h"

#include "formats/dataset_build.h"
#include "formats/files.h"
#include "formats/sha256.h"
#include "formats/store_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ----------------------------------------------------------------------- */

enum { MAX_DEPTH = 32 };

typedef struct walk {
    qn_arena *arena;
    const char *root;
    qn_tree_file *list;
    size_t n, room;
} walk;

static quern_status add_file(walk *w, const char *path, const char *full,
                             qn_path_kind kind, quern_error *err)
{
    qn_file file;
    if (w->n == w->room) {
        const size_t room = w->room ? 2 * w->room : 64;
        QN_TRY(qn_list_grow(w->arena, &w->list, w->n, room, sizeof *w->list, err));
        w->room = room;
    }
    qn_tree_file *f = &w->list[w->n++];
    f->kind = kind;
    if (kind == QN_PATH_FILE && qn_file_open(NULL, full, &file, NULL) == QUERN_OK) {
        f->bytes = file.bytes;
        qn_file_close(&file);
    }
    return qn_arena_text(w->arena, path, strlen(path), &f->path, err);
}

/* The folder root/at; at is "" for the root. */
static quern_status list_folder(walk *w, const char *at, int depth, quern_error *err)
{
    char full[QN_PATH_MAX], path[QN_PATH_MAX];
    const char *const *names;
    int n;
    if (depth > MAX_DEPTH)
        return qn_fail(err, QUERN_LIMIT, "%s: more than %d folders deep", at,
                       MAX_DEPTH);
    QN_TRY(qn_path_format(full, err, "%s%s%s", w->root, *at ? "/" : "", at));
    const quern_status status = qn_dir_list(full, w->arena, &names, &n, err);
    if (status != QUERN_OK) qn_within(err, "%s", full);
    QN_TRY(status);
    for (int i = 0; i < n; i++) {
        QN_TRY(qn_path_format(path, err, "%s%s%s", at, *at ? "/" : "", names[i]));
        QN_TRY(qn_path_format(full, err, "%s/%s", w->root, path));
        const qn_path_kind kind = qn_path_look(full);
        if (kind == QN_PATH_FOLDER)
            QN_TRY(list_folder(w, path, depth + 1, err));
        else
            QN_TRY(add_file(w, path, full, kind, err));
    }
    return QUERN_OK;
}

quern_status qn_tree_list(qn_arena *arena, const char *folder, qn_tree_file **out,
                          int *n, quern_error *err)
{
    walk w = {.arena = arena, .root = folder};
    QN_TRY(list_folder(&w, "", 0, err));
    if (w.n > INT32_MAX) return qn_fail(err, QUERN_LIMIT, "%zu files", w.n);
    *out = w.list;
    *n = (int)w.n;
    return QUERN_OK;
}

/* ---- copies ---------------------------------------------------------------------- */

enum { PIECE = 1 << 20 };

static void put_hex(const uint8_t digest[32], char hex[65])
{
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
}

/* The file's bytes into a digest and, unless to is NULL, into a new file. */
static quern_status pass_bytes(const char *folder, const char *path, qn_out_file *to,
                               qn_stored_file *out, quern_error *err)
{
    qn_file file;
    qn_map map = {0};
    qn_sha256 sha;
    uint8_t digest[32];
    QN_TRY(qn_file_open(folder, path, &file, err));
    quern_status status = file.bytes ? qn_file_map(&file, &map, err) : QUERN_OK;
    out->bytes = file.bytes;
    qn_file_close(&file);
    qn_sha256_init(&sha);
    for (size_t at = 0; at < map.bytes && status == QUERN_OK; at += PIECE) {
        const size_t n = map.bytes - at < PIECE ? map.bytes - at : PIECE;
        const uint8_t *piece = (const uint8_t *)map.base + at;
        qn_sha256_add(&sha, piece, n);
        if (to) status = qn_out_write(to, piece, n, err);
    }
    qn_map_done(&map);
    qn_sha256_end(&sha, digest);
    put_hex(digest, out->sha256);
    return status;
}

quern_status qn_file_digest(const char *folder, const char *path, qn_stored_file *out,
                            quern_error *err)
{
    out->path = path;
    const quern_status status = pass_bytes(folder, path, NULL, out, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

quern_status qn_file_copy(const qn_store *store, const char *from, const char *to,
                          unsigned mode, qn_stored_file *out, quern_error *err)
{
    qn_out_file file;
    QN_TRY(qn_disk_remove(&store->disk, to, err)); /* of a copy that was cut short */
    QN_TRY(qn_out_create(&store->disk, to, mode, &file, err));
    quern_status status = pass_bytes(NULL, from, &file, out, err);
    if (status == QUERN_OK) status = qn_out_finish(&file, err);
    qn_out_close(&file);
    if (status != QUERN_OK) qn_within(err, "%s", from);
    return status;
}

/* ---- what does not belong -------------------------------------------------------- */

bool qn_object_lists(const qn_object *object, const char *path)
{
    if (!strcmp(path, "manifest.json")) return true;
    for (int i = 0; i < object->n_files; i++)
        if (!strcmp(object->files[i].path, path)) return true;
    return false;
}

static quern_status sweep(const qn_store *store, const qn_object *object,
                          qn_arena *arena, int *n, quern_error *err)
{
    char folder[QN_PATH_MAX], path[QN_PATH_MAX];
    qn_tree_file *list;
    int n_list;
    QN_TRY(qn_store_path(store, object->kind, "", object->id, folder, err));
    QN_TRY(qn_tree_list(arena, folder, &list, &n_list, err));
    for (int i = 0; i < n_list; i++) {
        if (qn_object_lists(object, list[i].path)) continue;
        QN_TRY(qn_path_join(path, folder, list[i].path, err));
        QN_TRY(qn_disk_remove(&store->disk, path, err));
        ++*n;
    }
    return *n ? qn_disk_sync(&store->disk, folder, err) : QUERN_OK;
}

quern_status qn_store_sweep(const qn_store *store, const qn_object *object, int *n,
                            quern_error *err)
{
    qn_arena arena;
    *n = 0;
    qn_arena_init(&arena, store->mem);
    const quern_status status = sweep(store, object, &arena, n, err);
    qn_arena_done(&arena);
    return status;
}

/* ---- models and runs into the store ---------------------------------------------- */

typedef struct keeping {
    const qn_store *store;
    const qn_keeping *what;
    qn_arena *arena;
    qn_tree_file *list; /* of the source */
    qn_object object;
    qn_imported *result;
    char key[QN_ID_MAX], folder[QN_PATH_MAX], source[QN_PATH_MAX];
} keeping;

/* What is kept of a run: regular files; hidden ones are not. */
static quern_status list_source(keeping *k, int *n, quern_error *err)
{
    int n_all, n_kept = 0;
    if (k->what->kind == QN_MODELS) {
        void *room;
        QN_TRY(qn_arena_array(k->arena, 1, sizeof *k->list, &room, err));
        k->list = room;
        k->list[0] = (qn_tree_file){.path = "model.onnx"};
        *n = 1;
        return QUERN_OK;
    }
    QN_TRY(qn_tree_list(k->arena, k->source, &k->list, &n_all, err));
    for (int i = 0; i < n_all; i++) {
        if (k->list[i].path[0] == '.' || strstr(k->list[i].path, "/.")) continue;
        if (k->list[i].kind != QN_PATH_FILE)
            return qn_fail(err, QUERN_INVALID, "%s/%s: it is no regular file",
                           k->source, k->list[i].path);
        if (!strcmp(k->list[i].path, "manifest.json")) continue;
        k->list[n_kept++] = k->list[i];
    }
    *n = n_kept;
    if (n_kept) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "%s: it holds no files", k->source);
}

static quern_status copy_one(keeping *k, int i, quern_error *err)
{
    char from[QN_PATH_MAX], to[QN_PATH_MAX], folder[QN_PATH_MAX];
    const char *path = k->list[i].path;
    qn_stored_file *file = &k->object.files[i];
    file->path = path;
    if (!qn_path_is_clean(path))
        return qn_fail(err, QUERN_INVALID, "'%s' is no path that is kept", path);
    if (k->what->kind == QN_MODELS)
        QN_TRY(qn_path_format(from, err, "%s", k->source));
    else
        QN_TRY(qn_path_join(from, k->source, path, err));
    QN_TRY(qn_path_join(to, k->folder, path, err));
    QN_TRY(qn_path_folder(to, folder, err));
    QN_TRY(qn_disk_folder(&k->store->disk, folder, err));
    return qn_file_copy(k->store, from, to, QN_MODE_PRIVATE, file, err);
}

/* The digest of all digests makes the ID. */
static quern_status make_id(keeping *k, quern_error *err)
{
    char hex[65];
    qn_buf all;
    qn_buf_init(&all, k->store->mem);
    for (int i = 0; i < k->object.n_files; i++)
        qn_buf_format(&all, "%s %s\n", k->object.files[i].sha256,
                      k->object.files[i].path);
    const quern_status status = qn_buf_status(&all, err);
    if (status == QUERN_OK) qn_sha256_hex(all.p, all.n, hex);
    qn_buf_done(&all);
    if (status == QUERN_OK) qn_store_make_id(k->object.name, hex, k->result->id);
    return status;
}

static quern_status copy_all(keeping *k, quern_error *err)
{
    char created[24];
    void *room;
    int n;
    qn_object *o = &k->object;
    QN_TRY(list_source(k, &n, err));
    QN_TRY(qn_arena_array(k->arena, (size_t)n, sizeof *o->files, &room, err));
    o->files = room;
    for (int i = 0; i < n; i++, o->n_files++)
        QN_TRY(copy_one(k, i, err));
    QN_TRY(make_id(k, err));
    qn_date_text(qn_os_date(), created);
    o->id = k->result->id;
    o->created = created;
    QN_TRY(qn_manifest_write(k->store, k->folder, o, err));
    k->result->n_items = n;
    return qn_store_commit(k->store, o, k->key, &k->result->is_new, err);
}

/* In a folder that follows from name and source. */
static quern_status begin(keeping *k, quern_error *err)
{
    char hex[65], text[QN_PATH_MAX + QN_NAME_MAX + 2];
    const qn_keeping *what = k->what;
    QN_TRY(qn_path_resolve(what->path, k->source, err));
    if (what->name)
        snprintf(k->result->name, sizeof k->result->name, "%s", what->name);
    else
        qn_store_name_of(k->source, k->result->name);
    QN_TRY(qn_store_check_name(k->result->name, err));
    k->object = (qn_object){.kind = what->kind,
                            .name = k->result->name,
                            .note = what->note,
                            .source = k->source,
                            .derived_from = what->derived_from,
                            .n_derived = what->n_derived,
                            .classes = what->classes,
                            .n_classes = what->n_classes};
    const int n = snprintf(text, sizeof text, "%s\n%s", k->result->name, k->source);
    qn_sha256_hex(text, (size_t)n, hex);
    qn_store_make_id(k->result->name, hex, k->key);
    QN_TRY(qn_store_path(k->store, what->kind, ".tmp-", k->key, k->folder, err));
    return qn_disk_folder(&k->store->disk, k->folder, err);
}

quern_status qn_store_import_files(const qn_store *store, const qn_keeping *what,
                                   qn_imported *out, quern_error *err)
{
    qn_arena arena;
    qn_lock lock;
    keeping k = {.store = store, .what = what, .arena = &arena, .result = out};
    *out = (qn_imported){.is_new = true};
    QN_TRY(begin(&k, err));
    QN_TRY(qn_lock_take(k.folder, QN_LOCK_TRY, &lock, err));
    qn_arena_init(&arena, store->mem);
    const quern_status status = copy_all(&k, err);
    if (status == QUERN_INVALID) qn_disk_remove_tree(&store->disk, k.folder, NULL);
    qn_arena_done(&arena);
    qn_lock_drop(&lock);
    return status;
}
