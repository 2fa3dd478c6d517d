/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/runs.h - a label image as runs, sorted by label: the pixels of a cell
 * lie side by side, however they are scattered over the picture.
 *
 * All that is measured and written about cells goes over their runs, so that the work
 * is bounded by the pixels of the picture, not by bounding boxes, which a million
 * scattered labels could make huge. */
#ifndef QN_ENGINE_CELLS_RUNS_H
#define QN_ENGINE_CELLS_RUNS_H

#include "engine/cells/labels.h"

/* Pixels begin <= x < end of row line; of a column, begin <= y < end, when columns were
 * asked for. */
typedef struct qn_run {
    int32_t line, begin, end;
} qn_run;

typedef struct qn_runs {
    uint32_t n_labels;
    const int64_t *first; /* [n_labels + 1]: label k has run[first[k-1] .. first[k]) */
    const qn_run *run;    /* of a label by line, then by begin */
} qn_runs;

/* Of labels 1..n, of which some may have no pixel.  Fails with QUERN_DATA on a label
 * above n. */
quern_status qn_runs_make(const qn_labels *labels, uint32_t n, bool by_column,
                          qn_arena *arena, qn_runs *out, quern_error *err);
/* The runs of label 1 .. n_labels. */
static inline const qn_run *qn_runs_of(const qn_runs *runs, uint32_t label, int64_t *n)
{
    *n = runs->first[label] - runs->first[label - 1];
    return runs->run + runs->first[label - 1];
}

#endif
