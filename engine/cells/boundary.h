/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/boundary.h - how well the boundaries of cells agree. */
#ifndef QN_ENGINE_CELLS_BOUNDARY_H
#define QN_ENGINE_CELLS_BOUNDARY_H

#include "engine/cells/agreement.h"

/* Fills the counts of edges: pixels at most reach from a boundary of both pictures, of
 * the predicted one only, of the true one only. */
quern_status qn_boundaries_agree(const qn_labels *truth, const qn_labels *predicted,
                                 double reach, qn_arena *arena, qn_agreement *out,
                                 quern_error *err);

#endif
