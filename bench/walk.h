/* SPDX-License-Identifier: Apache-2.0 */
/* bench/walk.h - the steps of a session's plan, seen from outside: what each is, what
 * it costs, and which problem it poses. */
#ifndef QN_BENCH_WALK_H
#define QN_BENCH_WALK_H

#include "bench/problem.h"
#include "engine/op.h"

typedef struct qn_walk_step {
    const qn_instr *instr;
    const char *op;
    char label[QN_LABEL_TEXT];
    double flops; /* a multiply-add is two; 0 where none are counted */
    double bytes; /* every operand once */
} qn_walk_step;

/* Step i of the plan made last; false past the end, or before there is a plan. */
bool qn_walk_at(const quern_session *session, int i, qn_walk_step *step);

/* The problems that the plan's steps pose, each once, with how often it comes and the
 * first node that poses it.  *n_other: steps that are no kind of problem. */
quern_status qn_extract(const quern_session *session, qn_problems *out, int *n_other,
                        quern_error *err);

#endif
