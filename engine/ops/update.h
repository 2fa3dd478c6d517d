/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/update.h - what the rows of optimizers share: their inputs, and the
 * numbers of a step. */
#ifndef QN_ENGINE_OPS_UPDATE_H
#define QN_ENGINE_OPS_UPDATE_H

#include "engine/hyper.h"
#include "engine/op.h"
#include "kernels/optimizers.h"

/* After the moments may come the norm of the whole gradient, squared. */
enum { QN_UPDATE_W = 1, QN_UPDATE_G, QN_UPDATE_M };

typedef struct qn_update_params {
    float rate, decay; /* of this tensor, times the step's */
} qn_update_params;

extern const qn_attr qn_update_attrs[];

quern_status qn_update_infer(const qn_infer *x, quern_error *err);
/* The numbers of this step; false: gradients are being accumulated, nothing moves. */
bool qn_update_read(const qn_instr *i, qn_update *u);

#endif
