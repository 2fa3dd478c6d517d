/* SPDX-License-Identifier: Apache-2.0 */
/* engine/finish.h - the steps between reading a model and running it. */
#ifndef QN_ENGINE_FINISH_H
#define QN_ENGINE_FINISH_H

#include "engine/model.h"

typedef struct qn_op_count {
    const char *op_type, *domain;
    int64_t n;
} qn_op_count;

/* Nodes of a graph and of all its subgraphs. */
int64_t qn_graph_total_nodes(const qn_graph *g);

/* Calls visit for every node of a graph and, after it, of its subgraphs, in order;
 * visit may insert nodes and remove the one it is given. */
typedef quern_status qn_visit_fn(qn_node *node, void *ctx, quern_error *err);
quern_status qn_graph_walk(qn_graph *g, qn_visit_fn *visit, void *ctx,
                           quern_error *err);

/* Lowers and binds every node of a graph that has no row yet, and of its subgraphs. */
quern_status qn_bind_graph(quern_model *model, qn_graph *g, quern_error *err);

/* After a graph of bound nodes was added to: passes for the model's purpose, checks,
 * numbers for the planner. */
quern_status qn_model_rework(quern_model *model, quern_error *err);

/* missing.c: notes that a node needs something that quern lacks. */
quern_status qn_missing_add(quern_model *model, const qn_node *node, const char *reason,
                            quern_error *err);
/* One sentence over all that is missing; QUERN_OK if nothing is. */
quern_status qn_missing_report(const quern_model *model, quern_error *err);

/* inline.c: replaces calls of model-local functions by their bodies, innermost last.
 * Nodes that have a row are left alone. */
quern_status qn_inline_functions(quern_model *model, quern_error *err);
/* Copies the nodes of body into g before `before`.  map gives what stands for each
 * value of body, by body->values index (set ids first): filled for its inputs and
 * captures, completed here.  call supplies attributes that the body refers to; NULL if
 * none. */
quern_status qn_graph_splice(qn_graph *g, qn_node *before, const qn_graph *body,
                             qn_value **map, const qn_node *call,
                             const qn_function *function, quern_error *err);

#endif
