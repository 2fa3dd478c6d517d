/* SPDX-License-Identifier: Apache-2.0 */
/* tools/model_scenario.c - see model_scenario.h. */
#define _GNU_SOURCE
#include "tools/model_scenario.h"

#include "bench/arrivals.h"
#include "bench/clock.h"
#include "engine/os.h"
#include "tools/term.h"

#include <string.h>
#include <time.h>

enum { MAX_SAMPLES = 100000, IN_A_QUERY = 8 };

typedef struct runs {
    quern_session *session;
    quern_error *err;
    quern_status status;
} runs;

static void run_once(void *ctx)
{
    runs *r = ctx;
    if (r->status == QUERN_OK) r->status = quern_run(r->session, r->err);
}

/* n runs are a sample. */
static quern_status in_queries(qn_model_figures *f, int n, quern_error *err)
{
    const qn_clock clock = qn_clock_make();
    const double seconds = qn_arg_real(f->args, "time");
    runs r = {f->m.session, err, QUERN_OK};
    const qn_work work = {.run = run_once, .ctx = &r};
    qn_clock_warm(&clock, &work, 1, 0.1 * seconds, 0.4 * seconds);
    const double start = qn_os_seconds();
    while (r.status == QUERN_OK && f->n < MAX_SAMPLES &&
           (f->n < 3 || qn_os_seconds() - start < seconds))
        f->samples[f->n++] = n * qn_clock_sample(&clock, &work, n);
    f->runs_in_sample = n;
    return r.status;
}

static quern_status throughput(qn_model_figures *f, quern_error *err)
{
    quern_session_options opt = qn_bench_session_options(&f->m);
    int n = (int)qn_arg_int(f->args, "streams");
    quern_session *list[QN_STREAMS] = {NULL};
    if (n < 1) n = qn_os_cores();
    if (n > QN_STREAMS) n = QN_STREAMS;
    opt.n_threads = 1;
    opt.cancel = NULL;
    quern_status status = QUERN_OK;
    for (int i = 0; i < n && status == QUERN_OK; i++) {
        status = qn_bench_model_session(&f->m, &opt, &list[i], err);
        if (status == QUERN_OK) status = quern_run(list[i], err);
    }
    if (status == QUERN_OK)
        status =
            qn_streams_run(list, n, qn_arg_real(f->args, "time"), &f->streams, err);
    for (int i = 0; i < n; i++)
        quern_session_free(list[i]);
    return status;
}

/* ---- requests that come when they come ------------------------------------------- */

static quern_status serve(void *ctx, quern_error *err)
{
    return quern_run(ctx, err);
}

static double now(void *ctx)
{
    (void)ctx;
    return qn_os_seconds();
}

/* Sleeps up to the last moment, then looks at the clock: sleeping is not exact. */
static void wait_until(void *ctx, double until)
{
    for (double left; (left = until - now(ctx)) > 0;) {
        if (left < 300e-6) continue;
        left -= 200e-6;
        const struct timespec t = {.tv_sec = (time_t)left,
                                   .tv_nsec =
                                       (long)(1e9 * (left - (double)(time_t)left))};
        nanosleep(&t, NULL);
        if (qn_interrupted(NULL)) return;
    }
}

/* As many as could be served by a queue that is never empty. */
static quern_status capacity(qn_model_figures *f, double *rate, quern_error *err)
{
    const double start = qn_os_seconds();
    int n = 0;
    do {
        QN_TRY(quern_run(f->m.session, err));
        n++;
    } while (qn_os_seconds() - start < 0.2 * qn_arg_real(f->args, "time"));
    *rate = n / (qn_os_seconds() - start);
    return QUERN_OK;
}

static quern_status under_arrivals(qn_model_figures *f, quern_error *err)
{
    const double bound = 1e-3 * qn_arg_real(f->args, "bound");
    double most;
    qn_arrivals a = {.serve = serve,
                     .now = now,
                     .wait = wait_until,
                     .ctx = f->m.session,
                     .rate = qn_arg_real(f->args, "rate"),
                     .seconds = qn_arg_real(f->args, "time"),
                     .seed = (uint64_t)qn_arg_int(f->args, "random")};
    QN_TRY(capacity(f, &most, err));
    if (!(a.rate > 0)) a.rate = 0.5 * most;
    if (bound > 0) {
        QN_TRY(qn_arrivals_peak(&a, most, bound, f->samples, MAX_SAMPLES, &f->peak_rate,
                                err));
        if (f->peak_rate > 0) a.rate = f->peak_rate;
    }
    QN_TRY(qn_arrivals_run(&a, f->samples, MAX_SAMPLES, &f->n, err));
    f->runs_in_sample = 1;
    f->rate = a.rate;
    if (f->n == 0)
        return qn_fail(err, QUERN_INVALID, "no request within %g s at %g a second",
                       a.seconds, a.rate);
    return QUERN_OK;
}

/* ---- all of them ----------------------------------------------------------------- */

typedef enum scenario { SINGLE, MULTI, SERVER, THROUGHPUT, SCENARIOS } scenario;

static scenario find(const char *name)
{
    static const char *const names[] = {"single", "multi", "server", "throughput"};
    int i = 0;
    while (i < SCENARIOS && strcmp(names[i], name) != 0)
        i++;
    return (scenario)i;
}

bool qn_model_scenario_is_known(const char *name)
{
    return find(name) != SCENARIOS;
}

quern_status qn_model_scenario_run(qn_model_figures *f, quern_error *err)
{
    const scenario which = find(qn_arg_text(f->args, "scenario"));
    void *at;
    QN_TRY(qn_arena_array(&f->m.arena, 2 * MAX_SAMPLES, sizeof(double), &at, err));
    f->samples = at;
    if (which == SERVER)
        QN_TRY(under_arrivals(f, err));
    else
        QN_TRY(in_queries(f, which == MULTI ? IN_A_QUERY : 1, err));
    f->stats = qn_stats_of(f->samples, f->n, f->samples + MAX_SAMPLES);
    const int bound = qn_quantile_bound(f->n, 0.99, 0.95);
    if (bound >= 0) { /* stats has left the room behind the samples as it likes */
        double *sorted = f->samples + MAX_SAMPLES;
        memcpy(sorted, f->samples, (size_t)f->n * sizeof *sorted);
        qn_sort(sorted, f->n);
        f->p99_hi = sorted[bound];
    }
    return which == THROUGHPUT ? throughput(f, err) : QUERN_OK;
}
