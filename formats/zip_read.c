/* SPDX-License-Identifier: Apache-2.0 */
/* formats/zip_read.c - see zip_read.h.
 *
 *   end of directory:  PK56  disk(2) disk(2) here(2) total(2) size(4) offset(4) note(2)
 *   directory entry:   PK12  made(2) need(2) flags(2) method(2) time(4) crc(4)
 * packed(4) size(4) name(2) extra(2) note(2) disk(2) attrs(6) offset(4) ... */
#include "formats/zip_read.h"

#include <string.h>

enum { END_SIZE = 22, END64_SIZE = 56, LOCATOR_SIZE = 20 };
enum { LOCAL_SIZE = 30, ZIP64_EXTRA = 1 };

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
static void read_end64(const uint8_t *p, size_t end, qn_zip_directory *d)
{
    if (end < LOCATOR_SIZE || memcmp(p + end - LOCATOR_SIZE, "PK\6\7", 4) != 0) return;
    const uint64_t at = number_at(p + end - LOCATOR_SIZE + 8, 8);
    if (at > end || end - at < END64_SIZE || memcmp(p + at, "PK\6\6", 4) != 0) return;
    *d = (qn_zip_directory){number_at(p + at + 32, 8), number_at(p + at + 40, 8),
                            number_at(p + at + 48, 8)};
}

quern_status qn_zip_find_directory(const uint8_t *p, size_t n, qn_zip_directory *out,
                                   quern_error *err)
{
    size_t end;
    if (!find_end(p, n, &end))
        return qn_fail(err, QUERN_FORMAT, "its %zu bytes end without a zip directory",
                       n);
    qn_zip_directory d = {number_at(p + end + 10, 2), number_at(p + end + 12, 4),
                          number_at(p + end + 16, 4)};
    read_end64(p, end, &d);
    *out = d;
    if (d.offset > end || d.bytes > end - d.offset)
        return qn_fail(err, QUERN_FORMAT,
                       "a zip directory of %llu bytes at %llu in a file of %zu",
                       (unsigned long long)d.bytes, (unsigned long long)d.offset, n);
    if (d.count > d.bytes / QN_ZIP_ENTRY)
        return qn_fail(err, QUERN_FORMAT,
                       "%llu entries in a zip directory of %llu bytes",
                       (unsigned long long)d.count, (unsigned long long)d.bytes);
    return QUERN_OK;
}

/* Numbers that do not fit the entry stand in an extra field, in this order. */
static bool take_extra(qn_span extra, qn_zip_entry *e)
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

quern_status qn_zip_take_entry(qn_span *dir, qn_zip_entry *out, quern_error *err)
{
    qn_span head, extra, note;
    if (!qn_take(dir, QN_ZIP_ENTRY, &head) || memcmp(head.p, "PK\1\2", 4) != 0 ||
        !qn_take(dir, number_at(head.p + 28, 2), &out->name) ||
        !qn_take(dir, number_at(head.p + 30, 2), &extra) ||
        !qn_take(dir, number_at(head.p + 32, 2), &note))
        return qn_fail(err, QUERN_FORMAT, "the zip directory is damaged at byte %zu",
                       dir->offset);
    out->flags = (uint16_t)number_at(head.p + 8, 2);
    out->method = (uint16_t)number_at(head.p + 10, 2);
    out->crc = (uint32_t)number_at(head.p + 16, 4);
    out->packed = number_at(head.p + 20, 4);
    out->size = number_at(head.p + 24, 4);
    out->offset = number_at(head.p + 42, 4);
    if (take_extra(extra, out)) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "the zip directory is damaged at byte %zu",
                   extra.offset);
}

quern_status qn_zip_find_data(const uint8_t *p, size_t n, const qn_zip_entry *e,
                              qn_span *out, quern_error *err)
{
    qn_span file = {p, n, 0}, before, head;
    if (qn_take(&file, e->offset, &before) && qn_take(&file, LOCAL_SIZE, &head) &&
        !memcmp(head.p, "PK\3\4", 4) &&
        qn_take(&file, number_at(head.p + 26, 2), &before) &&
        qn_take(&file, number_at(head.p + 28, 2), &before) &&
        qn_take(&file, e->packed, out))
        return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT,
                   "'%.*s' takes %llu bytes at %llu, outside the file of %zu",
                   (int)e->name.n, (const char *)e->name.p,
                   (unsigned long long)e->packed, (unsigned long long)e->offset, n);
}
