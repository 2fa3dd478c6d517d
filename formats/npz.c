/* SPDX-License-Identifier: Apache-2.0 */
/* formats/npz.c - see npz.h.  The directory at the end of the archive says where
 * members lie. */
#include "formats/npz.h"

#include "engine/os.h"
#include "formats/bytes.h"
#include "formats/deflate.h"
#include "formats/files.h"
#include "formats/npy.h"
#include "formats/zip_read.h"
#include "formats/zip_write.h"

#include <string.h>

/* The data unpacked: in the file itself, or in the arena. */
static quern_status unpack(qn_arena *arena, const qn_zip_entry *e, qn_span *data,
                           quern_error *err)
{
    void *plain;
    if (e->method == 0) return QUERN_OK;
    if (e->method != 8)
        return qn_fail(err, QUERN_UNSUPPORTED, "zip method %d is not read; 0 and 8 are",
                       e->method);
    /* deflate packs at most 1032 to 1, so a lie about the size is refused early */
    if (e->size / 1032 > e->packed)
        return qn_fail(err, QUERN_FORMAT, "%llu bytes cannot unpack to %llu",
                       (unsigned long long)e->packed, (unsigned long long)e->size);
    QN_TRY(qn_arena_raw(arena, (size_t)e->size, &plain, err));
    QN_TRY(qn_inflate(data->p, data->n, plain, (size_t)e->size, err));
    *data = (qn_span){plain, (size_t)e->size, 0};
    return QUERN_OK;
}

/* The bytes of the .npy file that the member is. */
static quern_status find_npy(qn_arena *arena, const uint8_t *p, size_t n,
                             const qn_zip_entry *e, qn_span *out, quern_error *err)
{
    if (e->flags & QN_ZIP_ENCRYPTED)
        return qn_fail(err, QUERN_UNSUPPORTED, "it is encrypted");
    QN_TRY(qn_zip_find_data(p, n, e, out, err));
    QN_TRY(unpack(arena, e, out, err));
    if (qn_crc32(0, out->p, out->n) == e->crc) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "its checksum does not fit");
}

/* ---- archives ------------------------------------------------------------------- */

struct qn_npz {
    qn_map map; /* of a file; base NULL: the bytes are the caller's */
    const uint8_t *p;
    size_t bytes;
    int n;
    qn_zip_entry *entries;
    const char **names;
};

/* Reads the directory. */
static quern_status list_members(qn_npz *z, qn_arena *arena, quern_error *err)
{
    qn_zip_directory d;
    void *entries, *names;
    QN_TRY(qn_zip_find_directory(z->p, z->bytes, &d, err));
    if (d.count > INT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "%llu members; at most %d are read",
                       (unsigned long long)d.count, INT32_MAX);
    qn_span dir = {z->p + d.offset, (size_t)d.bytes, (size_t)d.offset};
    const size_t count = (size_t)d.count;
    QN_TRY(qn_arena_array(arena, count, sizeof *z->entries, &entries, err));
    QN_TRY(qn_arena_array(arena, count, sizeof *z->names, &names, err));
    z->entries = entries;
    z->names = names;
    for (; z->n < (int)count; z->n++) {
        qn_zip_entry *e = &z->entries[z->n];
        QN_TRY(qn_zip_take_entry(&dir, e, err));
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

static quern_status read_copy(const qn_npz *npz, int i, qn_arena *arena, qn_tensor *out,
                              quern_error *err)
{
    qn_span npy;
    qn_arena plain;
    qn_arena_init(&plain, arena->mem);
    quern_status status =
        find_npy(&plain, npz->p, npz->bytes, &npz->entries[i], &npy, err);
    if (status == QUERN_OK) status = qn_npy_parse(npy.p, npy.n, arena, out, err);
    qn_arena_done(&plain);
    return status;
}

quern_status qn_npz_read(const qn_npz *npz, int i, qn_arena *arena, qn_tensor *out,
                         quern_error *err)
{
    const quern_status status = read_copy(npz, i, arena, out, err);
    if (status != QUERN_OK) qn_within(err, "member '%s'", npz->names[i]);
    return status;
}

quern_status qn_npz_view(const qn_npz *npz, int i, qn_arena *arena, qn_tensor *out,
                         quern_error *err)
{
    qn_span npy;
    quern_status status =
        find_npy(arena, npz->p, npz->bytes, &npz->entries[i], &npy, err);
    if (status == QUERN_OK) status = qn_npy_view(npy.p, npy.n, arena, out, err);
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
