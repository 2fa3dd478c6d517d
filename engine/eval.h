/* SPDX-License-Identifier: Apache-2.0 */
/* engine/eval.h - shapes and values of single nodes. */
#ifndef QN_ENGINE_EVAL_H
#define QN_ENGINE_EVAL_H

#include "engine/plan.h"

/* Fails with QUERN_UNSUPPORTED if an input's element type is not in the row's set. */
quern_status qn_check_types(const qn_node *node, const qn_tensor *const *in,
                            quern_error *err);
/* Sets the element types of outputs by the row's rule. */
void qn_preset_dtypes(const qn_node *node, const qn_tensor *const *in,
                      qn_tensor *const *out);
/* Types and shapes of the outputs; QN_DEFER when they depend on a value not known yet.
 * Shapes are checked against overflow, except of QN_OP_DYNAMIC rows. */
quern_status qn_infer_node(const qn_node *node, const qn_tensor *const *in,
                           qn_tensor *const *out, quern_error *err);
/* Runs one node now.  in[i] NULL: absent; all others hold data.  out[i] NULL: not asked
 * for.  Outputs, state and scratch come from x->arena. */
quern_status qn_eval(const qn_node *node, const qn_tensor **in, qn_tensor **out,
                     const qn_exec *x, quern_error *err);

#endif
