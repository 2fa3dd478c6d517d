/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_purge.c - see store_purge.h.  The order is such that a purge that was
 * cut short finds the rest when it is given again: what derives from a set goes before
 * the items by which it is found. */
#include "formats/store_purge.h"

#include "formats/dataset_build.h"
#include "formats/files.h"
#include "formats/json_write.h"
#include "formats/sha256.h"
#include "formats/store_check.h"
#include "formats/store_files.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct purging {
    const qn_store *store;
    const qn_purge *what;
    qn_arena *arena;
    qn_purged *out;
    qn_object *sets; /* those with items of the subject */
    int n_sets;
} purging;

/* ---- whose an item is ------------------------------------------------------------ */

static bool names_people(const char *column)
{
    static const char *const names[] = {"patient",    "patient_id", "subject",
                                        "subject_id", "person",     "person_id"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcasecmp(column, names[i])) return true;
    return false;
}

static qn_item_fate judge(void *ctx, qn_stored_item *item)
{
    const qn_purge *what = ctx;
    if (item->group && !strcmp(item->group, what->text)) return QN_ITEM_GOES;
    for (int i = 0; i < item->n_meta && !what->is_group; i++)
        if (names_people(item->meta[0][i]) && !strcmp(item->meta[1][i], what->text))
            return QN_ITEM_GOES;
    return QN_ITEM_STAYS;
}

static qn_rewriting rewriting(const qn_purge *what, bool is_dry)
{
    return (qn_rewriting){
        .judge = judge, .ctx = (void *)what, .is_dry = is_dry, .drops_rejects = true};
}

static quern_status find_sets(purging *p, quern_error *err)
{
    qn_object *list;
    int n;
    QN_TRY(qn_store_list(p->store, QN_DATASETS, p->arena, &list, &n, err));
    for (int i = 0; i < n; i++) {
        qn_rewriting how = rewriting(p->what, true);
        QN_TRY(qn_store_rewrite(p->store, &list[i], &how, p->arena, err));
        if (how.n_gone == 0) continue;
        p->out->n_items += how.n_gone;
        list[p->n_sets++] = list[i];
    }
    p->sets = list;
    p->out->n_sets = p->n_sets;
    return QUERN_OK;
}

/* ---- what was made of it --------------------------------------------------------- */

static bool is_made_of(const purging *p, const qn_object *o)
{
    for (int d = 0; d < o->n_derived; d++) {
        for (int i = 0; i < p->n_sets; i++)
            if (!strcmp(o->derived_from[d], p->sets[i].id)) return true;
        for (int i = 0; i < p->out->n_derived; i++)
            if (!strcmp(o->derived_from[d], p->out->derived[i]->id)) return true;
    }
    return false;
}

/* Runs first: models may be made of them. */
static quern_status find_derived(purging *p, quern_error *err)
{
    static const qn_kind kinds[] = {QN_RUNS, QN_MODELS};
    qn_object *list[2];
    int n[2];
    void *room;
    for (int k = 0; k < 2; k++)
        QN_TRY(qn_store_list(p->store, kinds[k], p->arena, &list[k], &n[k], err));
    QN_TRY(qn_arena_array(p->arena, (size_t)n[0] + (size_t)n[1],
                          sizeof *p->out->derived, &room, err));
    p->out->derived = room;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < n[k]; i++)
            if (is_made_of(p, &list[k][i]))
                p->out->derived[p->out->n_derived++] = &list[k][i];
    return QUERN_OK;
}

/* Files of a run that hold neither a picture nor the name of one; all others may. */
static bool shows_nobody(const char *path)
{
    static const char *const names[] = {"model.onnx",    "last.onnx",
                                        "config.json",   "metrics.csv",
                                        "metrics.jsonl", "confusion.csv"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(path, names[i])) return true;
    return !strncmp(path, "checkpoint/", 11);
}

/* Reports, predictions and pictures of a run go: first from its manifest. */
static quern_status strip(purging *p, const qn_object *run, quern_error *err)
{
    char folder[QN_PATH_MAX];
    qn_object o = *run;
    qn_lock lock;
    void *room;
    int n_swept;
    QN_TRY(qn_arena_array(p->arena, (size_t)run->n_files, sizeof *o.files, &room, err));
    o.files = room;
    o.n_files = 0;
    for (int i = 0; i < run->n_files; i++)
        if (shows_nobody(run->files[i].path)) o.files[o.n_files++] = run->files[i];
    p->out->n_files += run->n_files - o.n_files;
    if (p->what->is_dry || o.n_files == run->n_files) return QUERN_OK;
    QN_TRY(qn_store_path(p->store, o.kind, "", o.id, folder, err));
    QN_TRY(qn_lock_take(folder, QN_LOCK_ALONE, &lock, err));
    quern_status status = qn_manifest_write(p->store, folder, &o, err);
    if (status == QUERN_OK) status = qn_store_sweep(p->store, &o, &n_swept, err);
    qn_lock_drop(&lock);
    return status;
}

static quern_status purge_derived(purging *p, quern_error *err)
{
    for (int i = p->out->n_derived - 1; i >= 0; i--) { /* what was made of runs first */
        const qn_object *o = p->out->derived[i];
        if (p->what->with_derived && !p->what->is_dry)
            QN_TRY(qn_store_remove_locked(p->store, o->kind, o->id, p->arena, err));
        else if (!p->what->with_derived && o->kind == QN_RUNS)
            QN_TRY(strip(p, o, err));
    }
    return QUERN_OK;
}

/* ---- the ledger ------------------------------------------------------------------ */

/* The key is made when it is first needed. */
static quern_status read_key(const purging *p, const void **key, size_t *n,
                             quern_error *err)
{
    char path[QN_PATH_MAX], *text;
    uint8_t fresh[32];
    QN_TRY(qn_path_join(path, p->store->root, "ledger.key", err));
    if (qn_path_look(path) == QN_PATH_ABSENT) {
        QN_TRY(qn_os_random(fresh, sizeof fresh, err));
        QN_TRY(qn_disk_replace(&p->store->disk, path, fresh, sizeof fresh, err));
    }
    QN_TRY(qn_file_text(p->arena, path, &text, n, err));
    *key = text;
    return QUERN_OK;
}

static quern_status subject_digest(const purging *p, char hex[65], quern_error *err)
{
    const void *key;
    size_t n;
    qn_buf buf;
    QN_TRY(read_key(p, &key, &n, err));
    qn_buf_init(&buf, p->store->mem);
    qn_buf_add(&buf, key, n);
    qn_buf_text(&buf, p->what->text);
    const quern_status status = qn_buf_status(&buf, err);
    if (status == QUERN_OK) qn_sha256_hex(buf.p, buf.n, hex);
    qn_buf_done(&buf);
    return status;
}

static void put_entry(const purging *p, const char *state, const char *digest,
                      qn_buf *buf)
{
    char date[24];
    qn_json j;
    qn_date_text(qn_os_date(), date);
    qn_json_begin(&j, buf);
    qn_json_text(&j, "time", date);
    qn_json_text(&j, "action", "purge");
    qn_json_text(&j, "state", state);
    qn_json_text(&j, "by", p->what->is_group ? "group" : "subject");
    qn_json_text(&j, "digest", digest);
    qn_json_int(&j, "items", p->out->n_items);
    qn_json_int(&j, "sets", p->out->n_sets);
    qn_json_int(&j, "files", p->out->n_files);
    qn_json_int(&j, "derived", p->out->n_derived);
    qn_json_bool(&j, "derived_removed", p->what->with_derived);
    qn_json_end(&j);
}

/* state: "begun" or "done". */
static quern_status note(const purging *p, const char *state, quern_error *err)
{
    char path[QN_PATH_MAX], digest[65], *old = "";
    size_t n = 0;
    qn_buf buf;
    QN_TRY(subject_digest(p, digest, err));
    QN_TRY(qn_path_join(path, p->store->root, "ledger.jsonl", err));
    if (qn_path_look(path) == QN_PATH_FILE)
        QN_TRY(qn_file_text(p->arena, path, &old, &n, err));
    qn_buf_init(&buf, p->store->mem);
    qn_buf_add(&buf, old, n);
    put_entry(p, state, digest, &buf);
    quern_status status = qn_buf_status(&buf, err);
    if (status == QUERN_OK)
        status = qn_disk_replace(&p->store->disk, path, buf.p, buf.n, err);
    qn_buf_done(&buf);
    return status;
}

/* ---- all of it ------------------------------------------------------------------- */

static quern_status purge_sets(purging *p, quern_error *err)
{
    for (int i = 0; i < p->n_sets; i++) {
        qn_rewriting how = rewriting(p->what, false);
        QN_TRY(qn_store_rewrite(p->store, &p->sets[i], &how, p->arena, err));
    }
    return QUERN_OK;
}

static quern_status purge_locked(purging *p, quern_error *err)
{
    if (!p->what->is_dry) QN_TRY(qn_store_tidy(p->store, err));
    QN_TRY(find_sets(p, err));
    QN_TRY(find_derived(p, err));
    if (p->what->is_dry) return purge_derived(p, err);
    QN_TRY(note(p, "begun", err));
    QN_TRY(purge_derived(p, err));
    QN_TRY(purge_sets(p, err));
    return note(p, "done", err);
}

quern_status qn_store_purge(const qn_store *store, const qn_purge *what,
                            qn_arena *arena, qn_purged *out, quern_error *err)
{
    purging p = {.store = store, .what = what, .arena = arena, .out = out};
    qn_lock lock;
    *out = (qn_purged){0};
    if (!store->is_there) return QUERN_OK;
    QN_TRY(qn_lock_take(store->root, QN_LOCK_ALONE, &lock, err));
    const quern_status status = purge_locked(&p, err);
    qn_lock_drop(&lock);
    return status;
}

/* ---- the end --------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
    return qn_store_is_id(name) || !strncmp(name, ".tmp-", 5) ||
           !strncmp(name, ".trash-", 7);
}

static quern_status wipe_kind(const qn_store *store, qn_kind kind, qn_arena *arena,
                              int *n_left, quern_error *err)
{
    char folder[QN_PATH_MAX], path[QN_PATH_MAX];
    const char *const *names;
    int n, n_kept = 0;
    QN_TRY(qn_store_path(store, kind, "", "", folder, err));
    if (!qn_path_is_folder(folder)) return QUERN_OK;
    QN_TRY(qn_dir_list(folder, arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        QN_TRY(qn_store_path(store, kind, names[i], "", path, err));
        if (is_ours(names[i]))
            QN_TRY(qn_disk_remove_tree(&store->disk, path, err));
        else
            n_kept++;
    }
    *n_left += n_kept;
    return n_kept ? QUERN_OK : qn_disk_remove_tree(&store->disk, folder, err);
}

static quern_status wipe_locked(const qn_store *store, qn_arena *arena, int *n_left,
                                quern_error *err)
{
    static const char *const files[] = {"ledger.jsonl", "ledger.key",
                                        "ledger.jsonl.new", "ledger.key.new"};
    char path[QN_PATH_MAX];
    for (int k = 0; k < QN_N_KINDS; k++)
        QN_TRY(wipe_kind(store, (qn_kind)k, arena, n_left, err));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        QN_TRY(qn_path_join(path, store->root, files[i], err));
        QN_TRY(qn_disk_remove(&store->disk, path, err));
    }
    return qn_disk_sync(&store->disk, store->root, err);
}

quern_status qn_store_wipe(const qn_store *store, int *n_left, quern_error *err)
{
    qn_arena arena;
    qn_lock lock;
    *n_left = 0;
    if (!store->is_there) return QUERN_OK;
    QN_TRY(qn_lock_take(store->root, QN_LOCK_ALONE, &lock, err));
    qn_arena_init(&arena, store->mem);
    const quern_status status = wipe_locked(store, &arena, n_left, err);
    qn_arena_done(&arena);
    qn_lock_drop(&lock);
    return status;
}
