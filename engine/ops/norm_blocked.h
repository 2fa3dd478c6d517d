/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/norm_blocked.h - batch normalisation of training in the blocked layout:
 * hooks of BatchNormTrain, BatchNormGrad and, as it is a part of them, ChannelSum. */
#ifndef QN_ENGINE_OPS_NORM_BLOCKED_H
#define QN_ENGINE_OPS_NORM_BLOCKED_H

#include "engine/op.h"

/* n images are read blocked, in[0] to in[n - 1]; out[0] is written so. */
bool qn_norm_blocked(const qn_instr *i, int n, qn_blocked *how);
/* Asks for the scratch of any of them. */
void qn_norm_blocked_prepare(qn_prep *p);

quern_status qn_norm_train_blocked(const qn_instr *i, const qn_exec *x, float epsilon);

typedef struct qn_norm_grad_how {
    float epsilon;
    bool is_frozen;
    qn_act act;
} qn_norm_grad_how;
quern_status qn_norm_grad_blocked(const qn_instr *i, const qn_exec *x,
                                  const qn_norm_grad_how *how);

bool qn_channel_sum_blocked(const qn_instr *i, qn_blocked *how);
quern_status qn_channel_sum_blocked_run(const qn_instr *i, const qn_exec *x);

#endif
