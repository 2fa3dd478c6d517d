/* SPDX-License-Identifier: Apache-2.0 */
/* formats/protobuf.h - the protobuf wire format, without any schema: a pull reader over
 * a bounded span, and a writer.  A message is a row of fields, each a tag
 *
 *     varint: number << 3 | wire type        then a varint, 4, 8 or length + bytes
 *
 * Reading keeps no state but the cursor, so nothing here recurses. */
#ifndef QN_FORMATS_PROTOBUF_H
#define QN_FORMATS_PROTOBUF_H

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

/* Bytes being made.  Errors stick: look once, in qn_pb_finish. */
typedef struct qn_pb_writer {
    qn_mem *mem;
    uint8_t *p;
    size_t n, room;
    quern_status status;
    quern_error error;
} qn_pb_writer;

void qn_pb_init(qn_pb_writer *w, qn_mem *mem);
void qn_pb_done(qn_pb_writer *w); /* frees the bytes */
/* The first error, if any. */
quern_status qn_pb_finish(const qn_pb_writer *w, quern_error *err);

void qn_pb_put_varint(qn_pb_writer *w, uint32_t number, uint64_t value);
void qn_pb_put_float(qn_pb_writer *w, uint32_t number, float value);
void qn_pb_put_bytes(qn_pb_writer *w, uint32_t number, const void *p, size_t n);
void qn_pb_put_text(qn_pb_writer *w, uint32_t number, const char *text);
/* Room for n bytes of a field, to be filled by the caller before the next put; NULL
 * after an error. */
void *qn_pb_put_room(qn_pb_writer *w, uint32_t number, size_t n);
void qn_pb_put_raw(qn_pb_writer *w, const void *p, size_t n); /* as they are */
/* Fields put between begin and end form the nested message. */
size_t qn_pb_begin(qn_pb_writer *w, uint32_t number);
void qn_pb_end(qn_pb_writer *w, size_t begun);

#endif
