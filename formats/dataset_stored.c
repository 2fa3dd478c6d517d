/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_stored.c - data sets of the store: the folder of one, with its
 * manifest, the table of items.jsonl and the pack with the pictures (store.h).
 *
 * Where all pictures are pixels of one shape, in order, the pack is the array.  A set
 * by reference opens its source and takes pictures from there, as long as their digests
 * are those of the import. */
#include "formats/dataset_build.h"
#include "formats/names.h"
#include "formats/sha256.h"
#include "formats/store.h"
#include "formats/store_items.h"

#include <string.h>

/* Where a picture is. */
typedef struct place {
    int64_t at, bytes, from;
    int pixels[3]; /* zeros: a file */
    uint8_t sha256[32];
} place;

typedef struct stored {
    qn_object object;
    qn_map pack;
    place *places; /* [room] */
    int64_t room;
    qn_names groups, columns;
    qn_dataset *source; /* of a reference */
    bool is_array;
} stored;

/* By the first bytes of its manifest, which we wrote. */
static bool stored_is(const char *path)
{
    static const char begin[] = "{\"schema\":1,\"kind\":\"data set\"";
    qn_file file;
    qn_map map;
    bool is = false;
    if (!qn_path_is_folder(path) ||
        qn_file_open(path, "manifest.json", &file, NULL) != QUERN_OK)
        return false;
    if (file.bytes >= sizeof begin && qn_file_map(&file, &map, NULL) == QUERN_OK) {
        is = !memcmp(map.base, begin, sizeof begin - 1);
        qn_map_done(&map);
    }
    qn_file_close(&file);
    return is;
}

/* ---- the table ------------------------------------------------------------------- */

static void unhex(const char *hex, uint8_t digest[32])
{
    for (int i = 0; i < 64; i++) {
        const int c = hex[i], v = c >= 'a' ? c - 'a' + 10 : c - '0';
        digest[i / 2] = (uint8_t)(i % 2 ? digest[i / 2] | v : v << 4);
    }
}

/* As much room for what goes with the items as the table has. */
static quern_status make_room(qn_dataset *set, stored *s, quern_error *err)
{
    const size_t n = (size_t)s->room, room = (size_t)set->room;
    qn_arena *arena = &set->arena;
    if (n == room) return QUERN_OK;
    QN_TRY(qn_list_grow(arena, &s->places, n, room, sizeof *s->places, err));
    QN_TRY(qn_list_grow(arena, &set->group, n, room, sizeof *set->group, err));
    QN_TRY(qn_list_grow(arena, &set->weight, n, room, sizeof *set->weight, err));
    for (int c = 0; c < set->n_columns; c++)
        QN_TRY(
            qn_list_grow(arena, &set->columns[c].text, n, room, sizeof(char *), err));
    s->room = set->room;
    return QUERN_OK;
}

static quern_status add_column(qn_dataset *set, stored *s, const char *name,
                               int64_t *index, quern_error *err)
{
    QN_TRY(qn_names_add(&s->columns, name, strlen(name), index, err));
    if (*index < set->n_columns) return QUERN_OK;
    if (set->n_columns == QN_ITEM_MAX_META)
        return qn_fail(err, QUERN_LIMIT, "more than %d columns", QN_ITEM_MAX_META);
    qn_column *c = &set->columns[set->n_columns++];
    c->name = s->columns.text[*index];
    c->text = NULL;
    return qn_list_grow(&set->arena, &c->text, 0, (size_t)s->room, sizeof(char *), err);
}

static quern_status add_meta(qn_dataset *set, stored *s, const qn_stored_item *item,
                             quern_error *err)
{
    for (int i = 0; i < item->n_meta; i++) {
        int64_t c;
        const char *text = item->meta[1][i];
        QN_TRY(add_column(set, s, item->meta[0][i], &c, err));
        QN_TRY(qn_arena_text(&set->arena, text, strlen(text),
                             &set->columns[c].text[set->n - 1], err));
    }
    return QUERN_OK;
}

/* The picture must lie in the pack, or be an item of the source. */
static quern_status check_place(const stored *s, const qn_stored_item *item,
                                quern_error *err)
{
    const int64_t n = s->source ? s->source->n : 0;
    if (s->source && item->from >= n)
        return qn_fail(err, QUERN_FORMAT,
                       "it is item %lld of its source, which has %lld now",
                       (long long)item->from, (long long)n);
    if (!s->source && (item->at > (int64_t)s->pack.bytes ||
                       item->bytes > (int64_t)s->pack.bytes - item->at))
        return qn_fail(err, QUERN_FORMAT, "bytes %lld to %lld of a pack of %zu",
                       (long long)item->at, (long long)(item->at + item->bytes),
                       s->pack.bytes);
    return QUERN_OK;
}

static quern_status add_item(qn_dataset *set, stored *s, const qn_stored_item *item,
                             quern_error *err)
{
    const char *name;
    int64_t group = -1;
    if (item->label >= set->n_classes)
        return qn_fail(err, QUERN_FORMAT, "label %d, there are %d classes",
                       (int)item->label, set->n_classes);
    QN_TRY(check_place(s, item, err));
    QN_TRY(qn_arena_text(&set->arena, item->name, strlen(item->name), &name, err));
    QN_TRY(qn_set_add(set, name, item->label, item->split, err));
    QN_TRY(make_room(set, s, err));
    if (item->group)
        QN_TRY(qn_names_add(&s->groups, item->group, strlen(item->group), &group, err));
    const int64_t i = set->n - 1;
    set->group[i] = (int32_t)group;
    set->weight[i] = (float)item->weight;
    place *p = &s->places[i];
    *p = (place){.at = item->at, .bytes = item->bytes, .from = item->from};
    memcpy(p->pixels, item->pixels, sizeof p->pixels);
    unhex(item->sha256, p->sha256);
    return add_meta(set, s, item, err);
}

/* Whether the pictures so far are pixels of one shape, one behind the other. */
static bool goes_on(const qn_dataset *set, const stored *s, const qn_stored_item *item)
{
    const place *first = set->n ? &s->places[0] : NULL;
    if (s->source || !item->pixels[0]) return false;
    if (!first) return item->at == 0;
    return !memcmp(first->pixels, item->pixels, sizeof first->pixels) &&
           item->at == set->n * first->bytes;
}

static quern_status read_lines(qn_dataset *set, stored *s, const char *text, size_t n,
                               quern_error *err)
{
    qn_arena line;
    quern_status status = QUERN_OK;
    const char *p = text, *end = text + n;
    qn_arena_init(&line, set->arena.mem);
    s->is_array = true;
    while (p < end && status == QUERN_OK) {
        qn_stored_item item;
        qn_arena_reset(&line);
        status = qn_item_read(&line, &p, end, &item, err);
        if (status == QUERN_OK) s->is_array &= goes_on(set, s, &item);
        if (status == QUERN_OK) status = add_item(set, s, &item, err);
    }
    qn_arena_done(&line);
    if (status != QUERN_OK)
        qn_within(err, "%s: line %lld", s->object.items, (long long)set->n + 1);
    return status;
}

static quern_status read_table(qn_dataset *set, stored *s, quern_error *err)
{
    qn_file file;
    qn_map map = {0};
    QN_TRY(qn_file_open(set->path, s->object.items, &file, err));
    quern_status status = qn_file_map(&file, &map, err);
    qn_file_close(&file);
    if (status == QUERN_OK) status = read_lines(set, s, map.base, map.bytes, err);
    qn_map_done(&map);
    QN_TRY(status);
    if (set->n == s->object.n_items) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "%s has %lld lines, its manifest says %lld",
                   s->object.items, (long long)set->n, (long long)s->object.n_items);
}

/* ---- opening --------------------------------------------------------------------- */

static quern_status open_pictures(qn_dataset *set, stored *s, quern_error *err)
{
    qn_file file;
    if (s->object.is_reference) {
        if (!s->object.source_format || !strcmp(s->object.source_format, "stored"))
            return qn_fail(err, QUERN_FORMAT,
                           "it refers to a source whose format it does not say, or "
                           "that is stored, too");
        const qn_dataset_options options = {.format = s->object.source_format,
                                            .is_selected = set->options->is_selected,
                                            .decoder = set->decoder};
        return qn_dataset_open_as(set->arena.mem, s->object.source, &options,
                                  &s->source, err);
    }
    QN_TRY(qn_file_open(set->path, s->object.pack, &file, err));
    const quern_status status =
        file.bytes ? qn_file_map(&file, &s->pack, err) : QUERN_OK;
    qn_file_close(&file);
    return status;
}

/* Groups and weights that nobody gave are NULL, as other formats have it. */
static void tidy(qn_dataset *set, stored *s)
{
    bool is_weighted = false;
    for (int64_t i = 0; i < set->n; i++)
        is_weighted |= set->weight[i] != 1;
    if (!is_weighted) set->weight = NULL;
    set->groups = s->groups.text;
    set->n_groups = (int)s->groups.n;
    if (!set->n_groups) set->group = NULL;
    if (!s->is_array || set->n == 0) return;
    set->height = s->places[0].pixels[0];
    set->width = s->places[0].pixels[1];
    set->channels = s->places[0].pixels[2];
    set->array = s->pack.base;
}

static quern_status open_folder(qn_dataset *set, stored *s, quern_error *err)
{
    void *room;
    QN_TRY(qn_manifest_read(&set->arena, set->path, &s->object, err));
    if (s->object.kind != QN_DATASETS)
        return qn_fail(err, QUERN_INVALID, "it is a stored %s, no data set",
                       qn_kind_word(s->object.kind));
    QN_TRY(qn_arena_array(&set->arena, QN_ITEM_MAX_META, sizeof *set->columns, &room,
                          err));
    set->columns = room;
    set->classes = s->object.classes;
    set->n_classes = s->object.n_classes;
    QN_TRY(open_pictures(set, s, err));
    QN_TRY(read_table(set, s, err));
    tidy(set, s);
    return QUERN_OK;
}

/* What is being changed is opened before or after, not between. */
static quern_status stored_open(qn_dataset *set, const char *path, quern_error *err)
{
    void *room;
    qn_lock lock;
    QN_TRY(qn_arena_alloc(&set->arena, sizeof(stored), &room, err));
    stored *s = room;
    s->groups.arena = s->columns.arena = &set->arena;
    set->state = s;
    const bool is_locked = qn_lock_take(path, QN_LOCK_SHARED, &lock, NULL) == QUERN_OK;
    const quern_status status = open_folder(set, s, err);
    if (is_locked) qn_lock_drop(&lock);
    return status;
}

static void stored_close(qn_dataset *set)
{
    stored *s = set->state;
    if (!s) return;
    qn_dataset_close(s->source);
    qn_map_done(&s->pack);
}

/* ---- pictures -------------------------------------------------------------------- */

static quern_status check_digest(const place *p, const void *bytes, size_t n,
                                 quern_error *err)
{
    uint8_t digest[32];
    qn_sha256 sha;
    qn_sha256_init(&sha);
    qn_sha256_add(&sha, bytes, n);
    qn_sha256_end(&sha, digest);
    if (n == (size_t)p->bytes && !memcmp(digest, p->sha256, sizeof digest))
        return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT,
                   "it has changed since it was imported: %zu bytes, then %lld", n,
                   (long long)p->bytes);
}

/* From the source of a reference. */
static quern_status read_source(const stored *s, const place *p, qn_arena *arena,
                                qn_image *out, quern_error *err)
{
    const void *bytes;
    size_t n;
    if (!p->pixels[0]) {
        QN_TRY(qn_dataset_packed(s->source, p->from, arena, &bytes, &n, err));
        if (!bytes) return check_digest(p, "", 0, err);
        QN_TRY(check_digest(p, bytes, n, err));
        return qn_image_decode_by(s->source->decoder, arena, bytes, n, 0, out, err);
    }
    QN_TRY(qn_dataset_read(s->source, p->from, arena, out, err));
    n = (size_t)out->height * (size_t)out->width * (size_t)out->channels;
    return check_digest(p, out->pixels, n, err);
}

static quern_status stored_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                                qn_image *out, quern_error *err)
{
    const stored *s = set->state;
    const place *p = &s->places[i];
    void *copy;
    if (s->source) return read_source(s, p, arena, out, err);
    const uint8_t *bytes = (const uint8_t *)s->pack.base + p->at;
    if (!p->pixels[0])
        return qn_image_decode_by(set->decoder, arena, bytes, (size_t)p->bytes, 0, out,
                                  err);
    QN_TRY(qn_arena_raw(arena, (size_t)p->bytes, &copy, err));
    memcpy(copy, bytes, (size_t)p->bytes);
    *out = (qn_image){p->pixels[1], p->pixels[0], p->pixels[2], copy};
    return QUERN_OK;
}

static quern_status stored_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                                  const void **bytes, size_t *n, quern_error *err)
{
    const stored *s = set->state;
    const place *p = &s->places[i];
    if (p->pixels[0]) return QUERN_OK;
    if (!s->source) {
        *bytes = (const uint8_t *)s->pack.base + p->at;
        *n = (size_t)p->bytes;
        return QUERN_OK;
    }
    QN_TRY(qn_dataset_packed(s->source, p->from, arena, bytes, n, err));
    return check_digest(p, *bytes ? *bytes : "", *n, err);
}

const qn_dataset_format qn_dataset_stored = {
    .name = "stored",
    .about = "a data set of the store: its name, or its folder",
    .is = stored_is,
    .open = stored_open,
    .read = stored_read,
    .packed = stored_packed,
    .close = stored_close,
};
