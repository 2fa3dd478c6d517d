/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/unary_grad.h - the gradient node of a function of one operand. */
#ifndef QN_ENGINE_OPS_UNARY_GRAD_H
#define QN_ENGINE_OPS_UNARY_GRAD_H

#include "engine/grad.h"
#include "kernels/elementwise.h"

/* Adds to the gradient of in[0] of node, which computes op with parameters a and b: one
 * UnaryGrad, or nothing if the function is flat. */
quern_status qn_grad_unary(qn_grad *g, const qn_node *node, enum qn_unary_op op,
                           float a, float b, quern_error *err);
/* The function of that name, as UnaryGrad's attribute has it; -1: none. */
int qn_unary_grad_named(const char *name);
/* The name and parameters of a bound UnaryGrad. */
const char *qn_unary_grad_function(const qn_node *node, float p[2]);

#endif
