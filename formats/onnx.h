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

/* A raw model: the graph as the file has it, in topological order, with its own
 * operator forms, attributes and names; nothing is lowered, bound or simplified, so it
 * cannot run.  Inputs with a default are initializers unless keep_overridable is set.
 * The model may be edited by engine/graph.h (nodes that are added take the opset of
 * qn_model_opset) and written by qn_onnx_write, external data inline. Documentation,
 * types of values inside and the layout of sparse tensors are not kept. */
quern_status qn_onnx_open_raw(const char *path, const quern_model_options *opt,
                              quern_model **out, quern_error *err);
/* The same from bytes, which are copied. */
quern_status qn_onnx_parse_raw(const void *bytes, size_t n,
                               const quern_model_options *opt, quern_model **out,
                               quern_error *err);

/* A tensor file (.pb) does not tell what it holds: info, the input or output that it is
 * for, says TensorProto, SequenceProto or OptionalProto.  All goes to the arena. */
quern_status qn_onnx_value_parse(qn_arena *arena, const void *bytes, size_t n,
                                 const quern_info *info, qn_tensor *out,
                                 quern_error *err);
quern_status qn_onnx_value_load(qn_arena *arena, const char *path,
                                const quern_info *info, qn_tensor *out,
                                quern_error *err);

/* The same as bytes; is_optional wraps it into an OptionalProto.  QN_NONE is an
 * OptionalProto without a value. */
quern_status qn_onnx_value_write(qn_buf *to, const qn_tensor *value, bool is_optional,
                                 quern_error *err);
/* ModelProto, 2 GB at most.  Values made by passes get names; a node with a fused
 * activation cannot be written, so open the model raw or with disable_passes "all". */
quern_status qn_onnx_write(qn_buf *to, const quern_model *model, quern_error *err);
/* The same into a file, whole or not at all. */
quern_status qn_onnx_save(const quern_model *model, const char *path, quern_error *err);

#endif
