/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_value.c - single values as files: TensorProto, SequenceProto,
 * OptionalProto (onnx-data.proto), read and written. */
#include "formats/onnx.h"
#include "formats/onnx_fields.h"
#include "formats/onnx_tensor.h"
#include "formats/onnx_type.h"
#include "formats/onnx_write.h"

/* ---- reading ---- */

static quern_status read_sequence(const qn_onnx_sink *sink, qn_span message,
                                  quern_dtype dtype, qn_tensor *out, quern_error *err)
{
    qn_span walk = message;
    void *items;
    size_t n = 0, k = 0;
    qn_pb_field f;
    for (;;) {
        QN_TRY(qn_pb_next(&walk, &f, err));
        if (f.number == 0) break;
        if (f.number > SEQUENCE_TENSOR_VALUES)
            return qn_fail(err, QUERN_UNSUPPORTED,
                           "sequence of something else than tensors");
        n += f.number == SEQUENCE_TENSOR_VALUES;
    }
    QN_TRY(qn_arena_array(sink->arena, n, sizeof *out, &items, err));
    while (k < n) {
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number != SEQUENCE_TENSOR_VALUES) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "tensor_values", err));
        quern_status status =
            qn_onnx_tensor(sink, f.bytes, (qn_tensor *)items + k, NULL, err);
        if (status != QUERN_OK) qn_within(err, "item %zu", k);
        QN_TRY(status);
        k++;
    }
    if (n) dtype = ((qn_tensor *)items)->dtype;
    *out = (qn_tensor){.dtype = dtype,
                       .kind = QN_SEQUENCE,
                       .rank = 1,
                       .dim = {(int64_t)n},
                       .data = items};
    return QUERN_OK;
}

static quern_status read_optional(const qn_onnx_sink *sink, qn_span message,
                                  quern_dtype dtype, qn_tensor *out, quern_error *err)
{
    qn_span inner = {0};
    uint32_t which = 0;
    int pieces = 0;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        if (f.number != OPTIONAL_TENSOR_VALUE && f.number != OPTIONAL_SEQUENCE_VALUE)
            continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "optional value", err));
        if (f.number != which) pieces = 0;
        which = f.number;
        QN_TRY(qn_pb_join(sink->arena, &inner, &pieces, &f.bytes, err));
    }
    if (which == OPTIONAL_TENSOR_VALUE)
        return qn_onnx_tensor(sink, inner, out, NULL, err);
    if (which) return read_sequence(sink, inner, dtype, out, err);
    *out = (qn_tensor){.kind = QN_NONE, .dtype = dtype};
    return QUERN_OK;
}

static quern_status read_value(qn_arena *arena, qn_span message, qn_onnx_place place,
                               const quern_info *info, qn_tensor *out, quern_error *err)
{
    qn_onnx_sink sink = {arena, place, NULL};
    if (info->is_optional) return read_optional(&sink, message, info->dtype, out, err);
    if (info->is_sequence) return read_sequence(&sink, message, info->dtype, out, err);
    return qn_onnx_tensor(&sink, message, out, NULL, err);
}

quern_status qn_onnx_value_parse(qn_arena *arena, const void *bytes, size_t n,
                                 const quern_info *info, qn_tensor *out,
                                 quern_error *err)
{
    return read_value(arena, (qn_span){bytes, n, 0}, QN_ONNX_COPY, info, out, err);
}

quern_status qn_onnx_value_load(qn_arena *arena, const char *path,
                                const quern_info *info, qn_tensor *out,
                                quern_error *err)
{
    qn_file file;
    void *bytes;
    QN_TRY(qn_file_open(NULL, path, &file, err));
    quern_status status = qn_file_read(&file, arena, &bytes, err);
    qn_file_close(&file);
    QN_TRY(status);
    return read_value(arena, (qn_span){bytes, file.bytes, 0}, QN_ONNX_ALIGNED, info,
                      out, err);
}

/* ---- writing ---- */

static void put_sequence(qn_buf *to, const qn_tensor *value)
{
    const qn_tensor *items = value->data;
    qn_pb_put_varint(to, SEQUENCE_ELEM_TYPE, ELEM_TENSOR);
    for (int64_t i = 0; i < value->dim[0]; i++) {
        size_t begun = qn_pb_begin(to, SEQUENCE_TENSOR_VALUES);
        qn_onnx_put_tensor(to, &items[i], NULL);
        qn_pb_end(to, begun);
    }
}

static void put_value(qn_buf *to, const qn_tensor *value)
{
    if (value->kind == QN_SEQUENCE)
        put_sequence(to, value);
    else
        qn_onnx_put_tensor(to, value, NULL);
}

quern_status qn_onnx_value_write(qn_buf *to, const qn_tensor *value, bool is_optional,
                                 quern_error *err)
{
    bool sequence = value->kind == QN_SEQUENCE;
    if (!is_optional && value->kind == QN_NONE)
        return qn_fail(err, QUERN_INVALID, "only an optional can be without a value");
    if (!is_optional) {
        put_value(to, value);
        return qn_buf_status(to, err);
    }
    qn_pb_put_varint(to, OPTIONAL_ELEM_TYPE, sequence ? ELEM_SEQUENCE : ELEM_TENSOR);
    if (value->kind != QN_NONE) {
        size_t begun =
            qn_pb_begin(to, sequence ? OPTIONAL_SEQUENCE_VALUE : OPTIONAL_TENSOR_VALUE);
        put_value(to, value);
        qn_pb_end(to, begun);
    }
    return qn_buf_status(to, err);
}
