/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_norm.h - a batch normalisation, with ReLU perhaps, and the Winograd
 * convolution that alone reads it as one instruction: tiles are mapped as they are
 * read, padding stays zero, and what lies between the two is never written.  Bits are
 * those of one after the other. */
#ifndef QN_ENGINE_OPS_CONV_NORM_H
#define QN_ENGINE_OPS_CONV_NORM_H

#include "engine/op.h"

/* Part of hook takes_feeder of row Conv. */
bool qn_conv_takes_norm(const qn_instr *i, const qn_instr *feeder, const qn_join *how);
quern_status qn_conv_norm_prepare(qn_prep *p, quern_error *err);
void qn_conv_norm_run(const qn_instr *i, const qn_exec *x);

#endif
