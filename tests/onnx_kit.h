/* SPDX-License-Identifier: Apache-2.0 */
/* tests/onnx_kit.h - ONNX models in a few lines of text, good ones and bad ones. */
#ifndef QN_TESTS_ONNX_KIT_H
#define QN_TESTS_ONNX_KIT_H

#include "engine/model.h"
#include "formats/onnx_fields.h"
#include "formats/protobuf.h"

/* A model being made: qn_kit_begin, graph fields, qn_kit_end, then model fields. */
typedef struct qn_kit {
    qn_mem mem;
    qn_buf buf; /* the bytes */
    size_t graph;
} qn_kit;

void qn_kit_begin(qn_kit *k, int ir_version, int opset);
void qn_kit_end(qn_kit *k);  /* of the main graph */
void qn_kit_done(qn_kit *k); /* frees */

/* Input, output or value_info (field GRAPH_INPUT ...).  dims: "2 N 3", "" is a scalar,
 * NULL no shape. */
void qn_kit_value(qn_kit *k, uint32_t field, const char *name, quern_dtype dtype,
                  const char *dims);
/* An initializer with raw data. */
void qn_kit_tensor(qn_kit *k, const char *name, quern_dtype dtype, const char *dims,
                   const void *raw, size_t n);
/* The fields of a TensorProto without data. */
void qn_kit_tensor_head(qn_kit *k, const char *name, quern_dtype dtype,
                        const char *dims);
/* "Add a b -> c"; "_" stands for an absent one. */
void qn_kit_node(qn_kit *k, const char *text);
/* The same with attributes: what qn_kit_open returns goes to qn_pb_end. */
size_t qn_kit_open(qn_kit *k, uint32_t field, const char *text);
void qn_kit_int(qn_kit *k, const char *name, int64_t value);
void qn_kit_ints(qn_kit *k, const char *name, const char *values);
void qn_kit_float(qn_kit *k, const char *name, float value);
void qn_kit_string(qn_kit *k, const char *name, const char *value);
void qn_kit_ref(qn_kit *k, const char *name, int kind, const char *of);
/* A graph attribute: qn_kit_graph, graph fields, qn_kit_graph_end. */
typedef struct qn_kit_mark {
    size_t attribute, graph;
} qn_kit_mark;
qn_kit_mark qn_kit_graph(qn_kit *k, const char *name);
void qn_kit_graph_end(qn_kit *k, qn_kit_mark mark);
void qn_kit_opset(qn_kit *k, uint32_t field, const char *domain, int version);
void qn_kit_pair(qn_kit *k, uint32_t field, const char *key, const char *value);

/* Small good models that between them use every message of onnx.proto that is read:
 * seeds for truncation, bit flips and fuzzing. */
int qn_kit_seeds(void);
void qn_kit_seed(qn_kit *k, int i);

/* Opens the bytes and, if that works, runs once on zeros, all within 64 MB and 5000
 * nodes; the status and, in err, the sentence.  Nothing may crash, leak or take long.
 */
quern_status qn_kit_try(const void *bytes, size_t n, quern_error *err);

#endif
