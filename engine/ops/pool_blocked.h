/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pool_blocked.h - pooling in the blocked layout: hooks of MaxPool,
 * AveragePool, their global forms and their gradients. */
#ifndef QN_ENGINE_OPS_POOL_BLOCKED_H
#define QN_ENGINE_OPS_POOL_BLOCKED_H

#include "engine/op.h"
#include "kernels/blocked.h"
#include "kernels/window.h"

/* The window that is the whole plane of x [N,C,H,W]. */
qn_window qn_plane_window(const qn_tensor *x);

/* The geometry of a window of rank 2. */
void qn_pool8c_window(qn_pool8c *p, const qn_window *w);

bool qn_pool_blocked(const qn_instr *i, qn_blocked *how);
quern_status qn_pool_blocked_run(const qn_instr *i, const qn_exec *x,
                                 const qn_window *w, bool mean, bool count_pad);
quern_status qn_mean_blocked_run(const qn_instr *i, const qn_exec *x);

/* The ways back: in dY, X and, of the greatest, Y. */
bool qn_pool_grad_blocked(const qn_instr *i, qn_blocked *how);
quern_status qn_pool_grad_blocked_run(const qn_instr *i, const qn_exec *x,
                                      const qn_window *w, bool count_pad);

#endif
