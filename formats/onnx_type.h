/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_type.h - names, and what ValueInfoProto and TypeProto declare. */
#ifndef QN_FORMATS_ONNX_TYPE_H
#define QN_FORMATS_ONNX_TYPE_H

#include "engine/graph.h"
#include "formats/protobuf.h"

/* The text of a field: UTF-8 without a zero byte, or an error that says what it is. */
quern_status qn_onnx_text(const qn_pb_field *field, const char *what, qn_span *out,
                          quern_error *err);
/* The same, zero-ended in the arena. */
quern_status qn_onnx_name(qn_arena *arena, const qn_pb_field *field, const char *what,
                          const char **out, quern_error *err);

typedef struct qn_onnx_type {
    quern_dtype dtype; /* UNDEFINED: not declared, or a map */
    uint8_t kind;      /* qn_kind */
    bool is_optional;
    int rank; /* -1: not declared */
    int64_t dim[QUERN_MAX_RANK];
    const char *symbol[QUERN_MAX_RANK];
} qn_onnx_type;

quern_status qn_onnx_type_read(qn_arena *arena, qn_span message, qn_onnx_type *out,
                               quern_error *err);
/* ValueInfoProto; the name is a part of the message. */
quern_status qn_onnx_value_info(qn_arena *arena, qn_span message, qn_span *name,
                                qn_onnx_type *out, quern_error *err);
/* Declares the type for the value. */
void qn_onnx_type_apply(const qn_onnx_type *type, qn_value *v);

#endif
