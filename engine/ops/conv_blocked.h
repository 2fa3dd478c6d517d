/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_blocked.h - convolution in the blocked layout: the hooks of row Conv.
 */
#ifndef QN_ENGINE_OPS_CONV_BLOCKED_H
#define QN_ENGINE_OPS_CONV_BLOCKED_H

#include "engine/ops/conv_way.h"

/* The input of a Winograd convolution, and the residual of any but a depthwise one. */
uint32_t qn_conv_halves(const qn_instr *i);
/* A 1x1 convolution of a map of more pixels than it makes channels. */
bool qn_conv_gates(const qn_instr *i);
bool qn_conv_blocked(const qn_instr *i, qn_blocked *how);
/* Slot, geometry and planes without data; false if it cannot run blocked. */
bool qn_conv_blocked_way(const qn_instr *i, qn_conv_way *w);
/* The same made ready to run, in w. */
quern_status qn_conv_blocked_prepare_way(qn_prep *p, qn_conv_way *w, quern_error *err);
quern_status qn_conv_blocked_prepare(qn_prep *p, quern_error *err);
quern_status qn_conv_blocked_run(const qn_instr *i, const qn_exec *x);

#endif
