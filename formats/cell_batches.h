/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cell_batches.h - what a network of Cellpose's kind is fed while it learns:
 * windows of pictures brought to one size of cells, turned, mirrored, lit otherwise,
 * and the flows that follow from the labels as they lie then.
 *
 * Labels are moved first and flows computed from them, over a margin so that cells cut
 * by the window keep their middle: any angle and scale has exact flows. */
#ifndef QN_FORMATS_CELL_BATCHES_H
#define QN_FORMATS_CELL_BATCHES_H

#include "engine/batches.h"
#include "formats/cell_set.h"

typedef struct qn_cell_batches_options {
    const qn_cell_set *set;
    int64_t batch, crop; /* windows at once; their side in pixels, a multiple of 8 */
    double diameter;     /* of cells, as the network is to see them */
    uint64_t seed;
} qn_cell_batches_options;

/* Batches of the items to train by: pixels are floats [n][2][crop][crop], targets
 * [n][3][crop][crop], weights 1.  The set must outlive them. */
quern_status qn_cell_batches(qn_mem *mem, const qn_cell_batches_options *opt,
                             qn_batches **out, quern_error *err);

/* A window as it is, from the middle of an item: planes [2][side][side] normalised, and
 * labels.  Both lie in the arena. */
quern_status qn_cell_view(const qn_cell_item *item, double diameter, int64_t side,
                          qn_arena *arena, float **planes, qn_labels *labels,
                          quern_error *err);

#endif
