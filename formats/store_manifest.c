/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_manifest.c - manifest.json of an object of the store: written in the
 * order of the fields below, read with every name and number checked, because a folder
 * may come from anywhere. */
#include "engine/utf8.h"
#include "formats/dataset.h"
#include "formats/files.h"
#include "formats/json_tree.h"
#include "formats/json_write.h"
#include "formats/store.h"

#include <string.h>
#include <time.h>

#define MAX_MANIFEST ((size_t)64 << 20) /* bytes */

bool qn_path_is_clean(const char *path)
{
    if (*path == '/' || *path == 0) return false;
    for (const char *p = path; *p;) {
        const size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && *p == '.') || (n == 2 && !strncmp(p, "..", 2)))
            return false;
        p += n;
        if (*p == '/' && *++p == 0) return false;
    }
    return strlen(path) < QN_PATH_MAX / 2;
}

void qn_date_text(int64_t seconds, char out[24])
{
    struct tm tm;
    const time_t t = (time_t)seconds;
    if (!gmtime_r(&t, &tm) || !strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm)) out[0] = 0;
}

/* ---- writing --------------------------------------------------------------------- */

static void put_files(qn_json *j, const qn_object *o)
{
    qn_json_array(j, "files");
    for (int i = 0; i < o->n_files; i++) {
        qn_json_object(j, NULL);
        qn_json_text(j, "path", o->files[i].path);
        qn_json_int(j, "bytes", (int64_t)o->files[i].bytes);
        qn_json_text(j, "sha256", o->files[i].sha256);
        qn_json_close(j);
    }
    qn_json_close(j);
}

static void put_set(qn_json *j, const qn_object *o)
{
    qn_json_bool(j, "by_reference", o->is_reference);
    qn_json_text(j, "items", o->items);
    qn_json_text(j, "pack", o->pack);
    qn_json_int(j, "n_items", o->n_items);
    qn_json_int(j, "n_rejects", o->n_rejects);
    qn_json_object(j, "splits");
    for (int s = 0; s < 4; s++)
        qn_json_int(j, qn_split_key((qn_split)s), o->in_split[s]);
    qn_json_close(j);
}

quern_status qn_manifest_write(const qn_store *store, const char *folder,
                               const qn_object *o, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_buf buf;
    qn_json j;
    QN_TRY(qn_path_format(path, err, "%s/manifest.json", folder));
    qn_buf_init(&buf, store->mem);
    qn_json_begin(&j, &buf);
    qn_json_text(&j, "kind", qn_kind_word(o->kind));
    qn_json_text(&j, "id", o->id);
    qn_json_text(&j, "name", o->name);
    qn_json_text(&j, "note", o->note);
    qn_json_text(&j, "licence", o->licence);
    qn_json_text(&j, "created", o->created);
    qn_json_text(&j, "quern", QUERN_VERSION);
    qn_json_text(&j, "source", o->source);
    qn_json_text(&j, "source_format", o->source_format);
    qn_json_texts(&j, "derived_from", o->derived_from, o->n_derived);
    qn_json_texts(&j, "classes", o->classes, o->n_classes);
    qn_json_int(&j, "generation", o->generation);
    if (o->kind == QN_DATASETS) put_set(&j, o);
    put_files(&j, o);
    qn_json_end(&j);
    quern_status status = qn_buf_status(&buf, err);
    if (status == QUERN_OK)
        status = qn_disk_replace(&store->disk, path, buf.p, buf.n, err);
    qn_buf_done(&buf);
    return status;
}

/* ---- reading --------------------------------------------------------------------- */

static quern_status wrong(quern_error *err, const char *key)
{
    return qn_fail(err, QUERN_FORMAT, "its '%s' is missing or not as it should be",
                   key);
}

/* A whole number from 0 to below 2^53; an absent one is 0. */
static quern_status take_count(const qn_tree *tree, const char *key, int64_t *out,
                               quern_error *err)
{
    const qn_tree *at = qn_tree_get(tree, key);
    *out = 0;
    if (!at) return QUERN_OK;
    if (at->kind != QN_TREE_NUMBER || !(at->number >= 0 && at->number < 9e15) ||
        at->number != (double)(int64_t)at->number)
        return wrong(err, key);
    *out = (int64_t)at->number;
    return QUERN_OK;
}

static quern_status take_texts(qn_arena *arena, const qn_tree *tree, const char *key,
                               const char ***out, int *n, quern_error *err)
{
    const qn_tree *list = qn_tree_get(tree, key);
    void *room;
    *n = 0;
    if (!list) return QUERN_OK;
    if (list->kind != QN_TREE_LIST) return wrong(err, key);
    QN_TRY(qn_arena_array(arena, (size_t)list->n, sizeof **out, &room, err));
    *out = room;
    for (const qn_tree *at = list->first; at; at = at->next) {
        if (at->kind != QN_TREE_TEXT) return wrong(err, key);
        (*out)[(*n)++] = at->text;
    }
    return QUERN_OK;
}

static bool is_digest(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static quern_status take_file(const qn_tree *tree, qn_stored_file *out,
                              quern_error *err)
{
    int64_t bytes;
    const char *digest = qn_tree_text(tree, "sha256", "");
    out->path = qn_tree_text(tree, "path", "");
    QN_TRY(take_count(tree, "bytes", &bytes, err));
    if (!qn_path_is_clean(out->path) || !strcmp(out->path, "manifest.json") ||
        !is_digest(digest))
        return wrong(err, "files");
    out->bytes = (size_t)bytes;
    memcpy(out->sha256, digest, sizeof out->sha256);
    return QUERN_OK;
}

static quern_status take_files(qn_arena *arena, const qn_tree *tree, qn_object *out,
                               quern_error *err)
{
    const qn_tree *list = qn_tree_get(tree, "files");
    void *room;
    if (!list || list->kind != QN_TREE_LIST) return wrong(err, "files");
    QN_TRY(qn_arena_array(arena, (size_t)list->n, sizeof *out->files, &room, err));
    out->files = room;
    for (const qn_tree *at = list->first; at; at = at->next)
        QN_TRY(take_file(at, &out->files[out->n_files++], err));
    return QUERN_OK;
}

static bool lists(const qn_object *o, const char *path)
{
    for (int i = 0; i < o->n_files; i++)
        if (!strcmp(o->files[i].path, path)) return true;
    return false;
}

static quern_status take_set(const qn_tree *tree, qn_object *out, quern_error *err)
{
    const qn_tree *splits = qn_tree_get(tree, "splits");
    const qn_tree *reference = qn_tree_get(tree, "by_reference");
    out->is_reference = reference && reference->number != 0;
    out->items = qn_tree_text(tree, "items", "");
    out->pack = qn_tree_text(tree, "pack", NULL);
    QN_TRY(take_count(tree, "n_items", &out->n_items, err));
    QN_TRY(take_count(tree, "n_rejects", &out->n_rejects, err));
    for (int s = 0; s < 4; s++)
        QN_TRY(take_count(splits, qn_split_key((qn_split)s), &out->in_split[s], err));
    if (!lists(out, out->items)) return wrong(err, "items");
    if (out->pack && !lists(out, out->pack)) return wrong(err, "pack");
    if (out->is_reference != !out->pack) return wrong(err, "pack");
    if (out->is_reference && !out->source) return wrong(err, "source");
    return QUERN_OK;
}

static quern_status take_kind(const qn_tree *tree, qn_object *out, quern_error *err)
{
    const char *kind = qn_tree_text(tree, "kind", "");
    for (int k = 0; k < QN_N_KINDS; k++) {
        if (strcmp(kind, qn_kind_word((qn_kind)k)) != 0) continue;
        out->kind = (qn_kind)k;
        return QUERN_OK;
    }
    return wrong(err, "kind");
}

static quern_status take_object(qn_arena *arena, const qn_tree *tree, qn_object *out,
                                quern_error *err)
{
    int64_t generation;
    if (qn_tree_real(tree, "schema") != 1)
        return qn_fail(err, QUERN_UNSUPPORTED, "its schema is %g, this version reads 1",
                       qn_tree_real(tree, "schema"));
    QN_TRY(take_kind(tree, out, err));
    out->id = qn_tree_text(tree, "id", "");
    out->name = qn_tree_text(tree, "name", "");
    out->note = qn_tree_text(tree, "note", NULL);
    out->licence = qn_tree_text(tree, "licence", NULL);
    out->created = qn_tree_text(tree, "created", NULL);
    out->source = qn_tree_text(tree, "source", NULL);
    out->source_format = qn_tree_text(tree, "source_format", NULL);
    if (!qn_store_is_id(out->id)) return wrong(err, "id");
    QN_TRY(qn_store_check_name(out->name, err));
    QN_TRY(take_count(tree, "generation", &generation, err));
    if (generation > INT32_MAX - 1) return wrong(err, "generation");
    out->generation = (int)generation;
    QN_TRY(take_texts(arena, tree, "derived_from", &out->derived_from, &out->n_derived,
                      err));
    QN_TRY(take_texts(arena, tree, "classes", &out->classes, &out->n_classes, err));
    QN_TRY(take_files(arena, tree, out, err));
    return out->kind == QN_DATASETS ? take_set(tree, out, err) : QUERN_OK;
}

quern_status qn_manifest_read(qn_arena *arena, const char *folder, qn_object *out,
                              quern_error *err)
{
    const qn_tree *tree = NULL;
    qn_file file;
    void *text;
    *out = (qn_object){.kind = QN_DATASETS};
    quern_status status = qn_file_open(folder, "manifest.json", &file, err);
    if (status == QUERN_OK) {
        if (file.bytes > MAX_MANIFEST)
            status = qn_fail(err, QUERN_LIMIT, "%zu bytes; at most %zu are read",
                             file.bytes, MAX_MANIFEST);
        else
            status = qn_file_read(&file, arena, &text, err);
        if (status == QUERN_OK)
            status = qn_tree_parse(arena, text, file.bytes, &tree, err);
        qn_file_close(&file);
    }
    if (status == QUERN_OK) status = take_object(arena, tree, out, err);
    if (status != QUERN_OK) qn_within(err, "%s/manifest.json", folder);
    return status;
}
