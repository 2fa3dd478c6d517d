/* SPDX-License-Identifier: Apache-2.0 */
/* formats/deflate.h - compressed bytes, by zlib, which only deflate.c sees.  Without
 * zlib every function but qn_crc32 fails with QUERN_UNSUPPORTED. */
#ifndef QN_FORMATS_DEFLATE_H
#define QN_FORMATS_DEFLATE_H

#include "formats/buffer.h"

/* Appends the content of a gzip file (one or more members) of at most limit bytes. */
quern_status qn_gunzip(const void *bytes, size_t n, size_t limit, qn_buf *out,
                       quern_error *err);
/* The first size bytes of a gzip file's content, or all of them: *made.  What follows
 * is not unpacked. */
quern_status qn_gunzip_head(const void *bytes, size_t n, void *out, size_t size,
                            size_t *made, quern_error *err);
/* A gzip file whose content is exactly skip (at most 64) bytes that are dropped and
 * size bytes that go to out. */
quern_status qn_gunzip_body(const void *bytes, size_t n, size_t skip, void *out,
                            size_t size, quern_error *err);
bool qn_is_gzip(const void *bytes, size_t n);
/* Raw deflate that must hold exactly size bytes, as zip stores it. */
quern_status qn_inflate(const void *bytes, size_t n, void *out, size_t size,
                        quern_error *err);
/* Raw deflate unpacked piece by piece. */
typedef struct qn_inflater qn_inflater;
/* Hands over the next packed bytes, which stay where they are; false: there are none.
 */
typedef bool qn_packed_fn(void *ctx, const uint8_t **p, size_t *n);
quern_status qn_inflater_begin(qn_mem *mem, qn_packed_fn *next, void *ctx,
                               qn_inflater **out, quern_error *err);
/* The next size bytes of the content. */
quern_status qn_inflater_take(qn_inflater *inflater, void *out, size_t size,
                              quern_error *err);
/* Fails if the content goes on. */
quern_status qn_inflater_finish(qn_inflater *inflater, quern_error *err);
void qn_inflater_end(qn_inflater *inflater); /* frees; NULL is fine */
/* Appends the zlib stream of the bytes, as PNG stores it. */
quern_status qn_deflate(const void *bytes, size_t n, qn_buf *out, quern_error *err);

/* A gzip file made piece by piece; the same bytes make the same file. */
typedef struct qn_gzip qn_gzip;
quern_status qn_gzip_begin(qn_mem *mem, qn_gzip **out, quern_error *err);
/* The same, but what comes is the zlib stream of n bytes, of zlib's level; 6 is what
 * qn_deflate and gzip have. */
quern_status qn_zlib_begin(qn_mem *mem, size_t n, int level, qn_gzip **out,
                           quern_error *err);
/* Appends what the n bytes come to; with is_last, all that is still held back. */
quern_status qn_gzip_add(qn_gzip *gzip, const void *bytes, size_t n, bool is_last,
                         qn_buf *out, quern_error *err);
void qn_gzip_end(qn_gzip *gzip); /* frees; NULL is fine */

/* CRC-32 of ISO 3309, as PNG, gzip and zip use it; crc 0 begins. */
uint32_t qn_crc32(uint32_t crc, const void *bytes, size_t n);

#endif
