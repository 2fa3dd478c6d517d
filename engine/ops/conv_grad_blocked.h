/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_grad_blocked.h - gradients of convolutions in the blocked layout. */
#ifndef QN_ENGINE_OPS_CONV_GRAD_BLOCKED_H
#define QN_ENGINE_OPS_CONV_GRAD_BLOCKED_H

#include "engine/op.h"

bool qn_conv_grad_x_blocked(const qn_instr *i, qn_blocked *how);
quern_status qn_conv_grad_x_blocked_prepare(qn_prep *p, quern_error *err);
void qn_conv_grad_x_blocked_run(const qn_instr *i, const qn_exec *x);

bool qn_conv_grad_w_blocked(const qn_instr *i, qn_blocked *how);
quern_status qn_conv_grad_w_blocked_prepare(qn_prep *p, quern_error *err);
void qn_conv_grad_w_blocked_run(const qn_instr *i, const qn_exec *x);

#endif
