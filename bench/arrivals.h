/* SPDX-License-Identifier: Apache-2.0 */
/* bench/arrivals.h - a network under requests that come when they come: exponential
 * gaps between them, as of many independent users (the server scenario of MLPerf
 * LoadGen).
 *
 * A request is timed from when it was due, not from when there was time for it: else
 * the slower a system is, the fewer slow requests would be seen. */
#ifndef QN_BENCH_ARRIVALS_H
#define QN_BENCH_ARRIVALS_H

#include "engine/error.h"

typedef struct qn_arrivals {
    quern_status (*serve)(void *ctx, quern_error *err); /* one request */
    double (*now)(void *ctx);                           /* seconds */
    void (*wait)(void *ctx, double until);
    void *ctx;
    double rate;    /* requests a second, on average */
    double seconds; /* of requests */
    uint64_t seed;
} qn_arrivals;

/* Latencies of at most room requests, in the order they were due; *n: how many.  Stops
 * early when the queue is longer than `seconds`: the rate is more than can be served.
 */
quern_status qn_arrivals_run(const qn_arrivals *a, double *latency, int room, int *n,
                             quern_error *err);

/* The greatest rate at which the 99th percentile of latencies stays within bound
 * seconds, by bisection between 0 and `most`; 0 when there is none.  latency:
 * room for the requests of one try. */
quern_status qn_arrivals_peak(const qn_arrivals *a, double most, double bound,
                              double *latency, int room, double *rate,
                              quern_error *err);

#endif
