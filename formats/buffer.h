/* SPDX-License-Identifier: Apache-2.0 */
/* formats/buffer.h - bytes that grow at the end: what every writer writes into.
 *
 * A failure to grow is kept and reported once, by qn_buf_status, so that writers need
 * not check every append; after a failure appends do nothing. */
#ifndef QN_FORMATS_BUFFER_H
#define QN_FORMATS_BUFFER_H

#include "engine/mem.h"

typedef struct qn_buf {
    qn_mem *mem;
    char *p; /* n bytes, then a zero byte; NULL while n is 0 */
    size_t n, cap;
    quern_error error; /* status QUERN_OK: all well */
} qn_buf;

void qn_buf_init(qn_buf *buf, qn_mem *mem);
void qn_buf_done(qn_buf *buf);
void qn_buf_clear(qn_buf *buf); /* forgets the bytes, keeps the memory */
void qn_buf_add(qn_buf *buf, const void *p, size_t n);
/* n bytes at the end that the caller fills before the next append; NULL after an error.
 */
void *qn_buf_room(qn_buf *buf, size_t n);
void qn_buf_text(qn_buf *buf, const char *text);
void qn_buf_byte(qn_buf *buf, int byte);
void qn_buf_format(qn_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void qn_buf_u16le(qn_buf *buf, uint32_t value);
void qn_buf_u32le(qn_buf *buf, uint32_t value);
void qn_buf_u32be(qn_buf *buf, uint32_t value);
quern_status qn_buf_status(const qn_buf *buf, quern_error *err);

#endif
