/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_write.c - tensors, types and small entries as protobuf messages. */
#include "formats/onnx_write.h"
#include "formats/onnx_fields.h"

#include <string.h>

/* Elements of 4 or 2 bits, low bits first; odd counts end in zero bits. */
static void pack(const uint8_t *from, uint8_t *to, int64_t n, unsigned bits)
{
    unsigned per_byte = 8 / bits, mask = (1u << bits) - 1;
    for (int64_t i = 0; i < n; i++) {
        unsigned at = (unsigned)(i % per_byte) * bits;
        unsigned before = at ? to[i / per_byte] : 0;
        to[i / per_byte] = (uint8_t)(before | (from[i] & mask) << at);
    }
}

void qn_onnx_put_tensor(qn_buf *to, const qn_tensor *t, const char *name)
{
    int64_t n = qn_tensor_count(t);
    unsigned bits = (unsigned)qn_dtype_bits(t->dtype);
    for (int d = 0; d < t->rank; d++)
        qn_pb_put_varint(to, TENSOR_DIMS, (uint64_t)t->dim[d]);
    qn_pb_put_varint(to, TENSOR_DATA_TYPE, (uint64_t)t->dtype);
    if (name) qn_pb_put_text(to, TENSOR_NAME, name);
    if (t->dtype == QUERN_STRING) {
        const qn_str *s = t->data;
        for (int64_t i = 0; i < n; i++)
            qn_pb_put_bytes(to, TENSOR_STRING_DATA, s[i].p, s[i].n);
    } else if (bits < 8) {
        size_t bytes = ((size_t)n * bits + 7) / 8;
        uint8_t *packed = qn_pb_put_room(to, TENSOR_RAW_DATA, bytes);
        if (packed) pack(t->data, packed, n, bits);
    } else {
        qn_pb_put_bytes(to, TENSOR_RAW_DATA, t->data, qn_tensor_bytes(t));
    }
}

static void put_shape(qn_buf *to, const qn_value *v)
{
    size_t shape = qn_pb_begin(to, TYPE_SHAPE);
    for (int d = 0; d < v->rank; d++) {
        size_t dim = qn_pb_begin(to, SHAPE_DIM);
        if (v->symbol[d])
            qn_pb_put_text(to, DIM_PARAM, v->symbol[d]);
        else if (v->dim[d] >= 0)
            qn_pb_put_varint(to, DIM_VALUE, (uint64_t)v->dim[d]);
        qn_pb_end(to, dim);
    }
    qn_pb_end(to, shape);
}

static void put_tensor_type(qn_buf *to, const qn_value *v)
{
    size_t type = qn_pb_begin(to, TYPE_TENSOR);
    qn_pb_put_varint(to, TYPE_ELEM_TYPE, (uint64_t)v->dtype);
    if (v->rank >= 0) put_shape(to, v);
    qn_pb_end(to, type);
}

void qn_onnx_put_value_info(qn_buf *to, const qn_value *v, const char *name)
{
    size_t wrapper[2], inner[2];
    uint32_t wrappers[2];
    int n = 0;
    if (v->is_optional) wrappers[n++] = TYPE_OPTIONAL;
    if (v->kind == QN_SEQUENCE) wrappers[n++] = TYPE_SEQUENCE;
    qn_pb_put_text(to, INFO_NAME, name);
    if (v->dtype == QUERN_UNDEFINED) return; /* nothing is known */
    size_t type = qn_pb_begin(to, INFO_TYPE);
    for (int i = 0; i < n; i++) {
        wrapper[i] = qn_pb_begin(to, wrappers[i]);
        inner[i] = qn_pb_begin(to, TYPE_ELEM_TYPE);
    }
    put_tensor_type(to, v);
    while (n-- > 0) {
        qn_pb_end(to, inner[n]);
        qn_pb_end(to, wrapper[n]);
    }
    qn_pb_end(to, type);
}

void qn_onnx_put_pair(qn_buf *to, const char *key, const char *value)
{
    qn_pb_put_text(to, ENTRY_KEY, key);
    qn_pb_put_text(to, ENTRY_VALUE, value);
}

void qn_onnx_put_opset(qn_buf *to, const char *domain, int64_t version)
{
    qn_pb_put_text(to, OPSET_DOMAIN, domain);
    qn_pb_put_varint(to, OPSET_VERSION, (uint64_t)version);
}
