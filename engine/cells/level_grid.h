/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/level_grid.h - levels of blocks of a picture, between which a pixel's
 * own lie. */
#ifndef QN_ENGINE_CELLS_LEVEL_GRID_H
#define QN_ENGINE_CELLS_LEVEL_GRID_H

#include "engine/cells/bilinear.h"
#include "engine/cells/input_planes.h"

struct qn_level_grid {
    int64_t ny, nx;    /* blocks */
    float *low, *high; /* [ny][nx] */
    qn_bilinear y, x;  /* to the picture's size */
};

/* Of planes [from, to), their mean; in->settings->tile_norm: pixels of a block.  *out
 * NULL: there is no contrast. */
quern_status qn_level_grid_find(const qn_input *in, int channel,
                                const int64_t planes[2], qn_arena *arena,
                                qn_arena *scratch, const qn_level_grid **out,
                                quern_error *err);
/* n samples of row y of the picture, from column left on, to their levels. */
void qn_level_grid_row(const qn_level_grid *grid, int64_t y, int64_t left, float *row,
                       int64_t n);

#endif
