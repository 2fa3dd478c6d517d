/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_tensor.h - TensorProto and SparseTensorProto into dense tensors. */
#ifndef QN_FORMATS_ONNX_TENSOR_H
#define QN_FORMATS_ONNX_TENSOR_H

#include "engine/tensor.h"
#include "formats/onnx_external.h"
#include "formats/protobuf.h"

/* When the data may be used where it lies in the message. */
typedef enum qn_onnx_place {
    QN_ONNX_COPY,    /* never: the message's bytes go before the arena does */
    QN_ONNX_ALIGNED, /* where their address suits the element type */
    QN_ONNX_LAZY     /* from QN_LAZY_BYTES on at any address: constants of a graph */
} qn_onnx_place;

/* Where tensors go. */
typedef struct qn_onnx_sink {
    qn_arena *arena; /* what is not used as it lies is copied here */
    qn_onnx_place place;
    qn_external *external; /* NULL: external data is refused */
} qn_onnx_sink;

/* The name is a part of the message; it may be NULL. */
quern_status qn_onnx_tensor(const qn_onnx_sink *sink, qn_span message, qn_tensor *out,
                            qn_span *name, quern_error *err);
/* Made dense.  The name is that of its values. */
quern_status qn_onnx_sparse(const qn_onnx_sink *sink, qn_span message, qn_tensor *out,
                            qn_span *name, quern_error *err);

#endif
