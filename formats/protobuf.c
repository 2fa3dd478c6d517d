/* SPDX-License-Identifier: Apache-2.0 */
/* formats/protobuf.c - wire format of protobuf ("Encoding", protobuf.dev), both ways.
 */
#include "formats/protobuf.h"

#include <string.h>

/* ---- reading ---- */

/* 7 bits a byte, low first, at most 10 bytes, of which the last holds one bit. */
static quern_status take_varint(qn_span *b, uint64_t *out, quern_error *err)
{
    uint64_t value = 0;
    size_t n = b->n < 10 ? b->n : 10;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = b->p[i];
        if (i == 9 && c > 1) break;
        value |= (uint64_t)(c & 0x7F) << (7 * i);
        if (c & 0x80) continue;
        qn_span taken;
        qn_take(b, i + 1, &taken);
        *out = value;
        return QUERN_OK;
    }
    if (n < 10)
        return qn_fail(err, QUERN_FORMAT,
                       "number at byte %zu is cut off after %zu bytes", b->offset, n);
    return qn_fail(err, QUERN_FORMAT, "number at byte %zu is longer than 64 bits",
                   b->offset);
}

static quern_status take_fixed(qn_span *b, size_t n, uint64_t *out, quern_error *err)
{
    qn_span part;
    if (!qn_take(b, n, &part))
        return qn_fail(err, QUERN_FORMAT,
                       "number at byte %zu takes %zu bytes, %zu left", b->offset, n,
                       b->n);
    *out = 0;
    memcpy(out, part.p, n);
    return QUERN_OK;
}

quern_status qn_pb_next(qn_span *message, qn_pb_field *field, quern_error *err)
{
    *field = (qn_pb_field){.offset = message->offset};
    if (message->n == 0) return QUERN_OK;
    uint64_t tag;
    QN_TRY(take_varint(message, &tag, err));
    if (tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
        return qn_fail(err, QUERN_FORMAT,
                       "field number %llu at byte %zu is outside 1..536870911",
                       (unsigned long long)(tag >> 3), field->offset);
    field->number = (uint32_t)(tag >> 3);
    field->wire = (qn_wire)(tag & 7);
    switch (field->wire) {
    case QN_WIRE_VARINT:
        return take_varint(message, &field->u, err);
    case QN_WIRE_I64:
        return take_fixed(message, 8, &field->u, err);
    case QN_WIRE_I32:
        return take_fixed(message, 4, &field->u, err);
    case QN_WIRE_BYTES:
        QN_TRY(take_varint(message, &field->u, err));
        if (!qn_take(message, field->u, &field->bytes))
            return qn_fail(
                err, QUERN_FORMAT, "field %u at byte %zu says %llu bytes, %zu left",
                field->number, field->offset, (unsigned long long)field->u, message->n);
        return QUERN_OK;
    }
    return qn_fail(err, QUERN_FORMAT, "field %u at byte %zu has wire type %d",
                   field->number, field->offset, (int)(tag & 7));
}

quern_status qn_pb_expect(const qn_pb_field *field, qn_wire wire, const char *what,
                          quern_error *err)
{
    if (field->wire == wire) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "%s at byte %zu has wire type %d, not %d", what,
                   field->offset, (int)field->wire, (int)wire);
}

quern_status qn_pb_numbers(const qn_pb_field *field, qn_wire element, const char *what,
                           qn_pb_run *run, quern_error *err)
{
    *run = (qn_pb_run){.element = element};
    if (field->wire == element) {
        run->single = true;
        run->value = field->u;
        return QUERN_OK;
    }
    QN_TRY(qn_pb_expect(field, QN_WIRE_BYTES, what, err));
    size_t size = element == QN_WIRE_I32 ? 4 : element == QN_WIRE_I64 ? 8 : 1;
    if (field->bytes.n % size)
        return qn_fail(err, QUERN_FORMAT,
                       "%s at byte %zu has %zu bytes, no multiple of %zu", what,
                       field->offset, field->bytes.n, size);
    run->packed = field->bytes;
    return QUERN_OK;
}

size_t qn_pb_count(const qn_pb_run *run)
{
    if (run->single) return 1;
    if (run->element == QN_WIRE_I32) return run->packed.n / 4;
    if (run->element == QN_WIRE_I64) return run->packed.n / 8;
    size_t n = 0;
    for (size_t i = 0; i < run->packed.n; i++)
        n += run->packed.p[i] < 0x80;
    return n;
}

quern_status qn_pb_take(qn_pb_run *run, uint64_t *element, bool *more, quern_error *err)
{
    *more = run->single || run->packed.n;
    if (!*more) return QUERN_OK;
    if (run->single) {
        run->single = false;
        *element = run->value;
        return QUERN_OK;
    }
    if (run->element == QN_WIRE_VARINT) return take_varint(&run->packed, element, err);
    return take_fixed(&run->packed, run->element == QN_WIRE_I32 ? 4 : 8, element, err);
}

quern_status qn_pb_join(qn_arena *arena, qn_span *have, int *pieces,
                        const qn_span *piece, quern_error *err)
{
    enum { MOST_PIECES = 16 }; /* joining copies: keep hostile files linear */
    if (++*pieces > MOST_PIECES)
        return qn_fail(err, QUERN_LIMIT,
                       "message at byte %zu is given in more than %d pieces",
                       piece->offset, MOST_PIECES);
    if (*pieces == 1) {
        *have = *piece;
        return QUERN_OK;
    }
    void *both;
    QN_TRY(qn_arena_raw(arena, have->n + piece->n, &both, err));
    if (have->n) memcpy(both, have->p, have->n);
    if (piece->n) memcpy((uint8_t *)both + have->n, piece->p, piece->n);
    *have = (qn_span){both, have->n + piece->n, have->offset};
    return QUERN_OK;
}

/* ---- writing ---- */

/* Writes value to at least 10 bytes; returns how many it takes. */
static size_t encode_varint(uint8_t *to, uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        to[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    to[n++] = (uint8_t)value;
    return n;
}

static void put_varint(qn_buf *buf, uint64_t value)
{
    uint8_t text[10];
    qn_buf_add(buf, text, encode_varint(text, value));
}

static void put_tag(qn_buf *buf, uint32_t number, qn_wire wire)
{
    put_varint(buf, (uint64_t)number << 3 | wire);
}

void qn_pb_put_varint(qn_buf *buf, uint32_t number, uint64_t value)
{
    put_tag(buf, number, QN_WIRE_VARINT);
    put_varint(buf, value);
}

void qn_pb_put_float(qn_buf *buf, uint32_t number, float value)
{
    put_tag(buf, number, QN_WIRE_I32);
    qn_buf_add(buf, &value, sizeof value);
}

void *qn_pb_put_room(qn_buf *buf, uint32_t number, size_t n)
{
    put_tag(buf, number, QN_WIRE_BYTES);
    put_varint(buf, n);
    return qn_buf_room(buf, n);
}

void qn_pb_put_bytes(qn_buf *buf, uint32_t number, const void *p, size_t n)
{
    void *to = qn_pb_put_room(buf, number, n);
    if (to && n) memcpy(to, p, n);
}

void qn_pb_put_text(qn_buf *buf, uint32_t number, const char *text)
{
    qn_pb_put_bytes(buf, number, text, strlen(text));
}

size_t qn_pb_begin(qn_buf *buf, uint32_t number)
{
    put_tag(buf, number, QN_WIRE_BYTES);
    return buf->n;
}

/* The length goes before what was put since: that moves up by as many bytes. */
void qn_pb_end(qn_buf *buf, size_t begun)
{
    uint8_t length[10];
    size_t n = buf->n - begun, k = encode_varint(length, n);
    if (!qn_buf_room(buf, k)) return;
    memmove(buf->p + begun + k, buf->p + begun, n);
    memcpy(buf->p + begun, length, k);
}
