/* SPDX-License-Identifier: Apache-2.0 */
/* bench/clock.h - timing a piece of work: the clock and what it costs, how many calls a
 * sample takes, warming up, and every sample kept. */
#ifndef QN_BENCH_CLOCK_H
#define QN_BENCH_CLOCK_H

#include "engine/error.h"

typedef struct qn_clock {
    double (*now)(void *ctx); /* seconds */
    void *ctx;
    double cost;       /* seconds from one reading to the next */
    double resolution; /* smallest step seen, seconds */
} qn_clock;

/* The system's clock, its cost and resolution measured. */
qn_clock qn_clock_make(void);
/* Any clock: tests bring a simulated one. */
void qn_clock_measure(qn_clock *clock);

/* Work to time.  Everything but run may be NULL. */
typedef struct qn_work {
    void (*run)(void *ctx);
    void (*before)(void *ctx); /* ahead of each sample, not timed: cools caches */
    void *ctx;
} qn_work;

/* Calls in a sample: enough for 20 us and 1000 steps of the clock; 1 when work has a
 * `before`. */
int64_t qn_clock_calls(const qn_clock *clock, const qn_work *work);
/* Seconds of one call, from a sample of k calls, less what the clock costs. */
double qn_clock_sample(const qn_clock *clock, const qn_work *work, int64_t k);
/* Runs until the last 8 samples neither rise nor fall and at least `least` seconds have
 * passed, or `most` have. */
void qn_clock_warm(const qn_clock *clock, const qn_work *work, int64_t k, double least,
                   double most);

#endif
