/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_rewrite.c - the table of a stored data set changed, and its pack where
 * items go: written under new names, in place once the manifest names them. */
#include "formats/dataset_build.h"
#include "formats/files.h"
#include "formats/sha256.h"
#include "formats/store_files.h"

#include <stdio.h>
#include <string.h>

typedef struct rewrite {
    const qn_store *store;
    qn_object *object;
    qn_rewriting *how;
    qn_arena *arena; /* of texts that the object keeps */
    char folder[QN_PATH_MAX];
    qn_map table, pack;
    qn_out_file new_table, new_pack;
    bool packs;    /* the pack is written anew */
    bool salvages; /* lines and pictures that are not whole are passed over */
    int64_t n, in_split[4];
} rewrite;

static quern_status map_one(const rewrite *r, const char *name, qn_map *out,
                            quern_error *err)
{
    qn_file file;
    QN_TRY(qn_file_open(r->folder, name, &file, err));
    const quern_status status = file.bytes ? qn_file_map(&file, out, err) : QUERN_OK;
    qn_file_close(&file);
    return status;
}

/* Hands each line's item to take. */
static quern_status for_items(rewrite *r,
                              quern_status (*take)(rewrite *r, qn_stored_item *item,
                                                   quern_error *err),
                              quern_error *err)
{
    const char *p = r->table.base, *end = p + r->table.bytes;
    quern_status status = QUERN_OK;
    int64_t line = 0;
    qn_arena arena;
    qn_arena_init(&arena, r->store->mem);
    while (p < end && status == QUERN_OK) {
        const char *next = memchr(p, '\n', (size_t)(end - p));
        qn_stored_item item;
        qn_arena_reset(&arena);
        line++;
        status = qn_item_read(&arena, &p, end, &item, err);
        if (status == QUERN_OK) {
            status = take(r, &item, err);
        } else if (r->salvages && status == QUERN_FORMAT) {
            status = QUERN_OK;
            p = next ? next + 1 : end;
        }
    }
    qn_arena_done(&arena);
    if (status != QUERN_OK)
        qn_within(err, "%s/%s: line %lld", r->folder, r->object->items,
                  (long long)line);
    return status;
}

static quern_status count_item(rewrite *r, qn_stored_item *item, quern_error *err)
{
    (void)err;
    const qn_item_fate fate = r->how->judge(r->how->ctx, item);
    r->how->n_changed += fate == QN_ITEM_CHANGED;
    r->how->n_gone += fate == QN_ITEM_GOES;
    r->n++;
    return QUERN_OK;
}

static bool is_whole(const rewrite *r, const qn_stored_item *item)
{
    char hex[65];
    if (r->object->is_reference) return true;
    if (item->at > (int64_t)r->pack.bytes ||
        item->bytes > (int64_t)r->pack.bytes - item->at)
        return false;
    qn_sha256_hex((const char *)r->pack.base + item->at, (size_t)item->bytes, hex);
    return !strcmp(hex, item->sha256);
}

static quern_status copy_picture(rewrite *r, qn_stored_item *item, quern_error *err)
{
    if (item->at > (int64_t)r->pack.bytes ||
        item->bytes > (int64_t)r->pack.bytes - item->at)
        return qn_fail(err, QUERN_FORMAT, "its picture is not in the pack");
    const char *from = (const char *)r->pack.base + item->at;
    item->at = (int64_t)r->new_pack.bytes;
    return qn_out_write(&r->new_pack, from, (size_t)item->bytes, err);
}

static quern_status write_item(rewrite *r, qn_stored_item *item, quern_error *err)
{
    if (r->how->judge && r->how->judge(r->how->ctx, item) == QN_ITEM_GOES)
        return QUERN_OK;
    if (r->salvages && !is_whole(r, item)) return QUERN_OK;
    if (r->packs) QN_TRY(copy_picture(r, item, err));
    qn_buf line;
    qn_buf_init(&line, r->store->mem);
    qn_item_write(&line, item);
    quern_status status = qn_buf_status(&line, err);
    if (status == QUERN_OK) status = qn_out_write(&r->new_table, line.p, line.n, err);
    qn_buf_done(&line);
    r->in_split[item->split]++;
    r->n++;
    return status;
}

/* A fresh file beside the one it will replace. */
static quern_status create(rewrite *r, const char *name, qn_out_file *out,
                           quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_path_join(path, r->folder, name, err));
    QN_TRY(qn_disk_remove(&r->store->disk, path, err));
    return qn_out_create(&r->store->disk, path, QN_MODE_PRIVATE, out, err);
}

static quern_status write_all(rewrite *r, const char *table, const char *pack,
                              quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(create(r, table, &r->new_table, err));
    if (r->packs) QN_TRY(create(r, pack, &r->new_pack, err));
    r->n = 0;
    QN_TRY(for_items(r, write_item, err));
    QN_TRY(qn_out_finish(&r->new_table, err));
    if (!r->packs) return QUERN_OK;
    QN_TRY(qn_out_finish(&r->new_pack, err));
    QN_TRY(qn_path_join(path, r->folder, "files", err));
    return qn_disk_sync(&r->store->disk, path, err);
}

/* The list of files with the new names in place of the old. */
static quern_status list_files(rewrite *r, const char *table, const char *pack,
                               quern_error *err)
{
    qn_object *o = r->object;
    void *room;
    int n = 0;
    QN_TRY(qn_arena_array(r->arena, (size_t)o->n_files, sizeof *o->files, &room, err));
    qn_stored_file *files = room;
    for (int i = 0; i < o->n_files; i++) {
        const char *path = o->files[i].path;
        const bool is_table = !strcmp(path, o->items);
        const bool is_pack = r->packs && !strcmp(path, o->pack);
        if (r->how->drops_rejects && !strcmp(path, "rejects.jsonl")) continue;
        files[n] = o->files[i];
        if (is_table || is_pack)
            QN_TRY(qn_file_digest(r->folder, is_table ? table : pack, &files[n], err));
        n++;
    }
    o->files = files;
    o->n_files = n;
    o->items = table;
    if (r->packs) o->pack = pack;
    return QUERN_OK;
}

static quern_status replace(rewrite *r, quern_error *err)
{
    char name[64];
    const char *table, *pack;
    int n_swept;
    qn_lock lock;
    qn_object *o = r->object;
    snprintf(name, sizeof name, "items-%d.jsonl", o->generation + 1);
    QN_TRY(qn_arena_text(r->arena, name, strlen(name), &table, err));
    snprintf(name, sizeof name, "files/pack-%d.bin", o->generation + 1);
    QN_TRY(qn_arena_text(r->arena, name, strlen(name), &pack, err));
    QN_TRY(write_all(r, table, pack, err));
    if (r->n == 0)
        return qn_fail(err, QUERN_FORMAT, "none of its %lld items is whole",
                       (long long)o->n_items);
    QN_TRY(list_files(r, table, pack, err));
    o->generation++;
    o->n_items = r->n;
    memcpy(o->in_split, r->in_split, sizeof o->in_split);
    QN_TRY(qn_lock_take(r->folder, QN_LOCK_ALONE, &lock, err));
    quern_status status = qn_manifest_write(r->store, r->folder, o, err);
    if (status == QUERN_OK) status = qn_store_sweep(r->store, o, &n_swept, err);
    qn_lock_drop(&lock);
    return status;
}

static quern_status run(rewrite *r, quern_error *err)
{
    qn_rewriting *how = r->how;
    QN_TRY(qn_store_path(r->store, QN_DATASETS, "", r->object->id, r->folder, err));
    QN_TRY(map_one(r, r->object->items, &r->table, err));
    if (r->object->pack) QN_TRY(map_one(r, r->object->pack, &r->pack, err));
    how->n_changed = how->n_gone = 0;
    QN_TRY(for_items(r, count_item, err));
    if (how->is_dry || how->n_changed + how->n_gone == 0) return QUERN_OK;
    if (how->n_gone == r->n)
        return qn_store_remove_locked(r->store, QN_DATASETS, r->object->id, r->arena,
                                      err);
    r->packs = how->n_gone > 0 && r->object->pack;
    return replace(r, err);
}

static quern_status save(rewrite *r, quern_error *err)
{
    QN_TRY(qn_store_path(r->store, QN_DATASETS, "", r->object->id, r->folder, err));
    QN_TRY(map_one(r, r->object->items, &r->table, err));
    if (r->object->pack) QN_TRY(map_one(r, r->object->pack, &r->pack, err));
    r->packs = r->object->pack != NULL;
    r->salvages = true;
    return replace(r, err);
}

static void end(rewrite *r)
{
    qn_out_close(&r->new_table);
    qn_out_close(&r->new_pack);
    qn_map_done(&r->table);
    qn_map_done(&r->pack);
}

quern_status qn_store_rewrite(const qn_store *store, qn_object *object,
                              qn_rewriting *how, qn_arena *arena, quern_error *err)
{
    rewrite r = {.store = store, .object = object, .how = how, .arena = arena};
    r.new_table.fd = r.new_pack.fd = -1;
    const quern_status status = run(&r, err);
    end(&r);
    return status;
}

quern_status qn_store_salvage(const qn_store *store, qn_object *object, qn_arena *arena,
                              quern_error *err)
{
    qn_rewriting how = {.drops_rejects = true};
    rewrite r = {.store = store, .object = object, .how = &how, .arena = arena};
    r.new_table.fd = r.new_pack.fd = -1;
    const quern_status status = save(&r, err);
    end(&r);
    return status;
}
