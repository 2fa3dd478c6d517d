/* SPDX-License-Identifier: Apache-2.0 */
/* formats/zip_check.c - see zip_check.h.
 *
 * A bomb of small files lets all entries of the directory point at the same packed
 * bytes.  So the pieces that entries take (local header, name, packed bytes) are sorted
 * and must not overlap each other or the directory. */
#include "formats/zip_check.h"

#include "formats/zip_read.h"

#include <stdlib.h>
#include <string.h>

/* The bytes of the file that an entry takes. */
typedef struct piece {
    uint64_t begin, end;
} piece;

/* Local header, name, extra field and packed bytes. */
static quern_status find_piece(const uint8_t *p, size_t n, const qn_zip_entry *e,
                               piece *out, quern_error *err)
{
    qn_span data;
    if (e->flags & QN_ZIP_ENCRYPTED)
        return qn_fail(err, QUERN_UNSUPPORTED, "'%.*s' in it is encrypted",
                       (int)e->name.n, (const char *)e->name.p);
    QN_TRY(qn_zip_find_data(p, n, e, &data, err));
    *out = (piece){e->offset, (uint64_t)(data.p - p) + data.n};
    return QUERN_OK;
}

static int by_begin(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static quern_status check_overlap(piece *pieces, size_t n, const qn_zip_directory *d,
                                  quern_error *err)
{
    if (n) qsort(pieces, n, sizeof *pieces, by_begin);
    for (size_t i = 0; i < n; i++) {
        const uint64_t next = i + 1 < n ? pieces[i + 1].begin : d->offset;
        if (pieces[i].end > next)
            return qn_fail(err, QUERN_FORMAT,
                           "entries overlap: one goes to byte %llu, the next begins at "
                           "%llu",
                           (unsigned long long)pieces[i].end, (unsigned long long)next);
    }
    return QUERN_OK;
}

static quern_status check_entries(const uint8_t *p, size_t n, const qn_zip_directory *d,
                                  uint64_t unpacked, piece *pieces, quern_error *err)
{
    qn_span dir = {p + d->offset, (size_t)d->bytes, (size_t)d->offset};
    uint64_t total = 0;
    qn_zip_entry e;
    for (uint64_t i = 0; i < d->count; i++) {
        QN_TRY(qn_zip_take_entry(&dir, &e, err));
        QN_TRY(find_piece(p, n, &e, &pieces[i], err));
        if (e.size > unpacked - total)
            return qn_fail(
                err, QUERN_LIMIT,
                "its entries declare more than %llu bytes (--limit unpacked)",
                (unsigned long long)unpacked);
        total += e.size;
    }
    return check_overlap(pieces, (size_t)d->count, d, err);
}

quern_status qn_zip_check(const void *bytes, size_t n, int64_t entries,
                          uint64_t unpacked, qn_mem *mem, quern_error *err)
{
    qn_zip_directory d = {0};
    qn_arena arena;
    void *pieces;
    QN_TRY(qn_zip_find_directory(bytes, n, &d, err));
    if (d.count > (uint64_t)entries)
        return qn_fail(err, QUERN_LIMIT, "%llu entries; at most %lld (--limit entries)",
                       (unsigned long long)d.count, (long long)entries);
    qn_arena_init(&arena, mem);
    quern_status status =
        qn_arena_array(&arena, (size_t)d.count, sizeof(piece), &pieces, err);
    if (status == QUERN_OK) status = check_entries(bytes, n, &d, unpacked, pieces, err);
    qn_arena_done(&arena);
    return status;
}
