/* SPDX-License-Identifier: Apache-2.0 */
/* formats/zip_check.c - see zip_check.h; APPNOTE.TXT 4.3 and 4.5 (zip64).
 *
 * A bomb of small files lets all entries of the directory point at the same packed
 * bytes.  So the pieces that entries take (local header, name, packed bytes) are sorted
 * and must not overlap each other or the directory. */
#include "formats/zip_check.h"

#include <stdlib.h>
#include <string.h>

enum { END_SIZE = 22, END64_SIZE = 56, LOCATOR_SIZE = 20, ENTRY_SIZE = 46 };
enum { LOCAL_SIZE = 30, ZIP64_EXTRA = 1, FLAG_ENCRYPTED = 1 };

bool qn_is_zip(const void *bytes, size_t n)
{
    return n >= 4 && (!memcmp(bytes, "PK\3\4", 4) || !memcmp(bytes, "PK\5\6", 4));
}

static uint64_t number_at(const uint8_t *p, int n_bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < n_bytes; i++)
        value |= (uint64_t)p[i] << 8 * i;
    return value;
}

/* ---- the directory -------------------------------------------------------------- */

typedef struct directory {
    uint64_t count, bytes, offset;
} directory;

/* Where the end of the directory is; false: nowhere. */
static bool find_end(const uint8_t *p, size_t n, size_t *at)
{
    const size_t least = n > END_SIZE + 0xffff ? n - END_SIZE - 0xffff : 0;
    for (*at = n >= END_SIZE ? n - END_SIZE + 1 : 0; (*at)-- > least;)
        if (!memcmp(p + *at, "PK\5\6", 4) &&
            *at + END_SIZE + number_at(p + *at + 20, 2) == n)
            return true;
    return false;
}

/* The larger numbers of zip64, where a locator stands before the end. */
static void read_end64(const uint8_t *p, size_t end, directory *d)
{
    if (end < LOCATOR_SIZE || memcmp(p + end - LOCATOR_SIZE, "PK\6\7", 4) != 0) return;
    const uint64_t at = number_at(p + end - LOCATOR_SIZE + 8, 8);
    if (at > end || end - at < END64_SIZE || memcmp(p + at, "PK\6\6", 4) != 0) return;
    *d = (directory){number_at(p + at + 32, 8), number_at(p + at + 40, 8),
                     number_at(p + at + 48, 8)};
}

static quern_status find_directory(const uint8_t *p, size_t n, directory *d,
                                   quern_error *err)
{
    size_t end;
    if (!find_end(p, n, &end))
        return qn_fail(err, QUERN_FORMAT, "its %zu bytes end without a zip directory",
                       n);
    *d = (directory){number_at(p + end + 10, 2), number_at(p + end + 12, 4),
                     number_at(p + end + 16, 4)};
    read_end64(p, end, d);
    if (d->offset > end || d->bytes > end - d->offset)
        return qn_fail(err, QUERN_FORMAT,
                       "a zip directory of %llu bytes at %llu in a file of %zu",
                       (unsigned long long)d->bytes, (unsigned long long)d->offset, n);
    if (d->count > d->bytes / ENTRY_SIZE)
        return qn_fail(err, QUERN_FORMAT,
                       "%llu entries in a zip directory of %llu bytes",
                       (unsigned long long)d->count, (unsigned long long)d->bytes);
    return QUERN_OK;
}

/* ---- entries -------------------------------------------------------------------- */

/* The bytes of the file that an entry takes. */
typedef struct piece {
    uint64_t begin, end;
} piece;

typedef struct entry {
    uint64_t packed, size, offset;
    qn_span name;
} entry;

/* Numbers that do not fit the entry stand in an extra field, in this order. */
static bool take_extra(qn_span extra, entry *e)
{
    uint16_t id, n;
    qn_span field;
    uint64_t *const large[] = {&e->size, &e->packed, &e->offset};
    while (qn_take_u16le(&extra, &id) && qn_take_u16le(&extra, &n)) {
        if (!qn_take(&extra, n, &field)) return false;
        for (int i = 0; i < 3 && id == ZIP64_EXTRA; i++)
            if (*large[i] == UINT32_MAX && !qn_take_u64le(&field, large[i]))
                return false;
    }
    return true;
}

static quern_status take_entry(qn_span *dir, entry *e, quern_error *err)
{
    qn_span head, extra, note;
    if (!qn_take(dir, ENTRY_SIZE, &head) || memcmp(head.p, "PK\1\2", 4) != 0 ||
        !qn_take(dir, number_at(head.p + 28, 2), &e->name) ||
        !qn_take(dir, number_at(head.p + 30, 2), &extra) ||
        !qn_take(dir, number_at(head.p + 32, 2), &note))
        return qn_fail(err, QUERN_FORMAT, "the zip directory is damaged at byte %zu",
                       dir->offset);
    e->packed = number_at(head.p + 20, 4);
    e->size = number_at(head.p + 24, 4);
    e->offset = number_at(head.p + 42, 4);
    if (!take_extra(extra, e))
        return qn_fail(err, QUERN_FORMAT, "the zip directory is damaged at byte %zu",
                       extra.offset);
    if (number_at(head.p + 8, 2) & FLAG_ENCRYPTED)
        return qn_fail(err, QUERN_UNSUPPORTED, "'%.*s' in it is encrypted",
                       (int)e->name.n, (const char *)e->name.p);
    return QUERN_OK;
}

/* Local header, name, extra field and packed bytes. */
static quern_status find_piece(const uint8_t *p, size_t n, const entry *e, piece *out,
                               quern_error *err)
{
    qn_span file = {p, n, 0}, before, head;
    if (!qn_take(&file, e->offset, &before) || !qn_take(&file, LOCAL_SIZE, &head) ||
        memcmp(head.p, "PK\3\4", 4) != 0 ||
        !qn_take(&file, number_at(head.p + 26, 2), &before) ||
        !qn_take(&file, number_at(head.p + 28, 2), &before) ||
        !qn_take(&file, e->packed, &before))
        return qn_fail(err, QUERN_FORMAT,
                       "'%.*s' takes %llu bytes at %llu, outside the file of %zu",
                       (int)e->name.n, (const char *)e->name.p,
                       (unsigned long long)e->packed, (unsigned long long)e->offset, n);
    *out = (piece){e->offset, file.offset};
    return QUERN_OK;
}

static int by_begin(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static quern_status check_overlap(piece *pieces, size_t n, const directory *d,
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

static quern_status check_entries(const uint8_t *p, size_t n, const directory *d,
                                  uint64_t unpacked, piece *pieces, quern_error *err)
{
    qn_span dir = {p + d->offset, (size_t)d->bytes, (size_t)d->offset};
    uint64_t total = 0;
    entry e;
    for (uint64_t i = 0; i < d->count; i++) {
        QN_TRY(take_entry(&dir, &e, err));
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
    directory d = {0};
    qn_arena arena;
    void *pieces;
    QN_TRY(find_directory(bytes, n, &d, err));
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
