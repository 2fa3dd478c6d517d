/* SPDX-License-Identifier: Apache-2.0 */
/* bench/tune.h - the choices of engine/tuning.h, measured on this machine. */
#ifndef QN_BENCH_TUNE_H
#define QN_BENCH_TUNE_H

#include "bench/kernel_bench.h"
#include "engine/tuning.h"

/* What was found for one problem. */
typedef struct qn_tune_result {
    qn_tuned choice;
    int usual;     /* the tile of the static model */
    double gain;   /* the usual one's time over the choice's; 1 where they are one */
    bool is_known; /* false: nothing could be measured, and nothing is chosen */
} qn_tune_result;

/* Whether the problem is one that can be tuned, and which. */
bool qn_tune_fits(const qn_problem *p, qn_tuned *conv);
/* Times its ways as they run within a network.  Another than the usual one is chosen
 * when the whole interval of its time lies below that of the usual one. */
quern_status qn_tune_problem(qn_kernel_bench *b, const qn_problem *p, qn_arena *arena,
                             qn_tune_result *out, quern_error *err);
/* The file. */
void qn_tune_text(qn_buf *out, const char *isa, const qn_tuned *list, int n);

#endif
