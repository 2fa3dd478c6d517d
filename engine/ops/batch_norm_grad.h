/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_norm_grad.h - the gradient node of a batch normalisation. */
#ifndef QN_ENGINE_OPS_BATCH_NORM_GRAD_H
#define QN_ENGINE_OPS_BATCH_NORM_GRAD_H

#include "engine/grad.h"

typedef struct qn_batch_grad {
    qn_value *mean, *var; /* that Y was made with */
    float epsilon;
    bool is_frozen; /* they do not depend on X */
} qn_batch_grad;

/* Adds to the gradients of in[0 .. 2], X, scale and bias, of node. */
quern_status qn_grad_batch_norm(qn_grad *g, const qn_node *node,
                                const qn_batch_grad *how, quern_error *err);

/* The activation behind a normalisation as all layouts know it, from the name and the
 * parameters of its gradient's function; false: they do not. */
bool qn_batch_norm_act(const char *function, const float p[2], qn_act *act);

#endif
