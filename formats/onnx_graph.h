/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_graph.h - GraphProto and FunctionProto into graphs.
 *
 * The message is walked several times: all names of a graph are defined before any node
 * is read, for nodes need not be sorted and fields may come in any order. */
#ifndef QN_FORMATS_ONNX_GRAPH_H
#define QN_FORMATS_ONNX_GRAPH_H

#include "engine/model.h"
#include "formats/onnx_scope.h"
#include "formats/onnx_tensor.h"

#define QN_ONNX_MAX_DEPTH 16 /* of subgraphs in subgraphs */

typedef struct qn_onnx_reader {
    quern_model *model;
    qn_onnx_sink sink;
    const qn_opset *opsets; /* of the model, or of the function being read */
    int n_opsets;
    bool in_function; /* attributes may refer to those of the call */
} qn_onnx_reader;

/* One graph while it is read. */
typedef struct qn_onnx_graph {
    qn_onnx_reader *r;
    qn_scope scope;
    qn_graph *graph;
    int depth;             /* 0: the main graph or the body of a function */
    int n_nodes;           /* seen by the walk that runs */
    bool is_constant_node; /* the node being read is a Constant */
} qn_onnx_graph;

quern_status qn_onnx_main_graph(qn_onnx_reader *r, qn_span message, quern_error *err);
/* The body of a subgraph attribute, with room for its captures' outer values. */
quern_status qn_onnx_subgraph(qn_onnx_graph *outer, qn_span message, qn_graph **out,
                              qn_value ***captured, quern_error *err);
/* Reads opset_import, too. */
quern_status qn_onnx_function(qn_onnx_reader *r, qn_span message, qn_function *out,
                              quern_error *err);
/* OperatorSetIdProto. */
quern_status qn_onnx_opset(qn_arena *arena, qn_span message, qn_opset *out,
                           quern_error *err);

#endif
