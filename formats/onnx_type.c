/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_type.c - ValueInfoProto, TypeProto, TensorShapeProto.  A TypeProto is a
 * oneof: of several members the last one counts. */
#include "formats/onnx_type.h"
#include "formats/onnx_fields.h"

#include <string.h>

quern_status qn_onnx_text(const qn_pb_field *field, const char *what, qn_span *out,
                          quern_error *err)
{
    QN_TRY(qn_pb_expect(field, QN_WIRE_BYTES, what, err));
    *out = field->bytes;
    if (qn_span_is_utf8(out)) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "%s at byte %zu is not valid UTF-8", what,
                   field->offset);
}

quern_status qn_onnx_name(qn_arena *arena, const qn_pb_field *field, const char *what,
                          const char **out, quern_error *err)
{
    qn_span text;
    QN_TRY(qn_onnx_text(field, what, &text, err));
    return qn_arena_text(arena, (const char *)text.p, text.n, out, err);
}

static quern_status read_dim(qn_arena *arena, qn_span message, int64_t *dim,
                             const char **symbol, quern_error *err)
{
    *dim = -1;
    *symbol = NULL;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number == DIM_VALUE) {
            QN_TRY(qn_pb_expect(&f, QN_WIRE_VARINT, "dim_value", err));
            *dim = (int64_t)f.u < 0 ? -1
                                    : (int64_t)f.u; /* negative: exporters mean free */
            *symbol = NULL;
        } else if (f.number == DIM_PARAM) {
            QN_TRY(qn_onnx_name(arena, &f, "dim_param", symbol, err));
            if (!**symbol) *symbol = NULL;
            *dim = -1;
        }
    }
}

static quern_status read_shape(qn_arena *arena, qn_span message, qn_onnx_type *type,
                               quern_error *err)
{
    if (type->rank < 0) type->rank = 0;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number != SHAPE_DIM) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "dim", err));
        if (type->rank == QUERN_MAX_RANK)
            return qn_fail(err, QUERN_LIMIT, "declared rank is above %d",
                           QUERN_MAX_RANK);
        int d = type->rank++;
        QN_TRY(read_dim(arena, f.bytes, &type->dim[d], &type->symbol[d], err));
    }
}

static quern_status read_tensor(qn_arena *arena, qn_span message, qn_onnx_type *type,
                                quern_error *err)
{
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number == TYPE_ELEM_TYPE) {
            QN_TRY(qn_pb_expect(&f, QN_WIRE_VARINT, "elem_type", err));
            if (f.u > QUERN_INT2)
                return qn_fail(err, QUERN_UNSUPPORTED, "element type %llu is not known",
                               (unsigned long long)f.u);
            type->dtype = (quern_dtype)f.u;
        } else if (f.number == TYPE_SHAPE) {
            QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "shape", err));
            QN_TRY(read_shape(arena, f.bytes, type, err));
        }
    }
}

static quern_status read_type(qn_arena *arena, qn_span message, int depth,
                              qn_onnx_type *out, quern_error *err);

/* TypeProto.Sequence and .Optional: the type of what is in it. */
static quern_status read_wrapped(qn_arena *arena, qn_span message, uint32_t wrapper,
                                 int depth, qn_onnx_type *out, quern_error *err)
{
    qn_span inner = {0};
    int pieces = 0;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        if (f.number != TYPE_ELEM_TYPE) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "elem_type", err));
        QN_TRY(qn_pb_join(arena, &inner, &pieces, &f.bytes, err));
    }
    QN_TRY(read_type(arena, inner, depth + 1, out, err));
    if (wrapper == TYPE_OPTIONAL) {
        out->is_optional = true;
        return QUERN_OK;
    }
    if (out->kind == QN_SEQUENCE)
        out->dtype = QUERN_UNDEFINED; /* sequence of sequences */
    out->kind = QN_SEQUENCE;
    out->rank = -1; /* of the items, which may differ */
    return QUERN_OK;
}

static quern_status read_type(qn_arena *arena, qn_span message, int depth,
                              qn_onnx_type *out, quern_error *err)
{
    enum { MAX_DEPTH = 16 };
    if (depth > MAX_DEPTH)
        return qn_fail(err, QUERN_LIMIT, "type is nested deeper than %d", MAX_DEPTH);
    qn_span member = {0};
    uint32_t which = 0;
    int pieces = 0;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        if (f.number != TYPE_TENSOR && f.number != TYPE_SEQUENCE &&
            f.number != TYPE_OPTIONAL && f.number != TYPE_MAP &&
            f.number != TYPE_OPAQUE && f.number != TYPE_SPARSE_TENSOR)
            continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "type", err));
        if (f.number != which) pieces = 0;
        which = f.number;
        QN_TRY(qn_pb_join(arena, &member, &pieces, &f.bytes, err));
    }
    *out = (qn_onnx_type){.kind = QN_TENSOR, .rank = -1};
    if (which == TYPE_TENSOR) return read_tensor(arena, member, out, err);
    if (which == TYPE_SEQUENCE || which == TYPE_OPTIONAL)
        return read_wrapped(arena, member, which, depth, out, err);
    return QUERN_OK; /* what quern does not have; the operators that use it are missing
                      */
}

quern_status qn_onnx_type_read(qn_arena *arena, qn_span message, qn_onnx_type *out,
                               quern_error *err)
{
    return read_type(arena, message, 0, out, err);
}

quern_status qn_onnx_value_info(qn_arena *arena, qn_span message, qn_span *name,
                                qn_onnx_type *out, quern_error *err)
{
    qn_span type = {0};
    int pieces = 0;
    *name = (qn_span){0};
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        if (f.number == INFO_NAME) {
            QN_TRY(qn_onnx_text(&f, "name", name, err));
        } else if (f.number == INFO_TYPE) {
            QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "type", err));
            QN_TRY(qn_pb_join(arena, &type, &pieces, &f.bytes, err));
        }
    }
    quern_status status = qn_onnx_type_read(arena, type, out, err);
    if (status != QUERN_OK)
        qn_within(err, "'%.*s'", (int)(name->n < 200 ? name->n : 200),
                  name->n ? (const char *)name->p : "");
    return status;
}

void qn_onnx_type_apply(const qn_onnx_type *type, qn_value *v)
{
    v->dtype = type->dtype;
    v->kind = type->kind;
    v->is_optional = type->is_optional;
    v->rank = type->rank;
    memcpy(v->dim, type->dim, sizeof v->dim);
    memcpy(v->symbol, type->symbol, sizeof v->symbol);
}
