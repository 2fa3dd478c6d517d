/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_build.c - see dataset_build.h. */
#include "formats/dataset_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- items ---------------------------------------------------------------------- */

quern_status qn_list_grow(qn_arena *arena, void *list, size_t n, size_t room,
                          size_t size, quern_error *err)
{
    void *more, *old;
    QN_TRY(qn_arena_array(arena, room, size, &more, err));
    memcpy(&old, list, sizeof old);
    if (n) memcpy(more, old, n * size);
    memcpy(list, &more, sizeof more);
    return QUERN_OK;
}

static quern_status make_room(qn_dataset *set, int64_t n, quern_error *err)
{
    const size_t held = (size_t)set->n;
    size_t room = set->room ? 2 * (size_t)set->room : 256;
    if (n <= set->room) return QUERN_OK;
    if (room < (size_t)n) room = (size_t)n;
    QN_TRY(qn_list_grow(&set->arena, &set->label, held, room, sizeof *set->label, err));
    QN_TRY(qn_list_grow(&set->arena, &set->split, held, room, sizeof *set->split, err));
    if (set->name || set->n == 0)
        QN_TRY(
            qn_list_grow(&set->arena, &set->name, held, room, sizeof *set->name, err));
    set->room = (int64_t)room;
    return QUERN_OK;
}

quern_status qn_set_add(qn_dataset *set, const char *name, int32_t label,
                        qn_split split, quern_error *err)
{
    QN_TRY(make_room(set, set->n + 1, err));
    set->name[set->n] = name;
    set->label[set->n] = label;
    set->split[set->n] = (uint8_t)split;
    set->n++;
    return QUERN_OK;
}

quern_status qn_set_add_part(qn_dataset *set, qn_split split, int64_t n,
                             int32_t **labels, quern_error *err)
{
    if (set->part[split].n)
        return qn_fail(err, QUERN_FORMAT, "there are two files of the split '%s'",
                       qn_split_name(split));
    QN_TRY(make_room(set, set->n + n, err));
    set->name = NULL;
    set->part[split] = (qn_part){set->n, n};
    if (n) memset(set->split + set->n, split, (size_t)n);
    *labels = set->label + set->n;
    set->n += n;
    return QUERN_OK;
}

quern_status qn_set_reject(qn_dataset *set, const char *item, quern_error *err,
                           const char *reason, ...)
{
    char text[512];
    va_list list;
    va_start(list, reason);
    vsnprintf(text, sizeof text, reason, list);
    va_end(list);
    const size_t n = (size_t)set->n_rejects;
    if (n == INT32_MAX) return qn_fail(err, QUERN_LIMIT, "%zu items are refused", n);
    if ((n & (n - 1)) == 0) /* full at every power of two */
        QN_TRY(qn_list_grow(&set->arena, &set->rejects, n, n ? 2 * n : 1,
                            sizeof(qn_reject), err));
    qn_reject *r = set->rejects + n;
    QN_TRY(qn_arena_text(&set->arena, item, strlen(item), &r->item, err));
    QN_TRY(qn_arena_text(&set->arena, text, strlen(text), &r->reason, err));
    set->n_rejects++;
    return QUERN_OK;
}

quern_status qn_set_reject_item(qn_dataset *set, int64_t i, const quern_error *why,
                                quern_error *err)
{
    char room[QN_ITEM_TEXT];
    const char *name = qn_item_name(set, i, room);
    if (why->status == QUERN_MEMORY) /* the machine's fault, not the item's */
        return qn_fail(err, QUERN_MEMORY, "%s", why->text);
    const size_t n = strlen(name); /* the sentence may begin with the name */
    const bool is_named =
        !strncmp(why->text, name, n) && !strncmp(why->text + n, ": ", 2);
    return qn_set_reject(set, name, err, "%s", why->text + (is_named ? n + 2 : 0));
}

/* ---- pixels --------------------------------------------------------------------- */

quern_status qn_set_shape_of(qn_dataset *set, int64_t height, int64_t width,
                             int64_t channels, quern_error *err)
{
    if (height < 1 || width < 1 || height > QN_IMAGE_MAX_SIDE ||
        width > QN_IMAGE_MAX_SIDE)
        return qn_fail(err, QUERN_LIMIT,
                       "pictures of %lld x %lld; a side has 1 to %d pixels",
                       (long long)width, (long long)height, QN_IMAGE_MAX_SIDE);
    if (channels != 1 && channels != 3)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "pictures of %lld channels; 1 and 3 are read",
                       (long long)channels);
    if (set->height &&
        (set->height != height || set->width != width || set->channels != channels))
        return qn_fail(err, QUERN_SHAPE,
                       "pictures of %lld x %lld x %lld, those before have %d x %d x %d",
                       (long long)height, (long long)width, (long long)channels,
                       set->height, set->width, set->channels);
    set->height = (int)height;
    set->width = (int)width;
    set->channels = (int)channels;
    return QUERN_OK;
}

quern_status qn_set_pixels(qn_dataset *set, int64_t n, uint8_t **pixels,
                           quern_error *err)
{
    const size_t size =
        (size_t)set->height * (size_t)set->width * (size_t)set->channels;
    size_t bytes;
    void *p;
    if (!qn_size_mul((size_t)n, size, &bytes))
        return qn_fail(err, QUERN_LIMIT, "%lld pictures of %zu bytes are too many",
                       (long long)n, size);
    QN_TRY(qn_arena_raw(&set->arena, bytes, &p, err));
    set->array = p;
    *pixels = p;
    return QUERN_OK;
}

quern_status qn_set_file(const char *folder, const char *path, qn_arena *arena,
                         const void **bytes, size_t *n, quern_error *err)
{
    qn_file file;
    void *room;
    QN_TRY(qn_file_open(folder, path, &file, err));
    const quern_status status = qn_file_read(&file, arena, &room, err);
    qn_file_close(&file);
    *bytes = room;
    *n = file.bytes;
    return status;
}

quern_status qn_set_decode_bytes(const qn_dataset *set, const void *bytes, size_t n,
                                 qn_arena *arena, qn_image *out, quern_error *err)
{
    if (!qn_image_is(bytes, n))
        return qn_fail(err, QUERN_FORMAT,
                       "its %zu bytes begin as none of " QN_IMAGE_KINDS, n);
    return qn_image_decode_by(set->decoder, arena, bytes, n, 0, out, err);
}

quern_status qn_set_decode(const qn_dataset *set, const char *folder, const char *path,
                           qn_arena *arena, qn_image *out, quern_error *err)
{
    qn_arena packed;
    const void *bytes;
    size_t n;
    qn_arena_init(&packed, arena->mem);
    quern_status status = qn_set_file(folder, path, &packed, &bytes, &n, err);
    if (status == QUERN_OK)
        status = qn_set_decode_bytes(set, bytes, n, arena, out, err);
    qn_arena_done(&packed);
    return status;
}

/* ---- classes -------------------------------------------------------------------- */

static int32_t largest_label(const qn_dataset *set)
{
    int32_t most = -1;
    for (int64_t i = 0; i < set->n; i++)
        if (set->label[i] > most) most = set->label[i];
    return most;
}

quern_status qn_set_number_classes(qn_dataset *set, quern_error *err)
{
    const int32_t n = largest_label(set) + 1;
    char text[16];
    void *list;
    if (n > QN_MAX_CLASSES)
        return qn_fail(err, QUERN_LIMIT, "label %d; the largest that is read is %d",
                       n - 1, QN_MAX_CLASSES - 1);
    QN_TRY(qn_arena_array(&set->arena, (size_t)n, sizeof *set->classes, &list, err));
    set->classes = list;
    for (int32_t c = 0; c < n; c++) {
        snprintf(text, sizeof text, "%d", c);
        QN_TRY(qn_arena_text(&set->arena, text, strlen(text), &set->classes[c], err));
    }
    set->n_classes = n;
    return QUERN_OK;
}

quern_status qn_set_read_classes(qn_dataset *set, const char *path, bool *found,
                                 quern_error *err)
{
    const char *const *names;
    void *list;
    int n;
    *found = qn_file_is_there(path);
    if (!*found) return QUERN_OK;
    QN_TRY(qn_file_names(&set->arena, path, &names, &n, err));
    if (n <= largest_label(set))
        return qn_fail(err, QUERN_FORMAT, "%s: %d names, but the labels go to %d", path,
                       n, largest_label(set));
    QN_TRY(qn_arena_array(&set->arena, (size_t)n, sizeof *names, &list, err));
    memcpy(list, names, (size_t)n * sizeof *names);
    set->classes = list;
    set->n_classes = n;
    return QUERN_OK;
}

/* Names the classes that have items, but none for training. */
static quern_status check_trained(const qn_dataset *set, const uint8_t *splits,
                                  quern_error *err)
{
    const uint8_t trained = 1 << QN_SPLIT_TRAIN | 1 << QN_SPLIT_NONE;
    char names[256] = "";
    int unknown = 0;
    for (int c = 0; c < set->n_classes; c++) {
        if (!splits[c] || (splits[c] & trained)) continue;
        const size_t n = strlen(names);
        snprintf(names + n, sizeof names - n, "%s'%s'", unknown++ ? ", " : "",
                 set->classes[c]);
    }
    if (!unknown) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT,
                   "%d of %d classes are in val or test, but not in train: %s", unknown,
                   set->n_classes, names);
}

quern_status qn_set_check_splits(const qn_dataset *set, quern_error *err)
{
    qn_arena arena;
    void *room;
    uint8_t all = 0;
    qn_arena_init(&arena, set->arena.mem);
    quern_status status =
        qn_arena_array(&arena, (size_t)set->n_classes, sizeof all, &room, err);
    if (status == QUERN_OK) {
        uint8_t *splits = room; /* [n_classes]: a bit for each split it has items in */
        for (int64_t i = 0; i < set->n; i++) {
            if (set->label[i] >= 0)
                splits[set->label[i]] |= (uint8_t)(1 << set->split[i]);
            all |= (uint8_t)(1 << set->split[i]);
        }
        if (all & 1 << QN_SPLIT_TRAIN) status = check_trained(set, splits, err);
    }
    qn_arena_done(&arena);
    return status;
}

/* ---- names of files ------------------------------------------------------------- */

/* The same for a path that is a link. */
static const char *refuses_link(const char *real, const char *path)
{
    char target[QN_PATH_MAX];
    const size_t n = real ? strlen(real) : 0;
    if (qn_path_resolve(path, target, NULL) != QUERN_OK)
        return "the link leads nowhere";
    if (n > 1 && (strncmp(target, real, n) != 0 || (target[n] && target[n] != '/')))
        return "the link leads out of the data set";
    switch (qn_path_look(target)) {
    case QN_PATH_FILE:
        return NULL;
    case QN_PATH_FOLDER:
        return "a link to a folder is not followed";
    default:
        return "the link leads to no regular file";
    }
}

static const char is_absent[] = "there is no such file";

void qn_set_lacks(qn_dataset *set, const char **why)
{
    if (*why != is_absent) return;
    set->n_missing++;
    if (set->is_table) *why = NULL;
}

const char *qn_set_refuses(const char *real, const char *path)
{
    switch (qn_path_look(path)) {
    case QN_PATH_FILE:
        return NULL;
    case QN_PATH_LINK:
        return refuses_link(real, path);
    case QN_PATH_ABSENT:
        return is_absent;
    case QN_PATH_FOLDER:
        return "it is a folder";
    case QN_PATH_OTHER:
        break;
    }
    return "it is no regular file";
}

bool qn_path_leads_out(const char *path)
{
    if (*path == '/') return true;
    for (const char *p = path; (p = strstr(p, "..")); p += 2)
        if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == 0)) return true;
    return false;
}

static bool has_end_of(const char *name, const char *const *ends)
{
    for (int i = 0; ends[i]; i++)
        if (qn_ends_with(name, ends[i])) return true;
    return false;
}

bool qn_is_picture_name(const char *name)
{
    static const char *const ends[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif",
                                       ".bmp", ".dib", ".gif",  ".ppm", ".pgm",
                                       ".pnm", ".tif", ".tiff", NULL};
    return has_end_of(name, ends);
}

bool qn_is_any_picture_name(const char *name)
{
    static const char *const others[] = {".webp", ".avif", ".heic", ".heif", ".pbm",
                                         ".pam",  ".tga",  ".jp2",  ".jxl",  ".dcm",
                                         ".svg",  ".psd",  ".exr",  ".hdr",  NULL};
    return qn_is_picture_name(name) || has_end_of(name, others);
}

quern_status qn_path_join(char out[QN_PATH_MAX], const char *folder, const char *name,
                          quern_error *err)
{
    const size_t n = strlen(folder);
    return qn_path_format(out, err, "%s%s%s", folder,
                          n && folder[n - 1] != '/' ? "/" : "", name);
}
