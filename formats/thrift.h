/* SPDX-License-Identifier: Apache-2.0 */
/* formats/thrift.h - the compact protocol of Apache Thrift, read without any schema: a
 * pull reader over a bounded span.
 *
 * A struct is a row of fields and a zero byte; a field is a number, a type and a value.
 * Scalars come with the field; a struct, list or map is gone into by the caller, or
 * passed over.  Source: thrift-compact-protocol.md of apache/thrift. */
#ifndef QN_FORMATS_THRIFT_H
#define QN_FORMATS_THRIFT_H

#include "formats/bytes.h"

typedef enum qn_thrift_type {
    QN_THRIFT_STOP = 0, /* the struct ends */
    QN_THRIFT_TRUE = 1,
    QN_THRIFT_FALSE = 2,
    QN_THRIFT_I8 = 3,
    QN_THRIFT_I16 = 4,
    QN_THRIFT_I32 = 5,
    QN_THRIFT_I64 = 6,
    QN_THRIFT_DOUBLE = 7,
    QN_THRIFT_BINARY = 8,
    QN_THRIFT_LIST = 9,
    QN_THRIFT_SET = 10,
    QN_THRIFT_MAP = 11,
    QN_THRIFT_STRUCT = 12
} qn_thrift_type;

/* Zeroed before the first field of each struct. */
typedef struct qn_thrift_field {
    int id;
    qn_thrift_type type;
    int64_t i;      /* TRUE and FALSE (1, 0), I8 .. I64, the bits of a DOUBLE */
    qn_span bytes;  /* BINARY */
    uint32_t items; /* LIST, SET: how many elements follow */
    qn_thrift_type element;
} qn_thrift_field;

/* Takes the next field of a struct. */
quern_status qn_thrift_next(qn_span *in, qn_thrift_field *field, quern_error *err);
/* Passes over what the field holds: nothing but for structs, lists, sets and maps. */
quern_status qn_thrift_skip(qn_span *in, const qn_thrift_field *field,
                            quern_error *err);
/* An element of a list of that type, as qn_thrift_next gives a field. */
quern_status qn_thrift_item(qn_span *in, qn_thrift_type type, qn_thrift_field *item,
                            quern_error *err);
/* Fails unless the field has this type (any integer for I64; either truth for TRUE). */
quern_status qn_thrift_expect(const qn_thrift_field *field, qn_thrift_type type,
                              const char *what, quern_error *err);

/* LEB128, at most ten bytes; false at the end of the span or when it is longer. */
bool qn_take_varint(qn_span *in, uint64_t *out);
/* 0, -1, 1, -2, ... for 0, 1, 2, 3, ... */
int64_t qn_zigzag(uint64_t value);

#endif
