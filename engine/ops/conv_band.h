/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_band.h - a 1x1 convolution and the depthwise one that alone reads it
 * as one instruction: the first writes a band of rows into scratch, the second reads it
 * there, so that what lies between them, the largest tensor of an inverted residual
 * block (Sandler et al. 2018, arXiv:1801.04381), never leaves the second-level cache.
 * A 1x1 convolution behind the depthwise one, the block's projection, takes in both, or
 * that one alone, in the same way, if all channels fit a band.
 *
 * A band keeps the rows that the next one needs, too.  Bits are those of one after the
 * other. */
#ifndef QN_ENGINE_OPS_CONV_BAND_H
#define QN_ENGINE_OPS_CONV_BAND_H

#include "engine/op.h"

/* Hook takes_feeder of row Conv. */
bool qn_conv_takes_feeder(const qn_instr *i, const qn_instr *feeder,
                          const qn_join *how);
quern_status qn_conv_band_prepare(qn_prep *p, quern_error *err);
void qn_conv_band_run(const qn_instr *i, const qn_exec *x);

#endif
