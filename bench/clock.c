/* SPDX-License-Identifier: Apache-2.0 */
/* bench/clock.c - see clock.h. */
#include "bench/clock.h"

#include "bench/stats.h"
#include "engine/os.h"

#include <stdbool.h>

enum { READINGS = 512, RECENT = 8 };

static double system_now(void *ctx)
{
    (void)ctx;
    return qn_os_seconds();
}

void qn_clock_measure(qn_clock *clock)
{
    double step[READINGS], least = 1;
    double last = clock->now(clock->ctx);
    for (int i = 0; i < READINGS; i++) {
        const double t = clock->now(clock->ctx);
        step[i] = t - last;
        if (step[i] > 0 && step[i] < least) least = step[i];
        last = t;
    }
    qn_sort(step, READINGS);
    clock->cost = qn_median(step, READINGS);
    clock->resolution = least;
}

qn_clock qn_clock_make(void)
{
    qn_clock clock = {.now = system_now};
    qn_clock_measure(&clock);
    return clock;
}

double qn_clock_sample(const qn_clock *clock, const qn_work *work, int64_t k)
{
    if (work->before) work->before(work->ctx);
    const double start = clock->now(clock->ctx);
    for (int64_t i = 0; i < k; i++)
        work->run(work->ctx);
    const double t = clock->now(clock->ctx) - start - clock->cost;
    return (t > 0 ? t : clock->resolution) / (double)k;
}

int64_t qn_clock_calls(const qn_clock *clock, const qn_work *work)
{
    const double least =
        1000 * clock->resolution > 20e-6 ? 1000 * clock->resolution : 20e-6;
    int64_t k = 1;
    if (work->before) return 1;
    for (int tries = 0; tries < 40; tries++) {
        const double t = qn_clock_sample(clock, work, k) * (double)k;
        if (t >= least) break;
        const double grow = t > 0 ? 1.4 * least / t : 10;
        k = (int64_t)((double)k * (grow > 10 ? 10 : grow < 1.5 ? 1.5 : grow)) + 1;
    }
    return k;
}

void qn_clock_warm(const qn_clock *clock, const qn_work *work, int64_t k, double least,
                   double most)
{
    double recent[RECENT] = {0};
    const double start = clock->now(clock->ctx);
    for (int n = 0;; n++) {
        for (int i = 1; i < RECENT; i++)
            recent[i - 1] = recent[i];
        recent[RECENT - 1] = qn_clock_sample(clock, work, k);
        const double spent = clock->now(clock->ctx) - start;
        const bool is_steady = n >= RECENT && !qn_has_trend(recent, RECENT);
        if ((spent >= least && is_steady) || spent >= most) return;
    }
}
