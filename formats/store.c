/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store.c - see store.h: the place, names, and objects as wholes. */
#include "formats/store.h"

#include "engine/utf8.h"
#include "formats/dataset_build.h"
#include "formats/files.h"
#include "formats/store_files.h"

#include <string.h>

static const struct {
    const char *word, *folder;
} kinds[QN_N_KINDS] = {
    [QN_DATASETS] = {"data set", "datasets"},
    [QN_MODELS] = {"model", "models"},
    [QN_RUNS] = {"run", "runs"},
};

const char *qn_kind_word(qn_kind kind)
{
    return kinds[kind].word;
}

const char *qn_kind_folder(qn_kind kind)
{
    return kinds[kind].folder;
}

/* ---- the place ------------------------------------------------------------------- */

/* The root with kind NULL, or the folder of a kind: made if asked, and looked at. */
static quern_status open_folder(qn_store *store, const char *kind, bool make,
                                quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_path_format(path, err, "%s%s%s", store->root, kind ? "/" : "",
                          kind ? kind : ""));
    if (make) QN_TRY(qn_disk_folder(&store->disk, path, err));
    if (qn_path_look(path) == QN_PATH_ABSENT) return QUERN_OK;
    if (!kind) store->is_there = true;
    return qn_path_check_private(path, err);
}

quern_status qn_store_open(qn_store *store, qn_mem *mem, const char *root, bool make,
                           quern_error *err)
{
    store->mem = mem;
    store->is_there = false;
    QN_TRY(qn_path_format(store->root, err, "%s", root));
    QN_TRY(open_folder(store, NULL, make, err));
    for (int k = 0; k < QN_N_KINDS; k++)
        QN_TRY(open_folder(store, kinds[k].folder, make, err));
    return QUERN_OK;
}

quern_status qn_store_path(const qn_store *store, qn_kind kind, const char *prefix,
                           const char *id, char out[QN_PATH_MAX], quern_error *err)
{
    return qn_path_format(out, err, "%s/%s%s%s%s", store->root, kinds[kind].folder,
                          *prefix || *id ? "/" : "", prefix, id);
}

/* ---- names ----------------------------------------------------------------------- */

void qn_store_slug(const char *name, char out[QN_ID_MAX - 16])
{
    size_t n = 0;
    for (const char *p = name; *p && n < QN_ID_MAX - 17; p++) {
        const char c = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[n++] = c;
        else if (n && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n && out[n - 1] == '-')
        n--;
    out[n] = 0;
    if (n == 0) memcpy(out, "unnamed", 8);
}

bool qn_store_is_id(const char *text)
{
    const size_t n = strlen(text);
    return n > 0 && n < QN_ID_MAX && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

quern_status qn_store_check_name(const char *name, quern_error *err)
{
    const size_t n = strlen(name);
    if (n == 0 || n > QN_NAME_MAX)
        return qn_fail(err, QUERN_INVALID, "a name has 1 to %d bytes, this has %zu",
                       QN_NAME_MAX, n);
    if (name[0] == '-' || name[0] == '.')
        return qn_fail(err, QUERN_INVALID, "a name does not begin with '%c'", name[0]);
    for (size_t i = 0, k; i < n; i += k) {
        k = qn_utf8_length(name + i, n - i);
        const unsigned char c = (unsigned char)name[i];
        const bool is_c1 = c == 0xc2 && (unsigned char)name[i + 1] < 0xa0;
        if (k == 0)
            return qn_fail(err, QUERN_INVALID, "byte %zu of the name is not UTF-8", i);
        if (c < 0x20 || c == 0x7f || is_c1)
            return qn_fail(err, QUERN_INVALID,
                           "byte %zu of the name is a control character", i);
        if (c == '/')
            return qn_fail(err, QUERN_INVALID, "a name has no '/', this has one at %zu",
                           i);
    }
    return QUERN_OK;
}

void qn_store_name_of(const char *path, char out[QN_NAME_MAX + 1])
{
    const char *end = path + strlen(path);
    while (end > path && end[-1] == '/')
        end--;
    const char *begin = end;
    while (begin > path && begin[-1] != '/')
        begin--;
    while (begin < end && (*begin == '.' || *begin == '-'))
        begin++;
    const char *dot = memchr(begin, '.', (size_t)(end - begin));
    if (dot) end = dot;
    size_t n = (size_t)(end - begin);
    if (n > QN_NAME_MAX) n = QN_NAME_MAX;
    memcpy(out, begin, n);
    out[n] = 0;
    if (qn_store_check_name(out, NULL) != QUERN_OK) {
        char slug[QN_ID_MAX - 16];
        qn_store_slug(out, slug);
        memcpy(out, slug, strlen(slug) + 1);
    }
}

/* ---- finding --------------------------------------------------------------------- */

static quern_status read_object(const qn_store *store, qn_kind kind, const char *id,
                                qn_arena *arena, qn_object *out, quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_store_path(store, kind, "", id, path, err));
    QN_TRY(qn_manifest_read(arena, path, out, err));
    if (!strcmp(out->id, id) && out->kind == kind) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "%s: its manifest is that of the %s '%s'", path,
                   kinds[out->kind].word, out->id);
}

quern_status qn_store_list(const qn_store *store, qn_kind kind, qn_arena *arena,
                           qn_object **out, int *n, quern_error *err)
{
    char path[QN_PATH_MAX];
    const char *const *names;
    int n_names;
    void *room;
    *out = NULL;
    *n = 0;
    QN_TRY(qn_store_path(store, kind, "", "", path, err));
    if (!qn_path_is_folder(path)) return QUERN_OK;
    quern_status status = qn_dir_list(path, arena, &names, &n_names, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    QN_TRY(status);
    QN_TRY(qn_arena_array(arena, (size_t)n_names, sizeof **out, &room, err));
    *out = room;
    for (int i = 0; i < n_names; i++)
        if (qn_store_is_id(names[i]) &&
            read_object(store, kind, names[i], arena, &(*out)[*n], NULL) == QUERN_OK)
            ++*n;
    return QUERN_OK;
}

quern_status qn_store_find(const qn_store *store, qn_kind kind, const char *text,
                           qn_arena *arena, qn_object *out, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_object *list;
    int n;
    if (qn_store_is_id(text)) {
        QN_TRY(qn_store_path(store, kind, "", text, path, err));
        if (qn_path_look(path) == QN_PATH_FOLDER)
            return read_object(store, kind, text, arena, out, err);
    }
    QN_TRY(qn_store_list(store, kind, arena, &list, &n, err));
    for (int i = 0; i < n; i++) {
        if (strcmp(list[i].name, text) != 0) continue;
        *out = list[i];
        return QUERN_OK;
    }
    return qn_fail(err, QUERN_IO, "the store has no %s '%s'", kinds[kind].word, text);
}

quern_status qn_store_check_free(const qn_store *store, qn_kind kind, const char *name,
                                 const char *id, quern_error *err)
{
    quern_status status = QUERN_OK;
    qn_arena arena;
    qn_object *list;
    int n;
    qn_arena_init(&arena, store->mem);
    status = qn_store_list(store, kind, &arena, &list, &n, err);
    for (int i = 0; status == QUERN_OK && i < n; i++)
        if (strcmp(list[i].id, id) != 0 &&
            (!strcmp(list[i].name, name) || !strcmp(list[i].id, name)))
            status = qn_fail(err, QUERN_INVALID,
                             "a %s '%s' is in the store already (%s); choose another "
                             "name or remove it",
                             kinds[kind].word, name, list[i].id);
    qn_arena_done(&arena);
    return status;
}

/* ---- coming and going ------------------------------------------------------------ */

static quern_status commit_locked(const qn_store *store, const qn_object *object,
                                  const char *from, bool *is_new, quern_error *err)
{
    char made[QN_PATH_MAX], place[QN_PATH_MAX];
    QN_TRY(qn_store_path(store, object->kind, ".tmp-", from, made, err));
    QN_TRY(qn_store_path(store, object->kind, "", object->id, place, err));
    *is_new = qn_path_look(place) == QN_PATH_ABSENT;
    if (!*is_new) return qn_disk_remove_tree(&store->disk, made, err);
    QN_TRY(qn_store_check_free(store, object->kind, object->name, object->id, err));
    QN_TRY(qn_disk_sync(&store->disk, made, err));
    return qn_disk_move(&store->disk, made, place, err);
}

quern_status qn_store_commit(const qn_store *store, const qn_object *object,
                             const char *from, bool *is_new, quern_error *err)
{
    qn_lock lock;
    QN_TRY(qn_lock_take(store->root, QN_LOCK_ALONE, &lock, err));
    const quern_status status = commit_locked(store, object, from, is_new, err);
    qn_lock_drop(&lock);
    return status;
}

/* The manifest goes last: until then the trash can be found by its name. */
static quern_status empty_trash(const qn_store *store, const char *trash,
                                quern_error *err)
{
    char path[QN_PATH_MAX];
    const char *const *names = NULL;
    qn_arena arena;
    int n = 0;
    if (qn_path_look(trash) == QN_PATH_ABSENT) return QUERN_OK;
    qn_arena_init(&arena, store->mem);
    quern_status status = qn_dir_list(trash, &arena, &names, &n, err);
    for (int i = 0; status == QUERN_OK && i < n; i++) {
        if (!strcmp(names[i], "manifest.json")) continue;
        status = qn_path_join(path, trash, names[i], err);
        if (status == QUERN_OK) status = qn_disk_remove_tree(&store->disk, path, err);
    }
    qn_arena_done(&arena);
    QN_TRY(status);
    return qn_disk_remove_tree(&store->disk, trash, err);
}

/* Moves it out of sight, once nobody is opening it. */
static quern_status move_to_trash(const qn_store *store, const qn_object *object,
                                  const char *trash, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_lock lock;
    QN_TRY(qn_store_path(store, object->kind, "", object->id, path, err));
    QN_TRY(empty_trash(store, trash, err)); /* of an earlier removal */
    QN_TRY(qn_lock_take(path, QN_LOCK_ALONE, &lock, err));
    const quern_status status = qn_disk_move(&store->disk, path, trash, err);
    qn_lock_drop(&lock);
    return status;
}

/* The trash of an object of that ID, or of one whose manifest had that name. */
static bool find_trash(const qn_store *store, qn_kind kind, const char *text,
                       qn_arena *arena, char out[QN_PATH_MAX])
{
    char folder[QN_PATH_MAX];
    const char *const *names;
    int n;
    if (qn_store_path(store, kind, "", "", folder, NULL) != QUERN_OK ||
        qn_dir_list(folder, arena, &names, &n, NULL) != QUERN_OK)
        return false;
    for (int i = 0; i < n; i++) {
        qn_object object;
        if (strncmp(names[i], ".trash-", 7) != 0 ||
            qn_path_join(out, folder, names[i], NULL) != QUERN_OK)
            continue;
        if (!strcmp(names[i] + 7, text)) return true;
        if (qn_manifest_read(arena, out, &object, NULL) == QUERN_OK &&
            !strcmp(object.name, text))
            return true;
    }
    return false;
}

quern_status qn_store_remove_locked(const qn_store *store, qn_kind kind,
                                    const char *text, qn_arena *arena, quern_error *err)
{
    char trash[QN_PATH_MAX];
    qn_object object;
    const quern_status found = qn_store_find(store, kind, text, arena, &object, err);
    if (found != QUERN_OK) {
        if (!find_trash(store, kind, text, arena, trash)) return found;
    } else {
        QN_TRY(qn_store_path(store, kind, ".trash-", object.id, trash, err));
        QN_TRY(move_to_trash(store, &object, trash, err));
    }
    return empty_trash(store, trash, err);
}

quern_status qn_store_remove(const qn_store *store, qn_kind kind, const char *text,
                             quern_error *err)
{
    qn_arena arena;
    qn_lock lock;
    if (!store->is_there)
        return qn_fail(err, QUERN_IO, "the store has no %s '%s'", kinds[kind].word,
                       text);
    QN_TRY(qn_lock_take(store->root, QN_LOCK_ALONE, &lock, err));
    qn_arena_init(&arena, store->mem);
    const quern_status status = qn_store_remove_locked(store, kind, text, &arena, err);
    qn_arena_done(&arena);
    qn_lock_drop(&lock);
    return status;
}

/* ---- changing -------------------------------------------------------------------- */

static quern_status set_text(const qn_store *store, qn_object *object, const char *key,
                             const char *value, quern_error *err)
{
    if (!strcmp(key, "name")) {
        QN_TRY(qn_store_check_name(value, err));
        QN_TRY(qn_store_check_free(store, object->kind, value, object->id, err));
        object->name = value;
    } else if (!strcmp(key, "note")) {
        object->note = *value ? value : NULL;
    } else if (!strcmp(key, "licence")) {
        object->licence = *value ? value : NULL;
    } else {
        return qn_fail(err, QUERN_INVALID,
                       "nothing is called '%s'; there are name, note, licence", key);
    }
    return QUERN_OK;
}

static quern_status set_locked(const qn_store *store, qn_kind kind, const char *text,
                               const char *const pair[2], quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_arena arena;
    qn_object object;
    qn_arena_init(&arena, store->mem);
    quern_status status = qn_store_find(store, kind, text, &arena, &object, err);
    if (status == QUERN_OK) status = set_text(store, &object, pair[0], pair[1], err);
    if (status == QUERN_OK)
        status = qn_store_path(store, kind, "", object.id, path, err);
    if (status == QUERN_OK) status = qn_manifest_write(store, path, &object, err);
    qn_arena_done(&arena);
    return status;
}

quern_status qn_store_set(const qn_store *store, qn_kind kind, const char *text,
                          const char *key, const char *value, quern_error *err)
{
    qn_lock lock;
    if (!store->is_there)
        return qn_fail(err, QUERN_IO, "the store has no %s '%s'", kinds[kind].word,
                       text);
    QN_TRY(qn_lock_take(store->root, QN_LOCK_ALONE, &lock, err));
    const quern_status status =
        set_locked(store, kind, text, (const char *const[2]){key, value}, err);
    qn_lock_drop(&lock);
    return status;
}
