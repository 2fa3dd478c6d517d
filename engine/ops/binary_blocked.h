/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/binary_blocked.h - operands of one shape, and a factor for each channel,
 * in the blocked layout: hooks of the two-operand rows. */
#ifndef QN_ENGINE_OPS_BINARY_BLOCKED_H
#define QN_ENGINE_OPS_BINARY_BLOCKED_H

#include "engine/op.h"
#include "kernels/elementwise.h"

bool qn_binary_blocked(const qn_instr *i, qn_blocked *how);
/* fn: the row's kernel for float32. */
quern_status qn_binary_blocked_run(const qn_instr *i, const qn_exec *x,
                                   qn_binary_fn *fn);

#endif
