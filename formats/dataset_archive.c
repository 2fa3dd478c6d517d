/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_archive.c - a data set of any other format, packed into a zip or tar
 * archive: unpacked into a private folder, which lasts as long as the set is open, and
 * read there. */
#include "engine/os_disk.h"
#include "formats/archive.h"
#include "formats/dataset_build.h"

#include <stdio.h>
#include <string.h>

#define MOST_BYTES ((uint64_t)32 << 30) /* the default of the limit `unpacked` */
enum { MOST_ENTRIES = 2000000, MOST_RATIO = 200, MOST_LEVELS = 4 };

static const qn_disk disk = {0}; /* nobody asks before changes */

typedef struct state {
    qn_dataset *inner;
    qn_dataset_format format; /* of the set: the inner one's name, read by us */
    char name[64];
    char folder[QN_PATH_MAX];
} state;

/* ---- the folder ----------------------------------------------------------------- */

/* A name that nobody guesses; the folder comes to be when there is something for it. */
static quern_status name_folder(state *s, const char *scratch, quern_error *err)
{
    uint8_t random[16];
    char text[2 * sizeof random + 1];
    QN_TRY(qn_os_random(random, sizeof random, err));
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    return qn_path_format(s->folder, err, "%s/quern-%s", scratch ? scratch : "/tmp",
                          text);
}

static bool is_litter(const char *name)
{
    return name[0] == '.' || !strcmp(name, "__MACOSX");
}

/* The only thing in a folder, or NULL. */
static quern_status find_only(const char *folder, qn_arena *arena, const char **only,
                              quern_error *err)
{
    const char *const *names;
    int n, n_seen = 0;
    *only = NULL;
    QN_TRY(qn_dir_list(folder, arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        if (is_litter(names[i])) continue;
        *only = n_seen++ ? NULL : names[i];
    }
    return QUERN_OK;
}

/* Goes into a folder that holds everything, as many archives have it; a folder of a
 * split is none.  A single file is the set. */
static quern_status find_root(char path[QN_PATH_MAX], qn_arena *arena, quern_error *err)
{
    for (int level = 0; level < MOST_LEVELS && qn_path_is_folder(path); level++) {
        char next[QN_PATH_MAX];
        const char *only;
        QN_TRY(find_only(path, arena, &only, err));
        if (!only || qn_split_of(only) != QN_SPLIT_NONE) return QUERN_OK;
        QN_TRY(qn_path_join(next, path, only, err));
        memcpy(path, next, sizeof next);
    }
    return QUERN_OK;
}

/* ---- the set -------------------------------------------------------------------- */

/* Sentences are about the archive, not about a folder that nobody knows. */
static void rename_place(quern_error *err, const char *folder, const char *path)
{
    char text[sizeof err->text];
    char *at = err ? strstr(err->text, folder) : NULL;
    if (!at) return;
    const int n = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - err->text),
                           err->text, path, at + strlen(folder));
    if (n > 0) memcpy(err->text, text, sizeof text);
}

static quern_status unpack(qn_dataset *set, state *s, const char *path,
                           quern_error *err)
{
    const qn_dataset_options *o = set->options;
    const qn_unpack_limits limits = {
        .entries = o->entries ? o->entries : MOST_ENTRIES,
        .bytes = o->unpacked ? o->unpacked : MOST_BYTES,
        .ratio = o->ratio > 0 ? o->ratio : MOST_RATIO,
        .cancel = o->cancel,
        .ctx = o->ctx,
    };
    QN_TRY(name_folder(s, o->scratch, err));
    return qn_archive_unpack(path, s->folder, &limits, set->arena.mem, err);
}

static quern_status open_inner(qn_dataset *set, state *s, quern_error *err)
{
    char root[QN_PATH_MAX];
    const qn_dataset_options options = {.is_unpacked = true,
                                        .is_selected = set->options->is_selected,
                                        .decoder = set->decoder};
    memcpy(root, s->folder, sizeof root);
    QN_TRY(find_root(root, &set->arena, err));
    return qn_dataset_open_as(set->arena.mem, root, &options, &s->inner, err);
}

static quern_status inner_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                               qn_image *out, quern_error *err)
{
    const state *s = set->state;
    return s->inner->format->read(s->inner, i, arena, out, err);
}

static quern_status inner_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                                 const void **bytes, size_t *n, quern_error *err)
{
    const state *s = set->state;
    return s->inner->format->packed(s->inner, i, arena, bytes, n, err);
}

static void archive_close(qn_dataset *set)
{
    state *s = set->state;
    if (!s) return;
    qn_dataset_close(s->inner);
    if (s->folder[0]) qn_disk_remove_tree(&disk, s->folder, NULL);
}

/* The table is the inner set's; its memory stays where it is. */
static void take_table(qn_dataset *set, state *s)
{
    const qn_arena arena = set->arena;
    const char *path = set->path;
    const qn_dataset_format *inner = s->inner->format;
    snprintf(s->name, sizeof s->name, "%s, packed", inner->name);
    s->format = (qn_dataset_format){.name = s->name,
                                    .about = inner->about,
                                    .read = inner->read ? inner_read : NULL,
                                    .packed = inner->packed ? inner_packed : NULL,
                                    .close = archive_close};
    *set = *s->inner;
    set->arena = arena;
    set->path = path;
    set->format = &s->format;
    set->state = s;
    set->room = 0;
}

static quern_status archive_open(qn_dataset *set, const char *path, quern_error *err)
{
    void *room;
    if (set->options->is_unpacked)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "an archive within an archive is not read");
    QN_TRY(qn_arena_alloc(&set->arena, sizeof(state), &room, err));
    state *s = room;
    set->state = s;
    quern_status status = unpack(set, s, path, err);
    if (status == QUERN_OK) status = open_inner(set, s, err);
    if (status == QUERN_OK)
        take_table(set, s);
    else if (s->folder[0])
        rename_place(err, s->folder, path);
    return status;
}

static bool archive_is(const char *path)
{
    return qn_is_archive_name(path) && !qn_path_is_folder(path);
}

const qn_dataset_format qn_dataset_archive = {
    .name = "archive",
    .about = "a zip or tar archive of any of these",
    .is = archive_is,
    .open = archive_open,
    .close = archive_close,
};
