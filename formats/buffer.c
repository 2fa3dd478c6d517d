/* SPDX-License-Identifier: Apache-2.0 */
/* formats/buffer.c - see buffer.h.  Capacity doubles, so n appends copy O(n) bytes. */
#include "formats/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void qn_buf_init(qn_buf *buf, qn_mem *mem)
{
    *buf = (qn_buf){.mem = mem};
}

void qn_buf_done(qn_buf *buf)
{
    if (buf->p) qn_mem_free(buf->mem, buf->p, buf->cap);
    *buf = (qn_buf){.mem = buf->mem};
}

void qn_buf_clear(qn_buf *buf)
{
    buf->n = 0;
}

/* Copies by pieces, between which large blocks may leave memory. */
static void move_bytes(qn_buf *buf, char *to)
{
    enum { PIECE = 1 << 24 };
    for (size_t at = 0; at < buf->n; at += PIECE) {
        const size_t n = buf->n - at < PIECE ? buf->n - at : PIECE;
        memcpy(to + at, buf->p + at, n);
        qn_mem_passed(buf->mem, 2 * n);
    }
}

/* Room for n more bytes and a zero byte. */
static bool reserve(qn_buf *buf, size_t n)
{
    size_t need, cap = buf->cap ? buf->cap : 256;
    void *p = NULL;
    if (buf->error.status != QUERN_OK) return false;
    if (!qn_size_add(buf->n, n, &need) || !qn_size_add(need, 1, &need) ||
        need > SIZE_MAX / 2) {
        qn_fail(&buf->error, QUERN_LIMIT, "%zu bytes and %zu more are too many to hold",
                buf->n, n);
        return false;
    }
    if (need <= buf->cap) return true;
    while (cap < need)
        cap *= 2;
    if (qn_mem_alloc(buf->mem, cap, &p, &buf->error) != QUERN_OK) return false;
    if (buf->p) {
        move_bytes(buf, p);
        qn_mem_free(buf->mem, buf->p, buf->cap);
    }
    buf->p = p;
    buf->cap = cap;
    return true;
}

void *qn_buf_room(qn_buf *buf, size_t n)
{
    if (!reserve(buf, n)) return NULL;
    char *at = buf->p + buf->n;
    buf->n += n;
    buf->p[buf->n] = 0;
    return at;
}

void qn_buf_add(qn_buf *buf, const void *p, size_t n)
{
    if (!reserve(buf, n)) return;
    if (n) memcpy(buf->p + buf->n, p, n);
    buf->n += n;
    buf->p[buf->n] = 0;
    qn_mem_passed(buf->mem, n);
}

void qn_buf_text(qn_buf *buf, const char *text)
{
    qn_buf_add(buf, text, strlen(text));
}

void qn_buf_byte(qn_buf *buf, int byte)
{
    const char c = (char)byte;
    qn_buf_add(buf, &c, 1);
}

void qn_buf_format(qn_buf *buf, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const int n = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (n < 0 || !reserve(buf, (size_t)n)) return;
    va_start(list, format);
    vsnprintf(buf->p + buf->n, (size_t)n + 1, format, list);
    va_end(list);
    buf->n += (size_t)n;
}

void qn_buf_u16le(qn_buf *buf, uint32_t v)
{
    qn_buf_add(buf, (uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8)}, 2);
}

void qn_buf_u32le(qn_buf *buf, uint32_t v)
{
    qn_buf_u16le(buf, v & 0xffff);
    qn_buf_u16le(buf, v >> 16);
}

void qn_buf_u32be(qn_buf *buf, uint32_t v)
{
    qn_buf_add(buf,
               (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                           (uint8_t)v},
               4);
}

quern_status qn_buf_status(const qn_buf *buf, quern_error *err)
{
    if (buf->error.status != QUERN_OK && err) *err = buf->error;
    return buf->error.status;
}
