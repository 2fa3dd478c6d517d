/* SPDX-License-Identifier: Apache-2.0 */
/* formats/npz.c - see npz.h.  The directory at the end of the archive says where
 * members lie (PKWARE's APPNOTE 4.3); local headers are used to find the data behind
 * them only.
 *
 *   end of directory:  PK56  disk(2) disk(2) here(2) total(2) size(4) offset(4) note(2)
 *   directory entry:   PK12  made(2) need(2) flags(2) method(2) time(4) crc(4)
 * packed(4) size(4) name(2) extra(2) note(2) disk(2) attrs(6) offset(4) ... */
#include "formats/npz.h"

#include "engine/os.h"
#include "formats/bytes.h"
#include "formats/deflate.h"
#include "formats/files.h"
#include "formats/npy.h"
#include "formats/zip_write.h"

#include <string.h>

#define END_SIZE   22
#define ENTRY_SIZE 46
#define LOCAL_SIZE 30

typedef struct entry {
    uint16_t flags, method;
    uint32_t crc, packed, size, offset;
    qn_span name;
} entry;

static uint32_t u16_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32_at(const uint8_t *p)
{
    return u16_at(p) | u16_at(p + 2) << 16;
}

/* The directory: a span of entries and their number. */
static quern_status find_directory(const uint8_t *p, size_t n, qn_span *out, int *count,
                                   quern_error *err)
{
    const size_t least = n > END_SIZE + 0xffff ? n - END_SIZE - 0xffff : 0;
    for (size_t at = n >= END_SIZE ? n - END_SIZE + 1 : 0; at-- > least;) {
        if (memcmp(p + at, "PK\5\6", 4) != 0) continue;
        const size_t size = u32_at(p + at + 12), offset = u32_at(p + at + 16);
        *count = (int)u16_at(p + at + 10);
        if (offset > at || size > at - offset) break;
        *out = (qn_span){p + offset, size, offset};
        return QUERN_OK;
    }
    return qn_fail(err, QUERN_FORMAT, "it has no zip directory in its %zu bytes", n);
}

static quern_status take_entry(qn_span *dir, entry *e, quern_error *err)
{
    qn_span head, rest;
    if (!qn_take(dir, ENTRY_SIZE, &head) || memcmp(head.p, "PK\1\2", 4) != 0)
        return qn_fail(err, QUERN_FORMAT, "the zip directory is damaged at byte %zu",
                       dir->offset);
    const uint8_t *p = head.p;
    e->flags = (uint16_t)u16_at(p + 8);
    e->method = (uint16_t)u16_at(p + 10);
    e->crc = u32_at(p + 16);
    e->packed = u32_at(p + 20);
    e->size = u32_at(p + 24);
    e->offset = u32_at(p + 42);
    if (!qn_take(dir, u16_at(p + 28), &e->name) ||
        !qn_take(dir, u16_at(p + 30) + u16_at(p + 32), &rest))
        return qn_fail(err, QUERN_FORMAT, "the zip directory ends in a name");
    return QUERN_OK;
}

/* The packed bytes behind the local header. */
static quern_status find_data(const uint8_t *p, size_t n, const entry *e, qn_span *out,
                              quern_error *err)
{
    qn_span file = {p, n, 0}, skipped, local;
    if (e->flags & 1) return qn_fail(err, QUERN_UNSUPPORTED, "it is encrypted");
    if (e->packed == UINT32_MAX || e->size == UINT32_MAX || e->offset == UINT32_MAX)
        return qn_fail(err, QUERN_UNSUPPORTED, "it is a member of 4 GiB or more");
    if (!qn_take(&file, e->offset, &skipped) || !qn_take(&file, LOCAL_SIZE, &local) ||
        memcmp(local.p, "PK\3\4", 4) != 0 ||
        !qn_take(&file, u16_at(local.p + 26) + u16_at(local.p + 28), &skipped) ||
        !qn_take(&file, e->packed, out))
        return qn_fail(err, QUERN_FORMAT, "its %zu bytes at %zu lie outside the file",
                       (size_t)e->packed, (size_t)e->offset);
    return QUERN_OK;
}

/* The data unpacked: in the file itself, or in the arena. */
static quern_status unpack(qn_arena *arena, const entry *e, qn_span *data,
                           quern_error *err)
{
    void *plain;
    if (e->method == 0) return QUERN_OK;
    if (e->method != 8)
        return qn_fail(err, QUERN_UNSUPPORTED, "zip method %d is not read; 0 and 8 are",
                       e->method);
    /* deflate packs at most 1032 to 1, so a lie about the size is refused early */
    if (e->size / 1032 > e->packed)
        return qn_fail(err, QUERN_FORMAT, "%u bytes cannot unpack to %u", e->packed,
                       e->size);
    QN_TRY(qn_arena_raw(arena, e->size, &plain, err));
    QN_TRY(qn_inflate(data->p, data->n, plain, e->size, err));
    *data = (qn_span){plain, e->size, 0};
    return QUERN_OK;
}

static quern_status read_member(qn_arena *arena, const uint8_t *p, size_t n,
                                const entry *e, qn_tensor *out, quern_error *err)
{
    qn_span data;
    qn_arena plain;
    QN_TRY(find_data(p, n, e, &data, err));
    qn_arena_init(&plain, arena->mem);
    quern_status status = unpack(&plain, e, &data, err);
    if (status == QUERN_OK && qn_crc32(0, data.p, data.n) != e->crc)
        status = qn_fail(err, QUERN_FORMAT, "its checksum does not fit");
    if (status == QUERN_OK) status = qn_npy_parse(data.p, data.n, arena, out, err);
    qn_arena_done(&plain);
    return status;
}

/* ---- archives ------------------------------------------------------------------- */

struct qn_npz {
    qn_map map; /* of a file; base NULL: the bytes are the caller's */
    const uint8_t *p;
    size_t bytes;
    int n;
    entry *entries;
    const char **names;
};

/* Reads the directory. */
static quern_status list_members(qn_npz *z, qn_arena *arena, quern_error *err)
{
    qn_span dir;
    int count = 0;
    void *entries, *names;
    QN_TRY(find_directory(z->p, z->bytes, &dir, &count, err));
    if ((size_t)count > dir.n / ENTRY_SIZE)
        return qn_fail(err, QUERN_FORMAT, "%d members in a directory of %zu bytes",
                       count, dir.n);
    QN_TRY(qn_arena_array(arena, (size_t)count, sizeof *z->entries, &entries, err));
    QN_TRY(qn_arena_array(arena, (size_t)count, sizeof *z->names, &names, err));
    z->entries = entries;
    z->names = names;
    for (; z->n < count; z->n++) {
        entry *e = &z->entries[z->n];
        QN_TRY(take_entry(&dir, e, err));
        size_t length = e->name.n;
        if (length > 4 && !memcmp(e->name.p + length - 4, ".npy", 4)) length -= 4;
        QN_TRY(qn_arena_text(arena, (const char *)e->name.p, length, &z->names[z->n],
                             err));
    }
    return QUERN_OK;
}

const char *qn_npz_name(const qn_npz *npz, int i)
{
    return i >= 0 && i < npz->n ? npz->names[i] : NULL;
}

quern_status qn_npz_read(const qn_npz *npz, int i, qn_arena *arena, qn_tensor *out,
                         quern_error *err)
{
    const quern_status status =
        read_member(arena, npz->p, npz->bytes, &npz->entries[i], out, err);
    if (status != QUERN_OK) qn_within(err, "member '%s'", npz->names[i]);
    return status;
}

quern_status qn_npz_open(qn_arena *arena, const char *path, qn_npz **out,
                         quern_error *err)
{
    qn_file file;
    void *room;
    *out = NULL;
    QN_TRY(qn_arena_alloc(arena, sizeof **out, &room, err));
    qn_npz *z = room;
    QN_TRY(qn_file_open(NULL, path, &file, err));
    quern_status status = qn_file_map(&file, &z->map, err);
    qn_file_close(&file);
    QN_TRY(status);
    z->p = z->map.base;
    z->bytes = z->map.bytes;
    status = list_members(z, arena, err);
    if (status == QUERN_OK)
        *out = z;
    else
        qn_npz_close(z);
    return status;
}

void qn_npz_close(qn_npz *npz)
{
    if (npz) qn_map_done(&npz->map);
}

static quern_status read_all(const qn_npz *z, qn_arena *arena, qn_npz_member **members,
                             int *n_members, quern_error *err)
{
    void *list;
    QN_TRY(qn_arena_array(arena, (size_t)z->n + 1, sizeof **members, &list, err));
    *members = list;
    for (*n_members = 0; *n_members < z->n; ++*n_members) {
        qn_npz_member *m = *members + *n_members;
        m->name = z->names[*n_members];
        QN_TRY(qn_npz_read(z, *n_members, arena, &m->value, err));
    }
    return QUERN_OK;
}

quern_status qn_npz_parse(qn_arena *arena, const void *bytes, size_t n,
                          qn_npz_member **members, int *n_members, quern_error *err)
{
    qn_npz z = {.p = bytes, .bytes = n};
    QN_TRY(list_members(&z, arena, err));
    return read_all(&z, arena, members, n_members, err);
}

quern_status qn_npz_load(qn_arena *arena, const char *path, qn_npz_member **members,
                         int *n_members, quern_error *err)
{
    qn_npz *z;
    QN_TRY(qn_npz_open(arena, path, &z, err));
    const quern_status status = read_all(z, arena, members, n_members, err);
    qn_npz_close(z);
    return status;
}

/* ---- writing -------------------------------------------------------------------- */

static quern_status put_member(qn_zip *zip, const qn_npz_member *m, qn_buf *npy,
                               quern_error *err)
{
    char name[QN_PATH_MAX];
    qn_buf_clear(npy);
    QN_TRY(qn_path_format(name, err, "%s.npy", m->name));
    QN_TRY(qn_npy_write(npy, &m->value, err));
    return qn_zip_add(zip, name, npy->p, npy->n, err);
}

quern_status qn_npz_save(qn_mem *mem, const char *path, const qn_npz_member *members,
                         int n_members, quern_error *err)
{
    qn_buf out, npy;
    qn_zip zip;
    quern_status status = QUERN_OK;
    if (n_members > 0xfffe)
        return qn_fail(err, QUERN_LIMIT, "%d members; at most 65534", n_members);
    qn_buf_init(&out, mem);
    qn_buf_init(&npy, mem);
    qn_zip_begin_in(&zip, &out);
    for (int i = 0; status == QUERN_OK && i < n_members; i++)
        status = put_member(&zip, &members[i], &npy, err);
    if (status == QUERN_OK) status = qn_zip_end(&zip, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    qn_zip_done(&zip);
    qn_buf_done(&out);
    qn_buf_done(&npy);
    return status;
}
