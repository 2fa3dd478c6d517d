/* SPDX-License-Identifier: Apache-2.0 */
/* tools/data_look.h - what the commands share that look at a whole data set: lint,
 * stats, dedup; and how they and others tell of it. */
#ifndef QN_TOOLS_DATA_LOOK_H
#define QN_TOOLS_DATA_LOOK_H

#include "formats/dataset.h"
#include "tools/options.h"
#include "tools/out.h"

typedef struct qn_data_look {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    qn_dataset *set;
    bool is_read;
    qn_survey survey; /* with sketches, where is_read */
    qn_progress progress;
} qn_data_look;

/* Tells what there is to tell; *code: the exit code, 0 before. */
typedef quern_status qn_data_tell(qn_data_look *look, int *code, quern_error *err);

/* Opens the data set that the command names, with `reads` reads every picture (without,
 * they may all be somewhere else), tells, closes.  Returns the exit code.  Options that
 * the command has: format, threads, quiet. */
int qn_data_look_at(const qn_args *args, bool reads, qn_data_tell *tell);

/* "items": [[a, b], ...]: the names of pairs. */
void qn_json_twins(qn_json *j, const char *key, const qn_dataset *set,
                   const qn_twin *pairs, int64_t n);
/* "rejects": [{"item", "reason"}, ...] */
void qn_json_rejects(qn_json *j, const qn_dataset *set);

#define QN_OPTION_DATA_FORMAT                             \
    {                                                     \
        "format", 'f', QN_OPT_TEXT, "NAME", NULL,         \
            "the format of the data; otherwise found out" \
    }

#endif
