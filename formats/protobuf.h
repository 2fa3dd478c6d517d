/* SPDX-License-Identifier: Apache-2.0 */
/* formats/protobuf.h - the protobuf wire format, without any schema: a pull reader over
 * a bounded span, and a writer.  A message is a row of fields, each a tag
 *
 *     varint: number << 3 | wire type        then a varint, 4, 8 or length + bytes
 *
 * Reading keeps no state but the cursor, so nothing here recurses. */
#ifndef QN_FORMATS_PROTOBUF_H
#define QN_FORMATS_PROTOBUF_H

#include "formats/buffer.h"
#include "formats/bytes.h"

typedef enum qn_wire {
    QN_WIRE_VARINT = 0,
    QN_WIRE_I64 = 1,
    QN_WIRE_BYTES = 2, /* text, messages, packed numbers */
    QN_WIRE_I32 = 5    /* 3 and 4 are groups: refused */
} qn_wire;

typedef struct qn_pb_field {
    uint32_t number; /* 1 .. 2^29-1; 0 at the end of the message */
    qn_wire wire;
    uint64_t u;    /* VARINT, I64, I32 */
    qn_span bytes; /* BYTES */
    size_t offset; /* of the tag in the file */
} qn_pb_field;

/* Takes the next field. */
quern_status qn_pb_next(qn_span *message, qn_pb_field *field, quern_error *err);
/* Fails unless the field has the wire type; what names it in the message. */
quern_status qn_pb_expect(const qn_pb_field *field, qn_wire wire, const char *what,
                          quern_error *err);

/* One occurrence of a repeated number: a packed span of bare elements, or one element.
 */
typedef struct qn_pb_run {
    qn_wire element; /* VARINT, I32 or I64 */
    qn_span packed;
    bool single;
    uint64_t value; /* the element when single */
} qn_pb_run;
quern_status qn_pb_numbers(const qn_pb_field *field, qn_wire element, const char *what,
                           qn_pb_run *run, quern_error *err);
/* Elements in a run. */
size_t qn_pb_count(const qn_pb_run *run);
/* Takes the next element; *more is false at the end. */
quern_status qn_pb_take(qn_pb_run *run, uint64_t *element, bool *more,
                        quern_error *err);

/* A message field given twice means both after each other.  Adds a piece to what there
 * is (first with have->p NULL); joined copies live in the arena. */
quern_status qn_pb_join(qn_arena *arena, qn_span *have, int *pieces,
                        const qn_span *piece, quern_error *err);

/* Fields at the end of a buffer; errors stick there until qn_buf_status. */
void qn_pb_put_varint(qn_buf *buf, uint32_t number, uint64_t value);
void qn_pb_put_float(qn_buf *buf, uint32_t number, float value);
void qn_pb_put_bytes(qn_buf *buf, uint32_t number, const void *p, size_t n);
void qn_pb_put_text(qn_buf *buf, uint32_t number, const char *text);
/* Room for n bytes of a field, to be filled before the next put; NULL after an error.
 */
void *qn_pb_put_room(qn_buf *buf, uint32_t number, size_t n);
/* Fields put between begin and end form the nested message. */
size_t qn_pb_begin(qn_buf *buf, uint32_t number);
void qn_pb_end(qn_buf *buf, size_t begun);

#endif
