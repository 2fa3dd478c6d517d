/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pool_grad.h - grad of the rows of pooling. */
#ifndef QN_ENGINE_OPS_POOL_GRAD_H
#define QN_ENGINE_OPS_POOL_GRAD_H

#include "engine/grad.h"

quern_status qn_max_pool_grad(qn_grad *g, const qn_node *node, quern_error *err);
quern_status qn_average_pool_grad(qn_grad *g, const qn_node *node, quern_error *err);
quern_status qn_global_max_pool_grad(qn_grad *g, const qn_node *node, quern_error *err);
quern_status qn_global_average_pool_grad(qn_grad *g, const qn_node *node,
                                         quern_error *err);

#endif
