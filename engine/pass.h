/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pass.h - rewrites of a graph that keep what it computes.  Each is one file in
 * passes/ and one row of passes.def, idempotent, and can be switched off by name. */
#ifndef QN_ENGINE_PASS_H
#define QN_ENGINE_PASS_H

#include "engine/model.h"

enum qn_pass_flags {
    QN_PASS_FUSES = 1 /* not before differentiation: its result has no gradient */
};

/* n_changed counts rewrites; it is added to. */
typedef quern_status qn_pass_fn(quern_model *model, qn_graph *g, int *n_changed,
                                quern_error *err);

typedef struct qn_pass {
    const char *name;
    qn_pass_fn *run; /* on one graph; subgraphs are visited by the pass manager; NULL:
                      * done while planning */
    unsigned flags;
} qn_pass;

/* Runs the rows in order, on the main graph and all subgraphs, until none changes
 * anything. */
quern_status qn_passes_run(quern_model *model, quern_error *err);

/* Whether the model was opened with it; also those done while planning. */
bool qn_pass_is_on(const quern_model *model, const char *name);

/* Shared by passes.  The constant behind input i, or NULL; parameters are none. */
const qn_tensor *qn_const_input(const qn_node *node, int i);
/* Is input i the constant c, one element that brings no dims along? */
bool qn_input_is(const qn_node *node, int i, double c);
/* True if the shape is known for good. */
bool qn_value_has_shape(const qn_value *v);
bool qn_value_same_shape(const qn_value *a, const qn_value *b);
/* Bound to the ai.onnx row of that name. */
bool qn_node_is(const qn_node *node, const char *name);
/* The only node that reads v, if there is one and v is no graph output; needs counts.
 */
qn_node *qn_only_use(const qn_graph *g, const qn_value *v);
bool qn_is_graph_output(const qn_graph *g, const qn_value *v);
/* Is a list of ints that one throughout?  An absent one is. */
bool qn_ints_are(const qn_node *node, const char *name, int64_t wanted);
/* Conv, MaxPool and the like: no padding, neither given nor by auto_pad. */
bool qn_is_unpadded(const qn_node *node);
/* A Conv by known weights that makes each pixel of the one in its place. */
bool qn_is_pixel_conv(const qn_node *node);

#endif
