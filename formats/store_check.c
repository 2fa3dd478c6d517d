/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_check.c - see store_check.h. */
#include "formats/store_check.h"

#include "formats/dataset_build.h"
#include "formats/files.h"
#include "formats/sha256.h"
#include "formats/store_files.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct checking {
    const qn_store *store;
    qn_arena *arena;
    qn_findings *out;
    bool repairs, is_quick; /* is_quick: files are not read */
    qn_kind kind;
} checking;

static quern_status add_fault(checking *c, qn_fault_kind kind, const char *path,
                              quern_error *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* path is relative to the kind's folder. */
static quern_status add_fault(checking *c, qn_fault_kind kind, const char *path,
                              quern_error *err, const char *format, ...)
{
    char what[256], full[QN_PATH_MAX];
    va_list list;
    qn_findings *out = c->out;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    if (out->n == out->room) {
        const int room = out->room ? 2 * out->room : 16;
        QN_TRY(qn_list_grow(c->arena, &out->faults, (size_t)out->n, (size_t)room,
                            sizeof *out->faults, err));
        out->room = room;
    }
    qn_fault *f = &out->faults[out->n++];
    f->kind = kind;
    f->is_repaired = false;
    QN_TRY(qn_path_format(full, err, "%s/%s", qn_kind_folder(c->kind), path));
    QN_TRY(qn_arena_text(c->arena, full, strlen(full), &f->path, err));
    return qn_arena_text(c->arena, what, strlen(what), &f->what, err);
}

static void mark_repaired(checking *c)
{
    c->out->faults[c->out->n - 1].is_repaired = true;
}

/* ---- leftovers ------------------------------------------------------------------- */

/* .tmp- and .trash- folders, which go unless a process holds their lock. */
static quern_status check_leftover(checking *c, const char *name, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_lock lock;
    const bool is_trash = !strncmp(name, ".trash-", 7);
    QN_TRY(add_fault(c, is_trash ? QN_FAULT_TRASH : QN_FAULT_UNFINISHED, name, err,
                     "%s",
                     is_trash ? "a removal that was cut short"
                              : "an import that was cut short; the same command goes "
                                "on with it"));
    if (!c->repairs) return QUERN_OK;
    QN_TRY(qn_store_path(c->store, c->kind, name, "", path, err));
    if (qn_lock_take(path, QN_LOCK_TRY, &lock, NULL) != QUERN_OK) return QUERN_OK;
    const quern_status status = qn_disk_remove_tree(&c->store->disk, path, err);
    qn_lock_drop(&lock);
    if (status == QUERN_OK) mark_repaired(c);
    return status;
}

/* Files that the manifest does not list. */
static quern_status check_extras(checking *c, const qn_object *o, const char *folder,
                                 quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_tree_file *list;
    qn_lock lock;
    int n, n_swept, first = c->out->n;
    QN_TRY(qn_tree_list(c->arena, folder, &list, &n, err));
    for (int i = 0; i < n; i++) {
        c->out->bytes[c->kind] += list[i].bytes;
        if (qn_object_lists(o, list[i].path)) continue;
        QN_TRY(qn_path_format(path, err, "%s/%s", o->id, list[i].path));
        QN_TRY(add_fault(c, QN_FAULT_EXTRA, path, err, "no manifest lists it"));
    }
    if (!c->repairs || c->out->n == first) return QUERN_OK;
    QN_TRY(qn_lock_take(folder, QN_LOCK_ALONE, &lock, err));
    const quern_status status = qn_store_sweep(c->store, o, &n_swept, err);
    qn_lock_drop(&lock);
    for (int i = first; i < c->out->n && status == QUERN_OK; i++)
        c->out->faults[i].is_repaired = true;
    return status;
}

/* ---- damage ---------------------------------------------------------------------- */

static quern_status check_file(checking *c, const qn_object *o, const char *folder,
                               const qn_stored_file *f, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_stored_file now;
    quern_error why = {.status = QUERN_OK};
    QN_TRY(qn_path_format(path, err, "%s/%s", o->id, f->path));
    if (qn_file_digest(folder, f->path, &now, &why) != QUERN_OK)
        return add_fault(c, QN_FAULT_DAMAGE, path, err, "%s", why.text);
    if (now.bytes != f->bytes)
        return add_fault(c, QN_FAULT_DAMAGE, path, err,
                         "it has %zu bytes, %zu were written", now.bytes, f->bytes);
    if (strcmp(now.sha256, f->sha256) != 0)
        return add_fault(c, QN_FAULT_DAMAGE, path, err,
                         "its digest is %.8s..., that of what was written %.8s...",
                         now.sha256, f->sha256);
    return QUERN_OK;
}

static quern_status check_object(checking *c, const char *id, quern_error *err)
{
    char folder[QN_PATH_MAX];
    qn_object o;
    quern_error why = {.status = QUERN_OK};
    QN_TRY(qn_store_path(c->store, c->kind, "", id, folder, err));
    quern_status status = qn_manifest_read(c->arena, folder, &o, &why);
    if (status == QUERN_OK && (strcmp(o.id, id) != 0 || o.kind != c->kind))
        status = qn_fail(&why, QUERN_FORMAT, "its manifest is that of the %s '%s'",
                         qn_kind_word(o.kind), o.id);
    if (status != QUERN_OK)
        return add_fault(c, QN_FAULT_DAMAGE, id, err, "%s", why.text);
    c->out->n_objects[c->kind]++;
    const int first = c->out->n;
    for (int i = 0; i < o.n_files && !c->is_quick; i++)
        QN_TRY(check_file(c, &o, folder, &o.files[i], err));
    if (c->repairs && c->out->n > first && c->kind == QN_DATASETS) {
        const int64_t n_before = o.n_items;
        status = qn_store_salvage(c->store, &o, c->arena, &why);
        if (status == QUERN_OK) c->out->n_lost += n_before - o.n_items;
        for (int i = first; i < c->out->n && status == QUERN_OK; i++)
            c->out->faults[i].is_repaired = true;
    }
    return check_extras(c, &o, folder, err);
}

/* ---- all of it ------------------------------------------------------------------- */

static quern_status check_entry(checking *c, const char *name, quern_error *err)
{
    if (!strncmp(name, ".tmp-", 5) || !strncmp(name, ".trash-", 7))
        return check_leftover(c, name, err);
    if (qn_store_is_id(name)) return check_object(c, name, err);
    return add_fault(c, QN_FAULT_STRANGE, name, err, "it is none of the store's");
}

static quern_status check_kind(checking *c, quern_error *err)
{
    char path[QN_PATH_MAX];
    const char *const *names;
    int n;
    QN_TRY(qn_store_path(c->store, c->kind, "", "", path, err));
    if (!qn_path_is_folder(path)) return QUERN_OK;
    QN_TRY(qn_dir_list(path, c->arena, &names, &n, err));
    for (int i = 0; i < n; i++)
        QN_TRY(check_entry(c, names[i], err));
    return QUERN_OK;
}

quern_status qn_store_check(const qn_store *store, bool repair, qn_arena *arena,
                            qn_findings *out, quern_error *err)
{
    checking c = {.store = store, .arena = arena, .out = out, .repairs = repair};
    quern_status status = QUERN_OK;
    qn_lock lock;
    *out = (qn_findings){0};
    if (!store->is_there) return QUERN_OK;
    QN_TRY(
        qn_lock_take(store->root, repair ? QN_LOCK_ALONE : QN_LOCK_SHARED, &lock, err));
    for (int k = 0; k < QN_N_KINDS && status == QUERN_OK; k++) {
        c.kind = (qn_kind)k;
        status = check_kind(&c, err);
    }
    qn_lock_drop(&lock);
    for (int i = 0; i < out->n; i++)
        out->n_damaged +=
            out->faults[i].kind == QN_FAULT_DAMAGE && !out->faults[i].is_repaired;
    return status;
}

quern_status qn_store_tidy(const qn_store *store, quern_error *err)
{
    qn_arena arena;
    qn_findings found = {0};
    checking c = {.store = store, .arena = &arena, .out = &found, .repairs = true};
    quern_status status = QUERN_OK;
    c.is_quick = true;
    qn_arena_init(&arena, store->mem);
    for (int k = 0; k < QN_N_KINDS && status == QUERN_OK; k++) {
        c.kind = (qn_kind)k;
        status = check_kind(&c, err);
    }
    qn_arena_done(&arena);
    return status;
}
