/* SPDX-License-Identifier: Apache-2.0 */
/* bench/streams.h - sessions of one model side by side, as many runs as they can. */
#ifndef QN_BENCH_STREAMS_H
#define QN_BENCH_STREAMS_H

#include "engine/error.h"

enum { QN_STREAMS = 256 };

typedef struct qn_streams_result {
    int n_streams;
    int64_t n_runs; /* of all streams, within seconds */
    double seconds;
} qn_streams_result;

/* Runs each session in a thread of its own until the time is over. */
quern_status qn_streams_run(quern_session **sessions, int n, double seconds,
                            qn_streams_result *out, quern_error *err);

#endif
