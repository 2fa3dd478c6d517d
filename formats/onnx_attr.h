/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_attr.h - AttributeProto. */
#ifndef QN_FORMATS_ONNX_ATTR_H
#define QN_FORMATS_ONNX_ATTR_H

#include "formats/onnx_graph.h"

/* Outer values that the subgraphs of a node capture, in the order of its attributes. */
typedef struct qn_onnx_captures {
    qn_value **v;
    int n, cap;
} qn_onnx_captures;

/* captures NULL: no subgraph is allowed here. */
quern_status qn_onnx_attribute(qn_onnx_graph *x, qn_span message, qn_attr_value *out,
                               qn_onnx_captures *captures, quern_error *err);

#endif
