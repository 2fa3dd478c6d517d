/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/seeds.h - from where pixels end to labels: ends pile up in the middle of
 * cells, a peak of the pile is the seed of a cell. */
#ifndef QN_ENGINE_CELLS_SEEDS_H
#define QN_ENGINE_CELLS_SEEDS_H

#include "engine/cells/labels.h"

/* The pixels that took part, as indices into the picture. */
typedef struct qn_endings {
    size_t n;
    uint32_t *start, *end; /* [n] */
} qn_endings;

/* labels is all background; pixels whose end lies near a seed get its number, 1..*n in
 * the order of rising peaks; some numbers may have no pixel. */
quern_status qn_seeds_labels(const qn_endings *ends, qn_labels *labels, qn_arena *arena,
                             uint32_t *n, quern_error *err);

#endif
