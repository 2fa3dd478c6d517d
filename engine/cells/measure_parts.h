/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/measure_parts.h - the parts that measure.c is put together from. */
#ifndef QN_ENGINE_CELLS_MEASURE_PARTS_H
#define QN_ENGINE_CELLS_MEASURE_PARTS_H

#include "engine/cells/measure.h"

/* The pixels of one cell. */
typedef struct qn_cell_pixels {
    const qn_labels *labels;
    uint32_t label;
    const qn_run *run; /* by row */
    int64_t n_runs;
} qn_cell_pixels;

/* Corners of a convex hull: 2 * (rows + 1) at most on each side. */
typedef struct qn_hull_room {
    int64_t *left, *right; /* x and y in turns */
} qn_hull_room;

/* Area, box, centroid, moments and what follows from them.  The cell has a pixel. */
void qn_cell_moments(const qn_cell_pixels *p, qn_cell *cell);
void qn_cell_hull(const qn_cell_pixels *p, const qn_hull_room *room, qn_cell *cell);
void qn_cell_perimeter(const qn_cell_pixels *p, qn_cell *cell);

/* The samples of a channel in the cell; room for as many as it has pixels. */
void qn_cell_intensity(const qn_cell_pixels *p, const void *samples, quern_dtype dtype,
                       float *room, qn_intensity *out);
double qn_cell_mean_prob(const qn_cell_pixels *p, const float *logits);

/* Fill n_touching and n_near, and nearest, of cells 1 .. n. */
quern_status qn_cells_neighbours(const qn_labels *labels, const qn_runs *runs,
                                 double near, qn_pool *pool, qn_arena *arena,
                                 qn_cell *cells, quern_error *err);
quern_status qn_cells_nearest(qn_cell *cells, uint32_t n, qn_pool *pool,
                              qn_arena *arena, quern_error *err);

quern_status qn_cells_census(const qn_cell *cells, uint32_t n, const qn_labels *labels,
                             qn_arena *arena, qn_census *out, quern_error *err);

#endif
