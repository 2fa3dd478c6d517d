/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_tensor.h - TensorProto and SparseTensorProto into dense tensors. */
#ifndef QN_FORMATS_ONNX_TENSOR_H
#define QN_FORMATS_ONNX_TENSOR_H

#include "engine/tensor.h"
#include "formats/onnx_external.h"
#include "formats/protobuf.h"

/* Where tensors go. */
typedef struct qn_onnx_sink {
    qn_arena *arena;       /* what cannot be used as it lies is copied here */
    bool in_place;         /* the message's bytes live as long as the arena */
    qn_external *external; /* NULL: external data is refused */
} qn_onnx_sink;

/* The name is a part of the message; it may be NULL. */
quern_status qn_onnx_tensor(const qn_onnx_sink *sink, qn_span message, qn_tensor *out,
                            qn_span *name, quern_error *err);
/* Made dense.  The name is that of its values. */
quern_status qn_onnx_sparse(const qn_onnx_sink *sink, qn_span message, qn_tensor *out,
                            qn_span *name, quern_error *err);

#endif
