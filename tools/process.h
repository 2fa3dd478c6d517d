/* SPDX-License-Identifier: Apache-2.0 */
/* tools/process.h - work done in processes of their own, so that a crash or a hang is a
 * result and not the end. */
#ifndef QN_TOOLS_PROCESS_H
#define QN_TOOLS_PROCESS_H

#include "engine/error.h"

typedef enum qn_outcome {
    QN_ENDED,     /* by itself; what it said is complete */
    QN_CRASHED,   /* by a signal */
    QN_TIMED_OUT, /* killed at its limit */
} qn_outcome;

/* One sentence a child says before it ends: a byte of the caller's choice, and text. */
#define QN_SAYING_MAX 1200
typedef struct qn_saying {
    uint8_t code;
    char text[QN_SAYING_MAX];
} qn_saying;

typedef struct qn_processes {
    int64_t n;      /* items */
    int jobs;       /* processes at a time */
    double seconds; /* limit of one */
    /* In the child. */
    void (*work)(void *ctx, int64_t item, qn_saying *say);
    /* In this process, as children end.  signal is of a crash. */
    void (*done)(void *ctx, int64_t item, qn_outcome outcome, int signal,
                 const qn_saying *said, double seconds);
    void *ctx;
} qn_processes;

/* Works on items 0 .. n-1 in order, each in a child.  An interrupt kills the children
 * and returns QUERN_CANCELLED. */
quern_status qn_processes_run(const qn_processes *p, quern_error *err);

#endif
