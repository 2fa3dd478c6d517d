/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pool_band.h - the convolution of a plain image and the greatest of windows
 * that alone reads it as one instruction: a band of rows of the convolution stands in
 * scratch, in the second-level cache, and the map between the two, the largest of many
 * a network, is never a whole.
 *
 * A band keeps the rows that the next one needs, too.  Bits are those of one after the
 * other. */
#ifndef QN_ENGINE_OPS_POOL_BAND_H
#define QN_ENGINE_OPS_POOL_BAND_H

#include "engine/op.h"

/* Hook takes_feeder of row MaxPool. */
bool qn_pool_takes_feeder(const qn_instr *i, const qn_instr *feeder,
                          const qn_join *how);
quern_status qn_pool_band_prepare(qn_prep *p, quern_error *err);
void qn_pool_band_run(const qn_instr *i, const qn_exec *x);

#endif
