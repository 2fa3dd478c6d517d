/* SPDX-License-Identifier: Apache-2.0 */
/* formats/zip_write.c - see zip_write.h; PKWARE's APPNOTE 4.3, of its 64-bit forms only
 * the one that counts members.  Dates are 1980-01-01, so that equal members make equal
 * archives. */
#include "formats/zip_write.h"

#include "formats/deflate.h"

#include <string.h>

void qn_zip_begin(qn_zip *zip, qn_out_file *out, qn_mem *mem)
{
    *zip = (qn_zip){.out = out};
    qn_buf_init(&zip->directory, mem);
}

void qn_zip_begin_in(qn_zip *zip, qn_buf *buf)
{
    *zip = (qn_zip){.buf = buf, .start = buf->n};
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

/* What local header and directory entry have in common: version to extra field. */
static void put_common(qn_buf *out, uint32_t crc, size_t size, size_t name)
{
    qn_buf_u16le(out, 20);         /* version needed: 2.0 */
    qn_buf_u16le(out, 1 << 11);    /* flags: names are UTF-8 */
    qn_buf_u16le(out, 0);          /* stored */
    qn_buf_u32le(out, 0x00210000); /* 1980-01-01 */
    qn_buf_u32le(out, crc);
    qn_buf_u32le(out, (uint32_t)size);
    qn_buf_u32le(out, (uint32_t)size);
    qn_buf_u16le(out, (uint32_t)name);
    qn_buf_u16le(out, 0); /* no extra field */
}

quern_status qn_zip_add(qn_zip *zip, const char *name, const void *p, size_t n,
                        quern_error *err)
{
    const size_t offset = bytes_so_far(zip), length = strlen(name);
    const size_t rest = UINT32_MAX - (size_t)(1 << 20); /* for headers, directory */
    qn_buf head;
    if (n > rest || offset > rest - n || length > 0xffff)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "'%s' of %zu bytes behind %zu others: a zip archive holds 4 GiB",
                       name, n, offset);
    const uint32_t crc = qn_crc32(0, p, n);
    qn_buf_init(&head, zip->directory.mem);
    qn_buf_add(&head, "PK\3\4", 4);
    put_common(&head, crc, n, length);
    qn_buf_text(&head, name);
    quern_status status = qn_buf_status(&head, err);
    if (status == QUERN_OK) status = write_out(zip, head.p, head.n, err);
    if (status == QUERN_OK) status = write_out(zip, p, n, err);
    qn_buf_done(&head);
    qn_buf_add(&zip->directory, "PK\1\2", 4);
    qn_buf_u16le(&zip->directory, 20);
    put_common(&zip->directory, crc, n, length);
    qn_buf_add(&zip->directory, "\0\0\0\0\0\0\0\0\0\0",
               10); /* note, disk, attributes */
    qn_buf_u32le(&zip->directory, (uint32_t)offset);
    qn_buf_text(&zip->directory, name);
    zip->n++;
    return status;
}

static void put_u64(qn_buf *out, uint64_t v)
{
    qn_buf_u32le(out, (uint32_t)v);
    qn_buf_u32le(out, (uint32_t)(v >> 32));
}

/* The end of the directory that counts further than 65534 members, and where it is. */
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
    if (n == 0xffff) put_end64(dir, zip->n, size, offset);
    qn_buf_add(dir, "PK\5\6\0\0\0\0", 8);
    qn_buf_u16le(dir, n);
    qn_buf_u16le(dir, n);
    qn_buf_u32le(dir, (uint32_t)size);
    qn_buf_u32le(dir, (uint32_t)offset);
    qn_buf_u16le(dir, 0);
    QN_TRY(qn_buf_status(dir, err));
    return write_out(zip, dir->p, dir->n, err);
}

void qn_zip_done(qn_zip *zip)
{
    qn_buf_done(&zip->directory);
}
