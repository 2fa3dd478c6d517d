/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_import.c - see store_import.h.  Items are loaded a block at a time on
 * the pool's threads and written in their order, so that what is on the disk is always
 * a beginning of the whole. */
#include "formats/store_import.h"

#include "engine/pool.h"
#include "engine/utf8.h"
#include "formats/dataset_build.h"
#include "formats/json_write.h"
#include "formats/sha256.h"
#include "formats/store_items.h"

#include <stdio.h>
#include <string.h>

enum {
    BLOCK = 32,        /* files at a time */
    CHECKED = 8,       /* of them decoded together */
    ARRAY_BLOCK = 1024 /* pictures of an array */
};

/* An item on its way. */
typedef struct cargo {
    qn_mem mem;
    qn_arena arena;
    const void *bytes;
    size_t n;
    qn_image image; /* where bytes are pixels */
    bool is_file, is_known;
    char sha256[65];
    quern_status status;
    quern_error err;
} cargo;

typedef struct import {
    const qn_store *store;
    const qn_import *plan;
    qn_dataset *set;
    qn_arena arena;
    qn_imported *result;
    char key[QN_ID_MAX];      /* of the folder it is built in */
    char folder[QN_PATH_MAX]; /* that folder */
    char source[QN_PATH_MAX]; /* the set's path without links */
    const char *meta[QN_ITEM_MAX_META], *meta_text[QN_ITEM_MAX_META];
    int n_meta;
    cargo *cargo; /* [n_block] */
    int64_t first, n_block;
    char *old; /* the table of an import that was cut short */
    size_t n_old;
    qn_map old_pack;
    bool is_resuming; /* all so far was there already */
    size_t table_bytes, pack_bytes;
    qn_out_file table, pack;
    qn_sha256 table_sha, pack_sha;
    int64_t in_split[4];
} import;

void qn_store_make_id(const char *name, const char *hex, char out[QN_ID_MAX])
{
    char slug[QN_ID_MAX - 16];
    qn_store_slug(name, slug);
    snprintf(out, QN_ID_MAX, "%s-%.8s", slug, hex);
}

/* ---- loading, on any thread ------------------------------------------------------ */

/* The file as it is if it is a picture that will be decoded again, else the pixels. */
static quern_status load_bytes(const import *im, int64_t i, cargo *c)
{
    const qn_dataset *set = im->set;
    const size_t size =
        (size_t)set->height * (size_t)set->width * (size_t)set->channels;
    c->is_file = false;
    if (set->array) {
        c->image = (qn_image){set->width, set->height, set->channels, NULL};
        c->bytes = set->array + (size_t)i * size;
        c->n = size;
        return QUERN_OK;
    }
    QN_TRY(qn_dataset_packed(set, i, &c->arena, &c->bytes, &c->n, &c->err));
    c->is_file = c->bytes && qn_image_is(c->bytes, c->n);
    if (c->is_file) return QUERN_OK;
    QN_TRY(qn_dataset_read(set, i, &c->arena, &c->image, &c->err));
    c->bytes = c->image.pixels;
    c->n = (size_t)c->image.height * (size_t)c->image.width * (size_t)c->image.channels;
    return QUERN_OK;
}

static void load_items(void *ctx, int64_t begin, int64_t end, int worker)
{
    import *im = ctx;
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        cargo *c = &im->cargo[k];
        qn_arena_reset(&c->arena);
        c->is_known = false;
        c->status = load_bytes(im, im->first + k, c);
        if (c->status == QUERN_OK) qn_sha256_hex(c->bytes, c->n, c->sha256);
    }
}

/* Pictures that were not looked at by an earlier import must decode: those of a few
 * items together, whose pixels nobody needs. */
static void check_items(void *ctx, int64_t begin, int64_t end, int worker)
{
    import *im = ctx;
    cargo *which[CHECKED];
    qn_encoded each[CHECKED];
    qn_mem mem;
    qn_arena pixels;
    int n = 0;
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        cargo *c = &im->cargo[k];
        if (c->status != QUERN_OK || !c->is_file || c->is_known) continue;
        each[n] = (qn_encoded){.bytes = c->bytes, .n = c->n, .only_checked = true};
        which[n++] = c;
    }
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&pixels, &mem);
    for (int done = 0; done < n;) {
        const int some =
            qn_image_decode_some(im->set->decoder, &pixels, each + done, n - done);
        for (int k = done; k < done + some; k++) {
            which[k]->status = each[k].status;
            which[k]->err = each[k].err;
        }
        done += some;
        qn_arena_reset(&pixels);
    }
    qn_arena_done(&pixels);
}

/* ---- one item -------------------------------------------------------------------- */

static bool is_utf8(const char *text)
{
    const size_t n = strlen(text);
    for (size_t i = 0, k; i < n; i += k)
        if ((k = qn_utf8_length(text + i, n - i)) == 0) return false;
    return true;
}

/* Metadata that is no text is left out. */
static void list_meta(import *im, int64_t i, qn_stored_item *item)
{
    const qn_dataset *set = im->set;
    for (int c = 0; c < im->n_meta; c++) {
        const char *text = set->columns[c].text[i];
        im->meta_text[c] = text && is_utf8(text) ? text : NULL;
    }
    item->n_meta = im->n_meta;
    item->meta[0] = im->meta;
    item->meta[1] = im->meta_text;
}

static void put_line(import *im, int64_t i, const cargo *c, qn_buf *line)
{
    const qn_dataset *set = im->set;
    char room[QN_ITEM_TEXT];
    qn_stored_item item = {.name = qn_item_name(set, i, room),
                           .label = set->label[i],
                           .split = (qn_split)set->source_split[i],
                           .weight = set->weight ? (double)set->weight[i] : 1,
                           .from = i,
                           .at = im->plan->by_reference ? 0 : (int64_t)im->pack_bytes,
                           .bytes = (int64_t)c->n};
    if (set->group && set->group[i] >= 0) item.group = set->groups[set->group[i]];
    memcpy(item.sha256, c->sha256, sizeof item.sha256);
    if (!c->is_file) {
        item.pixels[0] = c->image.height;
        item.pixels[1] = c->image.width;
        item.pixels[2] = c->image.channels;
    }
    list_meta(im, i, &item);
    qn_item_write(line, &item);
}

/* Whether the line, and the picture in the pack, are what the old import has there. */
static bool is_there_already(const import *im, const cargo *c, const qn_buf *line)
{
    if (im->n_old - im->table_bytes < line->n ||
        memcmp(im->old + im->table_bytes, line->p, line->n) != 0)
        return false;
    if (im->plan->by_reference || c->n == 0) return true;
    return im->old_pack.bytes >= im->pack_bytes + c->n &&
           !memcmp((const char *)im->old_pack.base + im->pack_bytes, c->bytes, c->n);
}

/* ---- files ----------------------------------------------------------------------- */

static quern_status open_one(import *im, const char *name, size_t keep,
                             qn_out_file *out, quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_path_join(path, im->folder, name, err));
    if (qn_path_look(path) == QN_PATH_FILE)
        return qn_out_append(&im->store->disk, path, keep, out, err);
    return qn_out_create(&im->store->disk, path, QN_MODE_PRIVATE, out, err);
}

/* From here on the source is ahead of what is on the disk. */
static quern_status stop_resuming(import *im, quern_error *err)
{
    im->is_resuming = false;
    qn_sha256_add(&im->table_sha, im->old, im->table_bytes);
    if (im->pack_bytes) qn_sha256_add(&im->pack_sha, im->old_pack.base, im->pack_bytes);
    qn_map_done(&im->old_pack);
    if (!im->plan->by_reference)
        QN_TRY(open_one(im, "files/pack.bin", im->pack_bytes, &im->pack, err));
    return open_one(im, "items.jsonl", im->table_bytes, &im->table, err);
}

static quern_status write_item(import *im, const cargo *c, const qn_buf *line,
                               qn_buf *lines, quern_error *err)
{
    if (im->is_resuming) QN_TRY(stop_resuming(im, err));
    qn_buf_add(lines, line->p, line->n);
    if (im->plan->by_reference) return QUERN_OK;
    qn_sha256_add(&im->pack_sha, c->bytes, c->n);
    return qn_out_write(&im->pack, c->bytes, c->n, err);
}

/* ---- blocks ---------------------------------------------------------------------- */

/* The first items of the block that an earlier import took; they need no decoding. */
static quern_status compare_block(import *im, qn_buf *line, int64_t *k,
                                  quern_error *err)
{
    while (im->is_resuming && *k < im->n_block) {
        cargo *c = &im->cargo[*k];
        qn_buf_clear(line);
        if (c->status != QUERN_OK) return QUERN_OK;
        put_line(im, im->first + *k, c, line);
        QN_TRY(qn_buf_status(line, err));
        if (!is_there_already(im, c, line)) return QUERN_OK;
        im->table_bytes += line->n;
        im->pack_bytes += im->plan->by_reference ? 0 : c->n;
        im->in_split[im->set->source_split[im->first + *k]]++;
        im->result->n_items++;
        im->result->n_resumed++;
        ++*k;
    }
    return QUERN_OK;
}

static quern_status take_item(import *im, int64_t i, cargo *c, qn_buf *line,
                              qn_buf *lines, quern_error *err)
{
    char room[QN_ITEM_TEXT];
    if (c->status == QUERN_OK && !is_utf8(qn_item_name(im->set, i, room)))
        c->status = qn_fail(&c->err, QUERN_FORMAT, "its name is not UTF-8");
    if (c->status != QUERN_OK) return qn_set_reject_item(im->set, i, &c->err, err);
    qn_buf_clear(line);
    put_line(im, i, c, line);
    QN_TRY(qn_buf_status(line, err));
    QN_TRY(write_item(im, c, line, lines, err));
    im->table_bytes += line->n;
    im->pack_bytes += im->plan->by_reference ? 0 : c->n;
    im->in_split[im->set->source_split[i]]++;
    im->result->n_items++;
    return QUERN_OK;
}

static quern_status take_block(import *im, qn_buf *line, qn_buf *lines,
                               quern_error *err)
{
    int64_t k = 0;
    qn_parallel_for(im->plan->pool, im->n_block, im->set->array ? 64 : 1, load_items,
                    im);
    QN_TRY(compare_block(im, line, &k, err));
    if (k == im->n_block) return QUERN_OK;
    for (int64_t i = 0; i < k; i++)
        im->cargo[i].is_known = true;
    qn_parallel_for(im->plan->pool, im->n_block, CHECKED, check_items, im);
    qn_buf_clear(lines);
    for (; k < im->n_block; k++)
        QN_TRY(take_item(im, im->first + k, &im->cargo[k], line, lines, err));
    QN_TRY(qn_buf_status(lines, err));
    if (lines->n == 0) return QUERN_OK;
    qn_sha256_add(&im->table_sha, lines->p, lines->n);
    return qn_out_write(&im->table, lines->p, lines->n, err);
}

static quern_status take_all(import *im, quern_error *err)
{
    const int64_t most = im->set->array ? ARRAY_BLOCK : BLOCK, n = im->set->n;
    quern_status status = QUERN_OK;
    qn_buf line, lines;
    qn_buf_init(&line, im->store->mem);
    qn_buf_init(&lines, im->store->mem);
    for (; im->first < n && status == QUERN_OK; im->first += im->n_block) {
        im->n_block = n - im->first < most ? n - im->first : most;
        status = take_block(im, &line, &lines, err);
        if (status == QUERN_OK && im->plan->step &&
            im->plan->step(im->plan->ctx, im->first + im->n_block))
            status = qn_fail(err, QUERN_CANCELLED,
                             "stopped after %lld of %lld items; the same command goes "
                             "on",
                             (long long)(im->first + im->n_block), (long long)n);
    }
    if (status == QUERN_OK && im->is_resuming) status = stop_resuming(im, err);
    qn_buf_done(&line);
    qn_buf_done(&lines);
    return status;
}

/* ---- the manifest ---------------------------------------------------------------- */

static quern_status write_rejects(import *im, qn_stored_file *file, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_buf buf;
    qn_json j;
    qn_buf_init(&buf, im->store->mem);
    for (int i = 0; i < im->set->n_rejects; i++) {
        qn_json_begin(&j, &buf);
        qn_json_text(&j, "item", im->set->rejects[i].item);
        qn_json_text(&j, "reason", im->set->rejects[i].reason);
        qn_json_end(&j);
    }
    quern_status status = qn_buf_status(&buf, err);
    file->path = "rejects.jsonl";
    file->bytes = buf.n;
    if (status == QUERN_OK) qn_sha256_hex(buf.p, buf.n, file->sha256);
    if (status == QUERN_OK) status = qn_path_join(path, im->folder, file->path, err);
    if (status == QUERN_OK)
        status = qn_disk_replace(&im->store->disk, path, buf.p, buf.n, err);
    qn_buf_done(&buf);
    return status;
}

static void end_digest(qn_sha256 *sha, char hex[65])
{
    uint8_t digest[32];
    qn_sha256_end(sha, digest);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
}

/* What tells this set from others: its table, its classes and where its pictures are.
 */
static void make_id(import *im, const char *table_hex)
{
    qn_sha256 sha;
    char hex[65];
    qn_sha256_init(&sha);
    qn_sha256_add(&sha, table_hex, 64);
    for (int c = 0; c < im->set->n_classes; c++)
        qn_sha256_add(&sha, im->set->classes[c], strlen(im->set->classes[c]) + 1);
    if (im->plan->by_reference) qn_sha256_add(&sha, im->source, strlen(im->source));
    end_digest(&sha, hex);
    qn_store_make_id(im->result->name, hex, im->result->id);
}

static quern_status write_manifest(import *im, qn_object *o, qn_stored_file files[3],
                                   quern_error *err)
{
    const bool is_reference = im->plan->by_reference;
    o->files = files;
    files[0] = (qn_stored_file){.path = "items.jsonl", .bytes = im->table_bytes};
    end_digest(&im->table_sha, files[0].sha256);
    o->n_files = 1;
    if (!is_reference) {
        files[1] = (qn_stored_file){.path = "files/pack.bin", .bytes = im->pack_bytes};
        end_digest(&im->pack_sha, files[1].sha256);
        o->n_files = 2;
    }
    if (im->set->n_rejects) QN_TRY(write_rejects(im, &files[o->n_files++], err));
    make_id(im, files[0].sha256);
    o->id = im->result->id;
    o->items = files[0].path;
    o->pack = is_reference ? NULL : files[1].path;
    o->n_items = im->result->n_items;
    o->n_rejects = im->set->n_rejects;
    memcpy(o->in_split, im->in_split, sizeof o->in_split);
    return qn_manifest_write(im->store, im->folder, o, err);
}

static quern_status finish(import *im, quern_error *err)
{
    char created[24], path[QN_PATH_MAX];
    qn_stored_file files[3];
    qn_object o = {.kind = QN_DATASETS,
                   .name = im->result->name,
                   .note = im->plan->note,
                   .licence = im->plan->licence,
                   .created = created,
                   .source = im->source,
                   .source_format = im->set->format->name,
                   .is_reference = im->plan->by_reference,
                   .classes = im->set->classes,
                   .n_classes = im->set->n_classes};
    qn_date_text(qn_os_date(), created);
    if (im->result->n_items == 0)
        return qn_fail(err, QUERN_FORMAT, "none of its %lld items can be taken",
                       (long long)im->set->n);
    if (!im->plan->by_reference) {
        QN_TRY(qn_out_finish(&im->pack, err));
        QN_TRY(qn_path_join(path, im->folder, "files", err));
        QN_TRY(qn_disk_sync(&im->store->disk, path, err));
    }
    QN_TRY(qn_out_finish(&im->table, err));
    QN_TRY(write_manifest(im, &o, files, err));
    return qn_store_commit(im->store, &o, im->key, &im->result->is_new, err);
}

/* ---- the beginning --------------------------------------------------------------- */

/* The folder follows from what is asked for, so that asking again finds it. */
static quern_status choose_folder(import *im, quern_error *err)
{
    char hex[65];
    qn_buf text;
    qn_buf_init(&text, im->store->mem);
    qn_buf_format(&text, "%s\n%s\n%d", im->result->name, im->source,
                  im->plan->by_reference);
    quern_status status = qn_buf_status(&text, err);
    if (status == QUERN_OK) qn_sha256_hex(text.p, text.n, hex);
    qn_buf_done(&text);
    QN_TRY(status);
    qn_store_make_id(im->result->name, hex, im->key);
    return qn_store_path(im->store, QN_DATASETS, ".tmp-", im->key, im->folder, err);
}

/* A name that an import of something else has would be refused at the end: say it now.
 */
static quern_status check_name(const import *im, quern_error *err)
{
    qn_arena arena;
    qn_object *list;
    int n;
    qn_arena_init(&arena, im->store->mem);
    quern_status status = qn_store_list(im->store, QN_DATASETS, &arena, &list, &n, err);
    for (int i = 0; status == QUERN_OK && i < n; i++)
        if (!strcmp(list[i].name, im->result->name) &&
            (!list[i].source || strcmp(list[i].source, im->source) != 0))
            status =
                qn_store_check_free(im->store, QN_DATASETS, im->result->name, "", err);
    qn_arena_done(&arena);
    return status;
}

static quern_status read_old(import *im, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_file file;
    QN_TRY(qn_path_join(path, im->folder, "items.jsonl", err));
    if (qn_path_look(path) == QN_PATH_FILE)
        QN_TRY(qn_file_text(&im->arena, path, &im->old, &im->n_old, err));
    QN_TRY(qn_path_join(path, im->folder, "files/pack.bin", err));
    if (im->plan->by_reference || qn_path_look(path) != QN_PATH_FILE) return QUERN_OK;
    QN_TRY(qn_file_open(NULL, path, &file, err));
    const quern_status status =
        file.bytes ? qn_file_map(&file, &im->old_pack, err) : QUERN_OK;
    qn_file_close(&file);
    return status;
}

static quern_status make_cargo(import *im, quern_error *err)
{
    const size_t n = im->set->array ? ARRAY_BLOCK : BLOCK;
    void *room;
    QN_TRY(qn_arena_array(&im->arena, n, sizeof *im->cargo, &room, err));
    im->cargo = room;
    for (size_t k = 0; k < n; k++) {
        qn_mem_init(&im->cargo[k].mem, NULL, 0);
        qn_arena_init(&im->cargo[k].arena, &im->cargo[k].mem);
    }
    im->n_meta =
        im->set->n_columns < QN_ITEM_MAX_META ? im->set->n_columns : QN_ITEM_MAX_META;
    for (int c = 0; c < im->n_meta; c++)
        im->meta[c] = im->set->columns[c].name;
    return QUERN_OK;
}

static void drop_cargo(import *im)
{
    const size_t n = im->set->array ? ARRAY_BLOCK : BLOCK;
    for (size_t k = 0; im->cargo && k < n; k++)
        qn_arena_done(&im->cargo[k].arena);
    qn_map_done(&im->old_pack);
    qn_out_close(&im->table);
    qn_out_close(&im->pack);
    qn_arena_done(&im->arena);
}

static quern_status build(import *im, quern_error *err)
{
    QN_TRY(read_old(im, err));
    QN_TRY(make_cargo(im, err));
    QN_TRY(take_all(im, err));
    return finish(im, err);
}

/* In its folder, which no other import may use meanwhile. */
static quern_status build_locked(import *im, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_lock lock;
    QN_TRY(qn_path_join(path, im->folder, "files", err));
    QN_TRY(qn_disk_folder(&im->store->disk, im->plan->by_reference ? im->folder : path,
                          err));
    QN_TRY(qn_lock_take(im->folder, QN_LOCK_TRY, &lock, err));
    const quern_status status = build(im, err);
    /* What cannot become better by repeating is taken away. */
    if (status == QUERN_INVALID || status == QUERN_FORMAT)
        qn_disk_remove_tree(&im->store->disk, im->folder, NULL);
    qn_lock_drop(&lock);
    return status;
}

quern_status qn_store_import_set(const qn_store *store, qn_dataset *set,
                                 const qn_import *plan, qn_imported *out,
                                 quern_error *err)
{
import im = {.store = store, .plan = plan, .set = set, .result = out };
    *out = (qn_imported){.is_new = true};
    im.table.fd = im.pack.fd = -1;
    im.is_resuming = true;
    im.old = "";
    qn_sha256_init(&im.table_sha);
    qn_sha256_init(&im.pack_sha);
    QN_TRY(qn_path_resolve(set->path, im.source, err));
    if (!is_utf8(im.source))
        return qn_fail(err, QUERN_INVALID, "the path of the source is not UTF-8");
    if (plan->name)
        snprintf(out->name, sizeof out->name, "%s", plan->name);
    else
        qn_store_name_of(im.source, out->name);
    QN_TRY(qn_store_check_name(out->name, err));
    QN_TRY(check_name(&im, err));
    QN_TRY(choose_folder(&im, err));
    qn_arena_init(&im.arena, store->mem);
    const quern_status status = build_locked(&im, err);
    drop_cargo(&im);
    return status;
}
