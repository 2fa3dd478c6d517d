/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/transpose_blocked.h - Transpose between a blocked [N,C,H,W] and a plain
 * [N,H,W,C]: eight channels lie side by side in both, so no order is turned. */
#ifndef QN_ENGINE_OPS_TRANSPOSE_BLOCKED_H
#define QN_ENGINE_OPS_TRANSPOSE_BLOCKED_H

#include "engine/op.h"

/* perm [4] as the row has it. */
bool qn_transpose_can_block(const qn_instr *i, const int64_t *perm, qn_blocked *how);
void qn_transpose_blocked_run(const qn_instr *i, const qn_exec *x);

#endif
