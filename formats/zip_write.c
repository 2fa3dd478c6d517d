/* SPDX-License-Identifier: Apache-2.0 */
/* formats/zip_write.c - see zip_write.h; PKWARE's APPNOTE 4.3 and 4.5: a number that
 * does not fit 32 bits is all ones in its place and stands in an extra field.  Dates
 * are 1980-01-01, so that equal members make equal archives. */
#include "formats/zip_write.h"

#include "formats/deflate.h"

#include <string.h>

void qn_zip_begin(qn_zip *zip, qn_out_file *out, qn_mem *mem)
{
    *zip = (qn_zip){.out = out, .far = UINT32_MAX};
    qn_buf_init(&zip->directory, mem);
}

void qn_zip_begin_in(qn_zip *zip, qn_buf *buf)
{
    *zip = (qn_zip){.buf = buf, .start = buf->n, .far = UINT32_MAX};
    qn_buf_init(&zip->directory, buf->mem);
}

static size_t bytes_so_far(const qn_zip *zip)
{
    return zip->out ? zip->out->bytes : zip->buf->n - zip->start;
}

static quern_status write_out(qn_zip *zip, const void *p, size_t n, quern_error *err)
{
    if (zip->out) return qn_out_write(zip->out, p, n, err);
    qn_buf_add(zip->buf, p, n);
    return qn_buf_status(zip->buf, err);
}

static void put_u64(qn_buf *out, uint64_t v)
{
    qn_buf_u32le(out, (uint32_t)v);
    qn_buf_u32le(out, (uint32_t)(v >> 32));
}

/* A member as its headers have it. */
typedef struct member {
    const char *name;
    size_t length; /* of the name */
    uint32_t crc;
    size_t size, offset;
    bool is_large, is_far; /* size, offset do not fit 32 bits */
} member;

/* What local header and directory entry have in common: version to extra field. */
static void put_common(qn_buf *out, const member *m, uint32_t extra)
{
    const uint32_t size = m->is_large ? UINT32_MAX : (uint32_t)m->size;
    qn_buf_u16le(out, extra ? 45 : 20); /* version needed: 4.5 knows 64 bits */
    qn_buf_u16le(out, 1 << 11);         /* flags: names are UTF-8 */
    qn_buf_u16le(out, 0);               /* stored */
    qn_buf_u32le(out, 0x00210000);      /* 1980-01-01 */
    qn_buf_u32le(out, m->crc);
    qn_buf_u32le(out, size);
    qn_buf_u32le(out, size);
    qn_buf_u16le(out, (uint32_t)m->length);
    qn_buf_u16le(out, extra);
}

/* The extra field of 64-bit numbers, if there are any. */
static void put_extra(qn_buf *out, const member *m, uint32_t extra, bool with_offset)
{
    if (!extra) return;
    qn_buf_u16le(out, 1);
    qn_buf_u16le(out, extra - 4);
    if (m->is_large) put_u64(out, m->size);
    if (m->is_large) put_u64(out, m->size);
    if (with_offset && m->is_far) put_u64(out, m->offset);
}

static void put_local(qn_buf *out, const member *m)
{
    const uint32_t extra = m->is_large ? 4 + 16 : 0;
    qn_buf_add(out, "PK\3\4", 4);
    put_common(out, m, extra);
    qn_buf_text(out, m->name);
    put_extra(out, m, extra, false);
}

static void put_entry(qn_buf *out, const member *m)
{
    const uint32_t numbers = (m->is_large ? 16 : 0) + (m->is_far ? 8 : 0);
    const uint32_t extra = numbers ? 4 + numbers : 0;
    qn_buf_add(out, "PK\1\2", 4);
    qn_buf_u16le(out, extra ? 45 : 20);
    put_common(out, m, extra);
    qn_buf_add(out, "\0\0\0\0\0\0\0\0\0\0", 10); /* note, disk, attributes */
    qn_buf_u32le(out, m->is_far ? UINT32_MAX : (uint32_t)m->offset);
    qn_buf_text(out, m->name);
    put_extra(out, m, extra, true);
}

quern_status qn_zip_add(qn_zip *zip, const char *name, const void *p, size_t n,
                        quern_error *err)
{
    const size_t offset = bytes_so_far(zip);
    const member m = {.name = name,
                      .length = strlen(name),
                      .crc = qn_crc32(0, p, n),
                      .size = n,
                      .offset = offset,
                      .is_large = n >= zip->far,
                      .is_far = offset >= zip->far};
    qn_buf head;
    if (m.length > 0xffff)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "a name of %zu bytes in a zip archive; at most 65535", m.length);
    qn_buf_init(&head, zip->directory.mem);
    put_local(&head, &m);
    quern_status status = qn_buf_status(&head, err);
    if (status == QUERN_OK) status = write_out(zip, head.p, head.n, err);
    if (status == QUERN_OK) status = write_out(zip, p, n, err);
    qn_buf_done(&head);
    put_entry(&zip->directory, &m);
    zip->n++;
    return status;
}

/* The end of a directory whose numbers do not fit the old one, and where it is. */
static void put_end64(qn_buf *dir, int64_t n, size_t size, size_t offset)
{
    qn_buf_add(dir, "PK\6\6", 4);
    put_u64(dir, 44); /* bytes that follow */
    qn_buf_u16le(dir, 45);
    qn_buf_u16le(dir, 45);
    put_u64(dir, 0); /* disks */
    put_u64(dir, (uint64_t)n);
    put_u64(dir, (uint64_t)n);
    put_u64(dir, size);
    put_u64(dir, offset);
    qn_buf_add(dir, "PK\6\7\0\0\0\0", 8);
    put_u64(dir, offset + size);
    qn_buf_u32le(dir, 1);
}

quern_status qn_zip_end(qn_zip *zip, quern_error *err)
{
    qn_buf *dir = &zip->directory;
    const size_t size = dir->n, offset = bytes_so_far(zip);
    const uint32_t n = zip->n < 0xffff ? (uint32_t)zip->n : 0xffff;
    const bool is_large = size >= zip->far, is_far = offset >= zip->far;
    if (n == 0xffff || is_large || is_far) put_end64(dir, zip->n, size, offset);
    qn_buf_add(dir, "PK\5\6\0\0\0\0", 8);
    qn_buf_u16le(dir, n);
    qn_buf_u16le(dir, n);
    qn_buf_u32le(dir, is_large ? UINT32_MAX : (uint32_t)size);
    qn_buf_u32le(dir, is_far ? UINT32_MAX : (uint32_t)offset);
    qn_buf_u16le(dir, 0);
    QN_TRY(qn_buf_status(dir, err));
    return write_out(zip, dir->p, dir->n, err);
}

void qn_zip_done(qn_zip *zip)
{
    qn_buf_done(&zip->directory);
}
