/* SPDX-License-Identifier: Apache-2.0 */
/* formats/deflate.c - see deflate.h; RFC 1950, 1951 and 1952 through zlib. */
#include "formats/deflate.h"

#include <assert.h>
#include <string.h>

bool qn_is_gzip(const void *bytes, size_t n)
{
    return n >= 2 && !memcmp(bytes, "\x1f\x8b", 2);
}

#ifdef QN_HAVE_ZLIB
#include <zlib.h>

uint32_t qn_crc32(uint32_t crc, const void *bytes, size_t n)
{
    return (uint32_t)crc32_z(crc, bytes, n);
}

#define CHUNK ((size_t)1 << 18) /* bytes made at a time */

static size_t chunk_of(size_t n)
{
    return n < CHUNK ? n : CHUNK;
}

/* One member's worth from z into out; done: the member's end was met. */
static quern_status inflate_member(z_stream *z, size_t limit, qn_buf *out,
                                   quern_error *err)
{
    uint8_t room[1 << 14];
    int code = Z_OK;
    while (code != Z_STREAM_END) {
        z->next_out = room;
        z->avail_out = sizeof room;
        code = inflate(z, Z_NO_FLUSH);
        const size_t made = sizeof room - z->avail_out;
        if (code != Z_OK && code != Z_STREAM_END)
            return qn_fail(err, QUERN_FORMAT,
                           "compressed data is damaged after %zu bytes", out->n);
        if (made > limit - out->n)
            return qn_fail(err, QUERN_LIMIT, "it unpacks to more than %zu bytes",
                           limit);
        qn_buf_add(out, room, made);
        if (out->error.status != QUERN_OK) return qn_buf_status(out, err);
    }
    return QUERN_OK;
}

static quern_status begin_gunzip(z_stream *z, const void *bytes, size_t n,
                                 quern_error *err)
{
    if (n > UINT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "%zu compressed bytes; at most 4 GiB", n);
    *z = (z_stream){.next_in = (z_const Bytef *)bytes, .avail_in = (uInt)n};
    if (inflateInit2(z, 15 + 16) != Z_OK)
        return qn_fail(err, QUERN_MEMORY, "no memory to unpack");
    return QUERN_OK;
}

quern_status qn_gunzip(const void *bytes, size_t n, size_t limit, qn_buf *out,
                       quern_error *err)
{
    z_stream z;
    quern_status status = QUERN_OK;
    QN_TRY(begin_gunzip(&z, bytes, n, err));
    while (status == QUERN_OK && z.avail_in > 0) {
        status = inflate_member(&z, limit, out, err);
        if (!qn_is_gzip(z.next_in, z.avail_in)) break; /* padding, by custom ignored */
        inflateReset(&z);
    }
    inflateEnd(&z);
    return status;
}

/* Up to size bytes of what is left, over the ends of members; fewer at the end only. */
static quern_status inflate_some(z_stream *z, uint8_t *out, size_t size, size_t *made,
                                 quern_error *err)
{
    for (*made = 0; *made < size;) {
        const size_t room = chunk_of(size - *made);
        z->next_out = out + *made;
        z->avail_out = (uInt)room;
        const int code = inflate(z, Z_NO_FLUSH);
        *made += room - z->avail_out;
        if (code == Z_OK) continue;
        if (code != Z_STREAM_END)
            return qn_fail(err, QUERN_FORMAT,
                           "compressed data is damaged after %zu bytes", *made);
        if (!qn_is_gzip(z->next_in, z->avail_in)) break;
        inflateReset(z);
    }
    return QUERN_OK;
}

quern_status qn_gunzip_head(const void *bytes, size_t n, void *out, size_t size,
                            size_t *made, quern_error *err)
{
    z_stream z;
    QN_TRY(begin_gunzip(&z, bytes, n, err));
    const quern_status status = inflate_some(&z, out, size, made, err);
    inflateEnd(&z);
    return status;
}

quern_status qn_gunzip_body(const void *bytes, size_t n, size_t skip, void *out,
                            size_t size, quern_error *err)
{
    z_stream z;
    uint8_t dropped[64];
    size_t head = 0, body = 0, more = 0;
    assert(skip <= sizeof dropped);
    QN_TRY(begin_gunzip(&z, bytes, n, err));
    quern_status status = inflate_some(&z, dropped, skip, &head, err);
    if (status == QUERN_OK) status = inflate_some(&z, out, size, &body, err);
    if (status == QUERN_OK) status = inflate_some(&z, dropped, 1, &more, err);
    inflateEnd(&z);
    QN_TRY(status);
    if (head == skip && body == size && more == 0) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "it unpacks to %s%zu bytes, not to %zu",
                   more ? "more than " : "", head + body, skip + size);
}

quern_status qn_inflate(const void *bytes, size_t n, void *out, size_t size,
                        quern_error *err)
{
    z_stream z = {.next_in = (z_const Bytef *)bytes, .next_out = out};
    size_t in_left = n, out_left = size;
    int code = Z_OK;
    if (inflateInit2(&z, -15) != Z_OK)
        return qn_fail(err, QUERN_MEMORY, "no memory to unpack");
    while (code == Z_OK) {
        const size_t in = chunk_of(in_left), room = chunk_of(out_left);
        z.avail_in = (uInt)in;
        z.avail_out = (uInt)room;
        code = inflate(&z, Z_NO_FLUSH);
        in_left -= in - z.avail_in;
        out_left -= room - z.avail_out;
    }
    inflateEnd(&z);
    if (code == Z_STREAM_END && out_left == 0) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "compressed data gives %zu of %zu bytes",
                   size - out_left, size);
}

struct qn_inflater {
    qn_mem *mem;
    z_stream z;
    qn_packed_fn *next;
    void *ctx;
    const uint8_t *left; /* of what next gave: n_left bytes behind those z has */
    size_t n_left, made;
    bool is_over; /* the stream's end was met */
};

quern_status qn_inflater_begin(qn_mem *mem, qn_packed_fn *next, void *ctx,
                               qn_inflater **out, quern_error *err)
{
    void *room;
    *out = NULL;
    QN_TRY(qn_mem_alloc(mem, sizeof **out, &room, err));
    qn_inflater *f = room;
    *f = (qn_inflater){.mem = mem, .next = next, .ctx = ctx};
    if (inflateInit2(&f->z, -15) != Z_OK) {
        qn_mem_free(mem, f, sizeof *f);
        return qn_fail(err, QUERN_MEMORY, "no memory to unpack");
    }
    *out = f;
    return QUERN_OK;
}

/* Gives z more to read when it has nothing; false: there is no more. */
static bool feed(qn_inflater *f)
{
    if (f->z.avail_in > 0) return true;
    while (f->n_left == 0)
        if (!f->next(f->ctx, &f->left, &f->n_left)) return false;
    const size_t n = chunk_of(f->n_left);
    f->z.next_in = (z_const Bytef *)f->left;
    f->z.avail_in = (uInt)n;
    f->left += n;
    f->n_left -= n;
    return true;
}

quern_status qn_inflater_take(qn_inflater *f, void *out, size_t size, quern_error *err)
{
    size_t done = 0;
    while (done < size && !f->is_over && feed(f)) {
        const size_t room = chunk_of(size - done);
        f->z.next_out = (Bytef *)out + done;
        f->z.avail_out = (uInt)room;
        const int code = inflate(&f->z, Z_NO_FLUSH);
        done += room - f->z.avail_out;
        f->is_over = code == Z_STREAM_END;
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) break;
    }
    f->made += done;
    if (done == size) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "compressed data ends or breaks after %zu bytes",
                   f->made);
}

quern_status qn_inflater_finish(qn_inflater *f, quern_error *err)
{
    uint8_t more;
    while (!f->is_over && feed(f)) {
        f->z.next_out = &more;
        f->z.avail_out = 1;
        const int code = inflate(&f->z, Z_NO_FLUSH);
        f->is_over = code == Z_STREAM_END;
        if (f->z.avail_out == 0 || (code != Z_OK && code != Z_STREAM_END)) break;
    }
    if (f->is_over) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "compressed data does not end after %zu bytes",
                   f->made);
}

void qn_inflater_end(qn_inflater *f)
{
    if (!f) return;
    inflateEnd(&f->z);
    qn_mem_free(f->mem, f, sizeof *f);
}

/* Bits of the smallest window that n bytes need: what zlib clears for the largest one
 * takes longer than compressing a thumbnail.  8 is not asked for, zlib has a bug there.
 */
static int window_of(size_t n)
{
    int bits = 9;
    while (bits < 15 && n > (size_t)1 << bits)
        bits++;
    return bits;
}

static int memory_of(int window)
{
    return window > 9 ? window - 7 : 2;
}

quern_status qn_deflate(const void *bytes, size_t n, qn_buf *out, quern_error *err)
{
    z_stream z = {.next_in = (z_const Bytef *)bytes};
    uint8_t room[1 << 14];
    size_t left = n;
    int code = Z_OK;
    const int window = window_of(n);
    if (deflateInit2(&z, 6, Z_DEFLATED, window, memory_of(window),
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return qn_fail(err, QUERN_MEMORY, "no memory to compress");
    while (code == Z_OK) {
        const size_t in = chunk_of(left);
        z.avail_in = (uInt)in;
        z.next_out = room;
        z.avail_out = sizeof room;
        code = deflate(&z, in == left ? Z_FINISH : Z_NO_FLUSH);
        if (code == Z_BUF_ERROR) code = Z_OK;
        left -= in - z.avail_in;
        qn_buf_add(out, room, sizeof room - z.avail_out);
    }
    deflateEnd(&z);
    return qn_buf_status(out, err);
}

struct qn_gzip {
    qn_mem *mem;
    z_stream z;
};

static quern_status begin_packing(qn_mem *mem, int level, int window,
                                  int level_of_memory, qn_gzip **out, quern_error *err)
{
    void *room;
    *out = NULL;
    QN_TRY(qn_mem_alloc(mem, sizeof **out, &room, err));
    qn_gzip *g = room;
    *g = (qn_gzip){.mem = mem};
    if (deflateInit2(&g->z, level, Z_DEFLATED, window, level_of_memory,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        qn_mem_free(mem, g, sizeof *g);
        return qn_fail(err, QUERN_MEMORY, "no memory to compress");
    }
    *out = g;
    return QUERN_OK;
}

/* zlib's own header: no name, no date, so that equal bytes make equal files. */
quern_status qn_gzip_begin(qn_mem *mem, qn_gzip **out, quern_error *err)
{
    return begin_packing(mem, 6, 15 + 16, 8, out, err);
}

quern_status qn_zlib_begin(qn_mem *mem, size_t n, int level, qn_gzip **out,
                           quern_error *err)
{
    const int window = window_of(n);
    return begin_packing(mem, level, window, memory_of(window), out, err);
}

quern_status qn_gzip_add(qn_gzip *gzip, const void *bytes, size_t n, bool is_last,
                         qn_buf *out, quern_error *err)
{
    uint8_t room[1 << 14];
    z_stream *z = &gzip->z;
    z->next_in = (z_const Bytef *)bytes;
    for (size_t left = n;;) {
        const size_t in = chunk_of(left);
        z->avail_in = (uInt)in;
        z->next_out = room;
        z->avail_out = sizeof room;
        const int code = deflate(z, is_last && in == left ? Z_FINISH : Z_NO_FLUSH);
        left -= in - z->avail_in;
        qn_buf_add(out, room, sizeof room - z->avail_out);
        if (is_last ? code == Z_STREAM_END : left == 0 && z->avail_out > 0)
            return qn_buf_status(out, err);
    }
}

void qn_gzip_end(qn_gzip *gzip)
{
    if (!gzip) return;
    deflateEnd(&gzip->z);
    qn_mem_free(gzip->mem, gzip, sizeof *gzip);
}

#else

uint32_t qn_crc32(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

static quern_status lacks_zlib(quern_error *err)
{
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "compressed data, and this build has no zlib");
}

quern_status qn_gunzip(const void *bytes, size_t n, size_t limit, qn_buf *out,
                       quern_error *err)
{
    (void)bytes, (void)n, (void)limit, (void)out;
    return lacks_zlib(err);
}

quern_status qn_gunzip_head(const void *bytes, size_t n, void *out, size_t size,
                            size_t *made, quern_error *err)
{
    (void)bytes, (void)n, (void)out, (void)size, (void)made;
    return lacks_zlib(err);
}

quern_status qn_gunzip_body(const void *bytes, size_t n, size_t skip, void *out,
                            size_t size, quern_error *err)
{
    (void)bytes, (void)n, (void)skip, (void)out, (void)size;
    return lacks_zlib(err);
}

quern_status qn_inflate(const void *bytes, size_t n, void *out, size_t size,
                        quern_error *err)
{
    (void)bytes, (void)n, (void)out, (void)size;
    return lacks_zlib(err);
}

quern_status qn_inflater_begin(qn_mem *mem, qn_packed_fn *next, void *ctx,
                               qn_inflater **out, quern_error *err)
{
    (void)mem, (void)next, (void)ctx;
    *out = NULL;
    return lacks_zlib(err);
}

quern_status qn_inflater_take(qn_inflater *f, void *out, size_t size, quern_error *err)
{
    (void)f, (void)out, (void)size;
    return lacks_zlib(err);
}

quern_status qn_inflater_finish(qn_inflater *f, quern_error *err)
{
    (void)f;
    return lacks_zlib(err);
}

void qn_inflater_end(qn_inflater *f)
{
    (void)f;
}

quern_status qn_deflate(const void *bytes, size_t n, qn_buf *out, quern_error *err)
{
    (void)bytes, (void)n, (void)out;
    return lacks_zlib(err);
}

quern_status qn_gzip_begin(qn_mem *mem, qn_gzip **out, quern_error *err)
{
    (void)mem;
    *out = NULL;
    return lacks_zlib(err);
}

quern_status qn_zlib_begin(qn_mem *mem, size_t n, int level, qn_gzip **out,
                           quern_error *err)
{
    (void)mem, (void)n, (void)level;
    *out = NULL;
    return lacks_zlib(err);
}

quern_status qn_gzip_add(qn_gzip *gzip, const void *bytes, size_t n, bool is_last,
                         qn_buf *out, quern_error *err)
{
    (void)gzip, (void)bytes, (void)n, (void)is_last, (void)out;
    return lacks_zlib(err);
}

void qn_gzip_end(qn_gzip *gzip)
{
    (void)gzip;
}

#endif
