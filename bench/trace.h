/* SPDX-License-Identifier: Apache-2.0 */
/* bench/trace.h - where the time of a network goes: every step of every run, added up
 * by step, and as a trace that chrome://tracing and Perfetto show. */
#ifndef QN_BENCH_TRACE_H
#define QN_BENCH_TRACE_H

#include "formats/buffer.h"

typedef struct qn_trace_step {
    const char *node, *op;
    int n;
    double sum, squares; /* seconds */
} qn_trace_step;

typedef struct qn_trace_event {
    int step;
    double end, seconds;
} qn_trace_event;

typedef struct qn_trace {
    qn_arena *arena;
    qn_trace_step *steps; /* in the order of the first run */
    int n_steps, room_steps;
    qn_trace_event *events;
    int n_events, room_events;
    int at;         /* step of this run that comes next */
    bool is_off;    /* do not note anything: warming up */
    bool is_failed; /* no memory: incomplete */
} qn_trace;

void qn_trace_init(qn_trace *t, qn_arena *arena);
void qn_trace_run(qn_trace *t); /* another run begins */
/* A quern_profile_fn; ctx is the trace. */
void qn_trace_note(void *ctx, const char *node, const char *op, double seconds);
double qn_trace_mean(const qn_trace_step *s);
double qn_trace_deviation(const qn_trace_step *s);
/* The Chrome trace format: complete events, microseconds. */
void qn_trace_chrome(const qn_trace *t, qn_buf *out);

#endif
