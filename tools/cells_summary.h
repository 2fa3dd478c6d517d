/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cells_summary.h - all pictures of a batch together: summary.csv with a row per
 * picture, and summary.html with what they add up to.
 *
 * Figures come from the records that a segmentation leaves beside its files, so that
 * pictures that were done in a former run are in it, too. */
#ifndef QN_TOOLS_CELLS_SUMMARY_H
#define QN_TOOLS_CELLS_SUMMARY_H

#include "engine/mem.h"

typedef struct qn_summary_item {
    const char *image;
    const char *record; /* path of its JSON object: cells, diameter, ms, metrics */
    const char *error;  /* why there is none; NULL: it is done */
} qn_summary_item;

/* A record that cannot be read counts as failed. */
quern_status qn_cells_summary_save(qn_mem *mem, const char *folder,
                                   const qn_summary_item *items, int64_t n,
                                   quern_error *err);

#endif
