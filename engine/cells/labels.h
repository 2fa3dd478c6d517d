/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/labels.h - a picture whose pixels say to which cell they belong, and
 * what is done with such pictures: counted, measured, renumbered, cleaned.
 *
 * Every array lies in the arena that is given.  Labels that a function calls "1..n" may
 * leave out numbers between; a larger number is a mistake of the caller. */
#ifndef QN_ENGINE_CELLS_LABELS_H
#define QN_ENGINE_CELLS_LABELS_H

#include "engine/mem.h"

#define QN_LABELS_SIDE ((int64_t)1 << 24) /* float32 counts pixels so far exactly */

typedef struct qn_labels {
    int64_t height, width; /* pixels, 1 .. QN_LABELS_SIDE; fewer than 2^32 in all */
    uint32_t *at;          /* [height][width]; 0: no cell */
} qn_labels;

/* Half-open; of a label that has no pixel: all zero. */
typedef struct qn_cell_box {
    int64_t top, left, bottom, right;
} qn_cell_box;

/* What one pass over the picture tells.  Index 0 is the background. */
typedef struct qn_cells {
    uint32_t n;       /* the largest label */
    int64_t *area;    /* [n + 1] pixels; 0: no such label */
    qn_cell_box *box; /* [n + 1] */
} qn_cells;

/* All background.  Refuses sides that the limits above exclude. */
quern_status qn_labels_init(qn_arena *arena, int64_t height, int64_t width,
                            qn_labels *out, quern_error *err);
quern_status qn_labels_copy(qn_arena *arena, const qn_labels *labels, qn_labels *out,
                            quern_error *err);
uint32_t qn_labels_max(const qn_labels *labels);
/* Any numbers become 1..n in the order of their first pixels, row by row. */
quern_status qn_labels_renumber(qn_labels *labels, qn_arena *arena, uint32_t *n,
                                quern_error *err);
quern_status qn_labels_survey(const qn_labels *labels, uint32_t n, qn_arena *arena,
                              qn_cells *out, quern_error *err);
/* Median over the cells of 2 sqrt(area / pi); 0 without cells. */
quern_status qn_cells_diameter(const qn_cells *cells, qn_arena *arena, double *diameter,
                               quern_error *err);
/* Cells that keep leaves out become background; numbers stay.  keep [n + 1]. */
void qn_labels_keep(qn_labels *labels, const bool *keep);
/* Cells of fewer than least pixels go; numbers stay. */
quern_status qn_labels_drop_small(qn_labels *labels, uint32_t n, int64_t least,
                                  qn_arena *arena, quern_error *err);
/* Cells with a pixel in the first or last row or column go; numbers stay. */
quern_status qn_labels_drop_border(qn_labels *labels, uint32_t n, qn_arena *arena,
                                   quern_error *err);
/* What a cell encloses becomes the cell, other cells too; cells in the order of their
 * labels.  Enclosed: no way out over the sides of pixels, within the cell's box. */
quern_status qn_labels_fill_holes(qn_labels *labels, uint32_t n, qn_arena *arena,
                                  quern_error *err);
/* The end of a segmentation: small cells go, holes are filled, cells that are small
 * thereafter go, the others become 1..*n.  least at most 0: none is too small, and
 * holes are filled all the same. */
quern_status qn_labels_clean(qn_labels *labels, int64_t least, qn_arena *arena,
                             uint32_t *n, quern_error *err);
/* Parts of a cell that do not touch, not even by corners, become cells of their own:
 * labels become 1..*n in the order of first pixels. */
quern_status qn_labels_split_parts(qn_labels *labels, qn_arena *arena, uint32_t *n,
                                   quern_error *err);
/* The nearest pixel: source row min(rows - 1, floor(row * rows / height)). */
quern_status qn_labels_resize(const qn_labels *labels, int64_t height, int64_t width,
                              qn_arena *arena, qn_labels *out, quern_error *err);

#endif
