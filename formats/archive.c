/* SPDX-License-Identifier: Apache-2.0 */
/* formats/archive.c - see archive.h. */
#include "formats/archive.h"

#include "engine/os_disk.h"
#include "formats/archive_abi.h"
#include "formats/bytes.h"
#include "formats/files.h"
#include "formats/names.h"
#include "formats/plugin.h"
#include "formats/zip_check.h"
#include "formats/zip_read.h"

#include <stdio.h>
#include <string.h>

#define RATIO_FROM ((uint64_t)10 << 20) /* bytes: a page of zeros is no bomb */
enum { PIECE = 1 << 16 };               /* bytes unpacked at a time */

static const qn_disk disk = {0}; /* nobody asks before changes */

typedef struct unpacking {
    const qn_archive_abi *abi;
    void *archive;
    const char *folder;
    const qn_unpack_limits *limits;
    qn_names names;         /* of files so far */
    char made[QN_PATH_MAX]; /* folder that was made last */
    size_t packed;          /* bytes of the archive */
    uint64_t total;
    int64_t n;
} unpacking;

bool qn_is_archive_name(const char *path)
{
    static const char *const ends[] = {".zip",    ".tar",     ".tar.gz", ".tgz",
                                       ".tar.xz", ".txz",     ".tbz2",   ".tar.zst",
                                       ".tzst",   ".tar.bz2", NULL};
    for (int i = 0; ends[i]; i++)
        if (qn_ends_with(path, ends[i])) return true;
    return false;
}

/* ---- names ---------------------------------------------------------------------- */

static bool has_control(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < 32 || *name == 127) return true;
    return false;
}

static bool leads_up(const char *name)
{
    for (const char *p = name; (p = strstr(p, "..")); p += 2)
        if ((p == name || p[-1] == '/') && (p[2] == '/' || p[2] == 0)) return true;
    return false;
}

static quern_status check_name(const unpacking *u, const char *name, quern_error *err)
{
    const qn_span text = {(const uint8_t *)name, name ? strlen(name) : 0, 0};
    if (!name || text.n == 0 || !qn_span_is_utf8(&text) || has_control(name))
        return qn_fail(err, QUERN_FORMAT, "the name of entry %lld is no UTF-8 text",
                       (long long)u->n);
    if (*name == '/')
        return qn_fail(err, QUERN_FORMAT, "'%s' in it is an absolute name", name);
    if (leads_up(name))
        return qn_fail(err, QUERN_FORMAT, "'%s' in it leads out of the archive", name);
    return QUERN_OK;
}

static quern_status check_entry(const unpacking *u, const qn_entry *e, quern_error *err)
{
    if (u->n > u->limits->entries)
        return qn_fail(err, QUERN_LIMIT, "more than %lld entries (--limit entries)",
                       (long long)u->limits->entries);
    QN_TRY(check_name(u, e->name, err));
    if (e->kind == QN_ENTRY_LINK)
        return qn_fail(err, QUERN_FORMAT, "'%s' in it is a link", e->name);
    if (e->kind == QN_ENTRY_OTHER)
        return qn_fail(err, QUERN_FORMAT, "'%s' in it is no regular file", e->name);
    if (e->is_encrypted)
        return qn_fail(err, QUERN_UNSUPPORTED, "'%s' in it is encrypted", e->name);
    return QUERN_OK;
}

/* ---- files ---------------------------------------------------------------------- */

static quern_status check_budgets(const unpacking *u, quern_error *err)
{
    const qn_unpack_limits *l = u->limits;
    if (l->cancel && l->cancel(l->ctx))
        return qn_fail(err, QUERN_CANCELLED, "stopped while unpacking");
    if (u->total > l->bytes)
        return qn_fail(err, QUERN_LIMIT,
                       "it unpacks to more than %llu bytes (--limit "
                       "unpacked)",
                       (unsigned long long)l->bytes);
    if (u->total > RATIO_FROM && (double)u->total > l->ratio * (double)u->packed)
        return qn_fail(
            err, QUERN_LIMIT,
            "%zu bytes unpack to %llu and more, over %g to 1 (--limit ratio)",
            u->packed, (unsigned long long)u->total, l->ratio);
    return QUERN_OK;
}

static quern_status write_pieces(unpacking *u, const char *name, qn_out_file *out,
                                 quern_error *err)
{
    char piece[PIECE];
    for (;;) {
        const ptrdiff_t n = u->abi->read(u->archive, piece, sizeof piece);
        if (n < 0)
            return qn_fail(err, QUERN_FORMAT, "'%s' in it: %s", name,
                           u->abi->wrong(u->archive));
        if (n == 0) return QUERN_OK;
        u->total += (uint64_t)n;
        QN_TRY(check_budgets(u, err));
        QN_TRY(qn_out_write(out, piece, (size_t)n, err));
    }
}

static quern_status make_folder(unpacking *u, const char *path, quern_error *err)
{
    if (!strcmp(path, u->made)) return QUERN_OK;
    QN_TRY(qn_disk_folder(&disk, path, err));
    snprintf(u->made, sizeof u->made, "%s", path);
    return QUERN_OK;
}

static quern_status unpack_file(unpacking *u, const char *name, const char *path,
                                quern_error *err)
{
    char folder[QN_PATH_MAX];
    int64_t index;
    qn_out_file out;
    const int64_t n = u->names.n;
    QN_TRY(qn_names_add(&u->names, name, strlen(name), &index, err));
    if (index != n) return qn_fail(err, QUERN_FORMAT, "'%s' is in it twice", name);
    QN_TRY(qn_path_folder(path, folder, err));
    QN_TRY(make_folder(u, folder, err));
    QN_TRY(qn_out_create(&disk, path, QN_MODE_PRIVATE, &out, err));
    const quern_status status = write_pieces(u, name, &out, err);
    qn_out_close(&out);
    return status;
}

static quern_status unpack_entry(unpacking *u, const qn_entry *e, quern_error *err)
{
    char path[QN_PATH_MAX];
    const char *name = e->name;
    u->n++;
    QN_TRY(check_entry(u, e, err));
    while (name[0] == '.' && name[1] == '/')
        name += 2 + strspn(name + 2, "/");
    if (!*name || !strcmp(name, ".")) return QUERN_OK; /* the archive's own root */
    QN_TRY(qn_path_format(path, err, "%s/%s", u->folder, name));
    for (size_t k = strlen(path); k > 1 && path[k - 1] == '/'; k--)
        path[k - 1] = 0;
    if (e->kind == QN_ENTRY_FOLDER) return make_folder(u, path, err);
    return unpack_file(u, name, path, err);
}

static quern_status unpack_all(unpacking *u, const qn_map *map, quern_error *err)
{
    qn_entry e;
    int more;
    const char *wrong = u->abi->open(map->base, map->bytes, &u->archive);
    if (wrong) return qn_fail(err, QUERN_FORMAT, "it cannot be unpacked: %s", wrong);
    QN_TRY(qn_disk_folder(&disk, u->folder, err));
    QN_TRY(qn_path_check_private(u->folder, err));
    while ((more = u->abi->next(u->archive, &e)) > 0) {
        QN_TRY(unpack_entry(u, &e, err));
        QN_TRY(check_budgets(u, err));
    }
    if (more == 0) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "it cannot be unpacked behind entry %lld: %s",
                   (long long)u->n, u->abi->wrong(u->archive));
}

static quern_status unpack_map(unpacking *u, const qn_map *map, qn_mem *mem,
                               quern_error *err)
{
    void *lib;
    const void *functions;
    if (qn_is_zip(map->base, map->bytes))
        QN_TRY(qn_zip_check(map->base, map->bytes, u->limits->entries, u->limits->bytes,
                            mem, err));
    QN_TRY(qn_plugin_open("archive", QN_ARCHIVE_VERSION, &lib, &functions, err));
    u->abi = functions;
    const quern_status status = unpack_all(u, map, err);
    u->abi->close(u->archive);
    qn_lib_close(lib);
    return status;
}

quern_status qn_archive_unpack(const char *path, const char *folder,
                               const qn_unpack_limits *limits, qn_mem *mem,
                               quern_error *err)
{
    qn_file file;
    qn_map map;
    qn_arena own;
    void *room;
    QN_TRY(qn_file_open(NULL, path, &file, err));
    quern_status status = qn_file_map(&file, &map, err);
    qn_file_close(&file);
    QN_TRY(status);
    qn_arena_init(&own, mem);
    status = qn_arena_alloc(&own, sizeof(unpacking), &room, err);
    if (status == QUERN_OK) {
        unpacking *u = room;
        u->folder = folder;
        u->limits = limits;
        u->packed = map.bytes;
        u->names.arena = &own;
        status = unpack_map(u, &map, mem, err);
    }
    qn_arena_done(&own);
    qn_map_done(&map);
    return status;
}
