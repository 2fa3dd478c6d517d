/* SPDX-License-Identifier: Apache-2.0 */
/* bench/arrivals.c - see arrivals.h. */
#include "bench/arrivals.h"

#include "bench/stats.h"
#include "engine/rng.h"

#include <math.h>

enum { HALVINGS = 7 };

quern_status qn_arrivals_run(const qn_arrivals *a, double *latency, int room, int *n,
                             quern_error *err)
{
    const qn_rng rng = qn_rng_make(a->seed, "arrivals", 0);
    const double start = a->now(a->ctx);
    double due = start;
    for (*n = 0; *n < room; ++*n) {
        due -= log1p(-qn_rng_uniform53(&rng, (uint64_t)*n)) / a->rate;
        if (due > start + a->seconds) break;
        if (a->now(a->ctx) > due + a->seconds) break;
        a->wait(a->ctx, due);
        QN_TRY(a->serve(a->ctx, err));
        latency[*n] = a->now(a->ctx) - due;
    }
    return QUERN_OK;
}

quern_status qn_arrivals_peak(const qn_arrivals *a, double most, double bound,
                              double *latency, int room, double *rate, quern_error *err)
{
    double lo = 0, hi = most;
    for (int i = 0; i < HALVINGS; i++) {
        qn_arrivals one = *a;
        int n;
        one.rate = 0.5 * (lo + hi);
        one.seed += (uint64_t)i;
        QN_TRY(qn_arrivals_run(&one, latency, room, &n, err));
        qn_sort(latency, n);
        if (n > 0 && qn_quantile(latency, n, 0.99) <= bound)
            lo = one.rate;
        else
            hi = one.rate;
    }
    *rate = lo;
    return QUERN_OK;
}
