/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/tiles.h - how a picture is cut for the network and put together again:
 * zeros around it, overlapping tiles, weights that fall off towards their edges, flips
 * for test-time augmentation.  The numbers are those of Cellpose 3.1.
 *
 * Tiles stand on a grid, so weights and their sum are products of one row and one
 * column. */
#ifndef QN_ENGINE_CELLS_TILES_H
#define QN_ENGINE_CELLS_TILES_H

#include "engine/mem.h"

/* One axis. */
typedef struct qn_tile_axis {
    int64_t length;        /* of the picture */
    int64_t before, total; /* zeros in front; length with all zeros */
    int64_t tile, n;       /* size and number of tiles */
    int64_t *start;        /* [n] in 0 .. total - tile */
    float *weight;         /* [n][tile]: over the sum at that place, so that the sum of
                              all tiles' weights is 1 */
} qn_tile_axis;

typedef struct qn_tiles {
    qn_tile_axis y, x;
    bool augment;
} qn_tiles;

typedef struct qn_tile_options {
    int64_t tile;     /* side of a tile; 0: what costs least */
    double overlap;   /* of neighbours, over the side */
    bool augment;     /* half-overlapping tiles, turned over by turns */
    int64_t fixed[2]; /* height and width that the network insists on; 0: any */
    int64_t multiple; /* of which a side must be: 16 */
} qn_tile_options;

quern_status qn_tiles_init(qn_tiles *tiles, int64_t height, int64_t width,
                           const qn_tile_options *options, qn_arena *arena,
                           quern_error *err);
/* Whether tile (j, i) is turned upside down [0] and left to right [1]. */
void qn_tile_flips(const qn_tiles *tiles, int64_t j, int64_t i, bool flips[2]);

#endif
