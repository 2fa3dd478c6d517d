/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_node.h - NodeProto. */
#ifndef QN_FORMATS_ONNX_NODE_H
#define QN_FORMATS_ONNX_NODE_H

#include "formats/onnx_graph.h"

/* First walk: makes the values that the node produces. */
quern_status qn_onnx_define_outputs(qn_onnx_graph *x, qn_span message,
                                    quern_error *err);
/* Second walk: the node with its inputs, attributes and subgraphs, at the end. */
quern_status qn_onnx_node(qn_onnx_graph *x, qn_span message, quern_error *err);

#endif
