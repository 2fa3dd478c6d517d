/* SPDX-License-Identifier: Apache-2.0 */
/* bench/worker_case.h - the implementation that sessions would use, run in blocks: what
 * one side of `bench ab` does with a problem. */
#ifndef QN_BENCH_WORKER_CASE_H
#define QN_BENCH_WORKER_CASE_H

#include "bench/kernel_bench.h"

typedef struct qn_worker_case {
    qn_impl impl;
    qn_bench_case c;
    qn_truth truth;
    qn_clock clock;
    qn_work work;
    int64_t calls; /* in a block: some milliseconds */
} qn_worker_case;

/* Fails when the result is wrong.  w must stay where it is. */
quern_status qn_worker_case_open(qn_worker_case *w, const qn_kernel_bench *b,
                                 const qn_problem *p, qn_arena *arena,
                                 quern_error *err);
double qn_worker_case_block(qn_worker_case *w); /* seconds of one call */
void qn_worker_case_close(qn_worker_case *w);

#endif
