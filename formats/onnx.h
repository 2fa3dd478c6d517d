/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx.h - ONNX models and the tensor files that go with them, read and
 * written. */
#ifndef QN_FORMATS_ONNX_H
#define QN_FORMATS_ONNX_H

#include "engine/model.h"
#include "formats/onnx_external.h"
#include "formats/protobuf.h"

/* ModelProto into an empty model.  The bytes must live as long as the model: tensors
 * are used as they lie where their alignment allows. */
quern_status qn_onnx_read(quern_model *model, qn_span bytes, qn_external *external,
                          quern_error *err);

/* What a tensor file (.pb) is said to hold; the file itself does not tell. */
typedef struct qn_onnx_expected {
    uint8_t kind;      /* QN_TENSOR or QN_SEQUENCE */
    bool is_optional;  /* OptionalProto around it */
    quern_dtype dtype; /* of the items of an empty sequence */
} qn_onnx_expected;

/* TensorProto, SequenceProto or OptionalProto, copied to the arena. */
quern_status qn_onnx_value_parse(const void *bytes, size_t n,
                                 const qn_onnx_expected *expected, qn_arena *arena,
                                 qn_tensor *out, quern_error *err);

#endif
