/* SPDX-License-Identifier: Apache-2.0 */
/* tools/run_report.h - the report of a run folder: config.json, metrics.jsonl and
 * report.json read back, and what they say written as HTML, PDF, JSON or CSV. */
#ifndef QN_TOOLS_RUN_REPORT_H
#define QN_TOOLS_RUN_REPORT_H

#include "formats/evaluation.h"
#include "formats/json_tree.h"
#include "tools/train_report.h"

typedef struct qn_run_report {
    qn_train_report report;
    const char *folder;
    const qn_tree *config, *figures; /* config.json, report.json; NULL: not there */
    const qn_tree **rows;            /* [report.n_history]: of metrics.jsonl */
} qn_run_report;

/* All of it lives in the arena.  A folder without any of the files fails; one that
 * `quern eval` wrote has no config and no history. */
quern_status qn_run_report_read(const char *folder, qn_arena *arena, qn_run_report *out,
                                quern_error *err);
/* The part of it that is report.json: metrics, classes, mistakes. */
quern_status qn_run_figures(qn_run_report *r, qn_arena *arena, quern_error *err);
/* The worst mistakes of an evaluation with their pictures, from its data set, instead
 * of those that were read; a picture that cannot be read is left out. */
quern_status qn_run_report_mistakes(qn_run_report *r, const qn_evaluation *e,
                                    qn_arena *arena, quern_error *err);
/* The same pictures for a folder that was read: from the data it names, if that is
 * still there.  *set keeps them and is to be closed; NULL: none.  Fails only for lack
 * of memory. */
quern_status qn_run_report_find_pictures(qn_run_report *r, qn_mem *mem, qn_arena *arena,
                                         const qn_decoder *decoder, qn_dataset **set,
                                         quern_error *err);

/* Each appends a file's bytes; numbers read back as they were. */
quern_status qn_run_report_json(const qn_run_report *r, qn_buf *out, quern_error *err);
/* part,row,column,value */
quern_status qn_run_report_csv(const qn_run_report *r, qn_buf *out, quern_error *err);

/* What ends a training: the pictures, the page and the card of a folder that holds its
 * other files already (see qn_train_report_write).  e: for the pictures of mistakes, or
 * NULL. */
quern_status qn_run_report_write(const char *folder, const qn_evaluation *e,
                                 qn_mem *mem, quern_error *no_pictures,
                                 quern_error *err);

#endif
