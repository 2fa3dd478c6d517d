/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/rings.h - the exact outline of a cell: closed polygons along the edges
 * of pixels, so that their area is the number of pixels and filling them gives the
 * pixels back.
 *
 * Pixel (x, y) is the square from (x, y) to (x+1, y+1).  Pixels that share an edge make
 * a part; each part has one outer ring and one for every hole.  A ring never meets
 * itself, not even at a corner; two rings may share corners.  Polygons made of them are
 * valid as OGC's Simple Features have it. */
#ifndef QN_ENGINE_CELLS_RINGS_H
#define QN_ENGINE_CELLS_RINGS_H

#include "engine/cells/runs.h"

typedef struct qn_corner {
    int32_t x, y;
} qn_corner;

typedef struct qn_ring {
    int64_t first, n; /* of its corners; the last is joined with the first */
    int64_t part;     /* 0 .. n_parts - 1 */
    bool is_hole;     /* goes round the other way */
} qn_ring;

/* The outlines of one label after another; what it holds is good until the next. */
typedef struct qn_rings {
    const qn_corner *corners; /* of outer rings right, down, left, up on the screen */
    const qn_ring *ring;      /* by part, the outer ring of a part first */
    int64_t n, n_parts;
    struct qn_ring_tracer *tracer;
} qn_rings;

/* The labels and their runs by row must outlive the rings. */
quern_status qn_rings_init(qn_rings *rings, qn_mem *mem, const qn_labels *labels,
                           const qn_runs *runs, quern_error *err);
void qn_rings_done(qn_rings *rings); /* fine on zeroed ones */
/* Traces a label; one without pixels has no rings. */
quern_status qn_rings_trace(qn_rings *rings, uint32_t label, quern_error *err);
/* Twice the signed area of a ring: positive for outer ones. */
int64_t qn_ring_area2(const qn_rings *rings, const qn_ring *ring);

#endif
