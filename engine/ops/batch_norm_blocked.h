/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_norm_blocked.h - inference BatchNormalization in the blocked layout:
 * a depthwise convolution of one tap. */
#ifndef QN_ENGINE_OPS_BATCH_NORM_BLOCKED_H
#define QN_ENGINE_OPS_BATCH_NORM_BLOCKED_H

#include "engine/op.h"

bool qn_batch_norm_blocked(const qn_instr *i, qn_blocked *how);
quern_status qn_batch_norm_blocked_prepare(qn_prep *p, float epsilon, quern_error *err);
quern_status qn_batch_norm_blocked_run(const qn_instr *i, const qn_exec *x);

#endif
