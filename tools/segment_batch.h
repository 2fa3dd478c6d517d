/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_batch.h - pictures one after the other: each is read, worked on,
 * written and told about; one that fails is told, and the others are done all the same.
 * Of more than one there is a summary beside the files. */
#ifndef QN_TOOLS_SEGMENT_BATCH_H
#define QN_TOOLS_SEGMENT_BATCH_H

#include "tools/out.h"
#include "tools/segment_list.h"
#include "tools/segment_save.h"

typedef struct qn_segment_batch qn_segment_batch;

/* Fills done from an item; all in picture.  "hash" is the batch's. */
typedef quern_status qn_segment_work_fn(qn_segment_batch *b,
                                        const qn_segment_item *item,
                                        qn_segment_done *done, quern_error *err);

struct qn_segment_batch {
    const qn_args *args;
    const qn_segment_list *list;
    const qn_segment_saver *saver; /* NULL: nothing is written, work tells itself */
    qn_segment_work_fn *work;
    void *ctx;
    char hash[65];
    qn_mem *large; /* for what has a picture's size; NULL: as for all else */
    qn_arena picture, scratch, files; /* for one picture: it and its labels (large),
                                         work, and writing (large) */
    qn_arena kept;                    /* for all of them */
    struct qn_summary_item *items;    /* for the summary of several; else NULL */
    qn_progress progress;
    int64_t at; /* the picture that is worked on, from 0 */
    int64_t n_done, n_failed, n_skipped, n_cells;
};

/* The exit code: 0, 1 if some failed (the only one's own, if it was the only one), 130.
 */
int qn_segment_batch_run(qn_segment_batch *b, qn_mem *mem);

#endif
