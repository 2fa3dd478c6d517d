/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_norm_blocked.h - inference BatchNormalization in the blocked layout:
 * a depthwise convolution of one tap, or something that the convolution behind it does
 * as it reads.
 *
 * A residual, [N,C,1,1], is one number a channel of each image that is added to X. */
#ifndef QN_ENGINE_OPS_BATCH_NORM_BLOCKED_H
#define QN_ENGINE_OPS_BATCH_NORM_BLOCKED_H

#include "engine/op.h"

bool qn_batch_norm_blocked(const qn_instr *i, qn_blocked *how);
quern_status qn_batch_norm_blocked_prepare(qn_prep *p, quern_error *err);
quern_status qn_batch_norm_blocked_run(const qn_instr *i, const qn_exec *x);

/* Y = act(X scale + shift); in memory of the plan. */
quern_status qn_batch_norm_ahead(qn_prep *p, qn_ahead8c *ahead, quern_error *err);
/* Floats that qn_batch_norm_set_residual needs; 0 where there is no residual. */
size_t qn_batch_norm_shifts(const qn_instr *i);
/* The shifts of each image, of which the residual is a part now, into shifts. */
void qn_batch_norm_set_residual(const qn_instr *i, qn_ahead8c *ahead, float *shifts);

#endif
