/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/flows.h - fields of flow: in every pixel of a cell a vector towards the
 * cell's middle.  A network predicts them, and labels have them, too: heat spreads from
 * the middle of a cell inside its bounds, and its gradient is the flow (Stringer et al.
 * 2021, with the numbers of Cellpose 3.1: the same bits in double).
 *
 * Bits do not depend on the pool's threads; pool NULL is one thread. */
#ifndef QN_ENGINE_CELLS_FLOWS_H
#define QN_ENGINE_CELLS_FLOWS_H

#include "engine/cells/labels.h"
#include "engine/pool.h"

#define QN_FLOW_SCALE 5.0f /* what a network gives for a flow of length 1 */

/* What a network says of a picture: planes [height][width]. */
typedef struct qn_flow_field {
    int64_t height, width;
    const float *dy, *dx; /* flow times QN_FLOW_SCALE; what is not finite counts as 0 */
    const float *prob;    /* logit of being in a cell; NaN: it is not */
} qn_flow_field;

/* The flows of labels 1..n: unit vectors, 0 outside cells and where no heat arrives
 * (parts that do not touch the one with the middle).  dy, dx: [height][width], not
 * scaled.  scratch is used and not reset. */
quern_status qn_labels_flows(const qn_labels *labels, uint32_t n, qn_pool *pool,
                             qn_arena *scratch, float *dy, float *dx, quern_error *err);

/* How far a field is from the flows that the labels have: for each label the mean over
 * its pixels of the squared distance, unit flows.  error [n + 1]; 0 for index 0 and for
 * labels without pixels. */
quern_status qn_labels_flow_error(const qn_labels *labels, uint32_t n,
                                  const qn_flow_field *field, qn_pool *pool,
                                  qn_arena *scratch, double *error, quern_error *err);

#endif
