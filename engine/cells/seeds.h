/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/seeds.h - from where pixels end to labels: ends pile up in the middle of
 * cells, a peak of the pile is the seed of a cell. */
#ifndef QN_ENGINE_CELLS_SEEDS_H
#define QN_ENGINE_CELLS_SEEDS_H

#include "engine/cells/labels.h"

/* Each pixel of ends holds the index of the pixel where it ended, plus 1, or 0 if it
 * takes no part.  It becomes its label: the number of the seed that it ended
 * near, 1..*n in the order of rising peaks, or 0.  Some numbers may have no pixel. */
quern_status qn_seeds_labels(qn_labels *ends, qn_arena *arena, uint32_t *n,
                             quern_error *err);

#endif
