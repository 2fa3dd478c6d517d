/* SPDX-License-Identifier: Apache-2.0 */
/* engine/grad.h - reverse-mode differentiation as a rewrite of the graph.
 *
 * qn_grad_build walks the nodes from the loss backwards.  For every node on a path from
 * a wanted value to the loss it calls the row's grad, which appends ordinary nodes that
 * compute the gradients of the node's inputs from those of its outputs, and hands them
 * over with qn_grad_add.  Several contributions to one value are added.  The result is
 * a graph like any other: passes, planner and executor know nothing of gradients.
 *
 * Training fixes the batch size, so every shape is known while differentiating
 * (node->in[i]->dim), also those of the nodes that a row emits. */
#ifndef QN_ENGINE_GRAD_H
#define QN_ENGINE_GRAD_H

#include "engine/model.h"

/* Domain of the rows that exist for training: not ONNX, never written to a file. */
#define QN_DOMAIN "quern"

/* Gradients of loss (one element) with respect to wrt[0 .. n): grads[i] is NULL where
 * the loss does not depend on wrt[i].  QUERN_UNSUPPORTED names every node on the way
 * whose row has no gradient. */
quern_status qn_grad_build(quern_model *model, qn_value *loss, qn_value *const *wrt,
                           int n, qn_value **grads, quern_error *err);

/* ---- for the grad function of a row ---- */

/* The gradient of output i of node, or NULL when the loss does not depend on it. */
qn_value *qn_grad_of(const qn_grad *g, const qn_node *node, int i);
/* Whether the gradient of input i is wanted; saves work, never needed for rightness. */
bool qn_grad_wants(const qn_grad *g, const qn_node *node, int i);
/* Adds d to the gradient of input i; ignored when it is not wanted.  d NULL: nothing.
 */
quern_status qn_grad_add(qn_grad *g, const qn_node *node, int i, qn_value *d,
                         quern_error *err);

/* Makes a node of ai.onnx (domain "") or of training (QN_DOMAIN) that is not in the
 * graph yet: NULL entries of in are absent inputs.  Give it attributes (qn_node_set_int
 * ..., qn_grad_copy_attrs), then qn_grad_append binds it and infers its shapes. */
quern_status qn_grad_node(qn_grad *g, const char *domain, const char *op_type, int n_in,
                          qn_value *const *in, int n_out, qn_node **out,
                          quern_error *err);
/* Its outputs are node->out[0 .. n_out). */
quern_status qn_grad_append(qn_grad *g, qn_node *node, quern_error *err);
/* Both at once, for nodes with one output and no attributes: a line of a formula. */
quern_status qn_grad_emit(qn_grad *g, const char *domain, const char *op_type, int n_in,
                          qn_value *const *in, qn_value **out, quern_error *err);
quern_status qn_grad_1(qn_grad *g, const char *op_type, qn_value *a, qn_value **out,
                       quern_error *err);
quern_status qn_grad_2(qn_grad *g, const char *op_type, qn_value *a, qn_value *b,
                       qn_value **out, quern_error *err);
/* d summed over the dims along which `like` was broadcast to d's shape. */
quern_status qn_grad_sum_to(qn_grad *g, qn_value *d, qn_value *like, qn_value **out,
                            quern_error *err);
/* d with the shape of `like`. */
quern_status qn_grad_reshape_like(qn_grad *g, qn_value *d, qn_value *like,
                                  qn_value **out, quern_error *err);
/* A constant scalar of the element type of `like`. */
quern_status qn_grad_scalar(qn_grad *g, double x, const qn_value *like, qn_value **out,
                            quern_error *err);
/* A constant int64 tensor of rank 1. */
quern_status qn_grad_ints(qn_grad *g, int64_t n, const int64_t *v, qn_value **out,
                          quern_error *err);
/* Memory for the time of the walk. */
qn_arena *qn_grad_room(qn_grad *g);
/* Copies the attributes of a node (strides, pads, group, ...) to another. */
quern_status qn_grad_copy_attrs(const qn_node *from, qn_node *to, quern_error *err);

#endif
