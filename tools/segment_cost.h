/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_cost.h - what segmenting a picture will take, for --dry-run. */
#ifndef QN_TOOLS_SEGMENT_COST_H
#define QN_TOOLS_SEGMENT_COST_H

#include "engine/cells/segmenter.h"

typedef struct qn_segment_cost {
    int64_t planes, tiles;  /* tiles of a plane, or of a square */
    int64_t squares;        /* 0: each plane at once */
    int64_t tile_h, tile_w; /* pixels */
    double gflop;           /* of all tiles of all planes, 2 a multiply-add */
    double bytes;           /* in memory at the most, about */
    double disk_bytes;      /* beside the results while it works */
    double diameter;        /* that is reckoned with */
} qn_segment_cost;

/* Plans the network for the tile's shape without running it.  A diameter that would be
 * measured is taken to be the network's own.  Of the job its network, picture, settings
 * and scratch count; side: of the squares, or 0. */
quern_status qn_segment_cost_of(const qn_segment_job *job, int64_t side,
                                qn_segment_cost *out, quern_error *err);

#endif
