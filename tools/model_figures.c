/* SPDX-License-Identifier: Apache-2.0 */
/* tools/model_figures.c - see model_figures.h; this file measures. */
#include "tools/model_figures.h"

#include "bench/bench_os.h"
#include "engine/os.h"
#include "formats/files.h"
#include "tools/model_scenario.h"
#include "tools/term.h"

#include <math.h>
#include <string.h>

enum { PROFILED = 50 };

/* ---- memory ---------------------------------------------------------------------- */

typedef struct rss_work {
    const qn_args *args;
    const char *path;
    int threads;
} rss_work;

static void run_twice(void *ctx, void *answer)
{
    const rss_work *w = ctx;
    qn_bench_model m;
    quern_error err;
    qn_bench_model_init(&m, w->args, w->path);
    m.threads = w->threads;
    *(int *)answer = qn_bench_model_open(&m, &err) == QUERN_OK &&
                     quern_run(m.session, &err) == QUERN_OK &&
                     quern_run(m.session, &err) == QUERN_OK;
}

double qn_model_peak_rss(const qn_args *args, const char *path, int threads)
{
    rss_work work = {args, path, threads};
    int ok;
    qn_child_end end;
    if (qn_arg_flag(args, "no-rss") ||
        qn_child_run(run_twice, &work, &ok, sizeof ok, 600, &end, NULL) != QUERN_OK)
        return (double)NAN;
    return ok ? end.peak_rss : (double)NAN;
}

/* ---- time ------------------------------------------------------------------------ */

static quern_status warm_up(qn_model_figures *f, quern_error *err)
{
    const double until = qn_os_seconds() + 0.2 * qn_arg_real(f->args, "time");
    do
        QN_TRY(quern_run(f->m.session, err));
    while (qn_os_seconds() < until);
    return QUERN_OK;
}

static quern_status profile_runs(qn_model_figures *f, quern_error *err)
{
    quern_session_options opt = qn_bench_session_options(&f->m);
    quern_session *session = NULL;
    qn_trace_init(&f->trace, &f->m.arena);
    opt.profile = qn_trace_note;
    opt.profile_ctx = &f->trace;
    quern_status status = qn_bench_model_session(&f->m, &opt, &session, err);
    const double start = qn_os_seconds(), seconds = qn_arg_real(f->args, "time");
    for (int i = -2; i < PROFILED && status == QUERN_OK; i++) {
        f->trace.is_off = i < 0; /* the first runs plan and fill caches */
        if (i > 2 && qn_os_seconds() - start > seconds) break;
        qn_trace_run(&f->trace);
        status = quern_run(session, err);
    }
    quern_session_free(session);
    return status;
}

/* ---- in turns -------------------------------------------------------------------- */

static quern_status compare_threads(qn_model_figures *f, int threads, quern_error *err)
{
    quern_session_options opt = qn_bench_session_options(&f->m);
    qn_scaling *s = &f->scaling[f->n_scalings];
    quern_session *other = NULL;
    opt.n_threads = threads;
    quern_status status = qn_bench_model_session(&f->m, &opt, &other, err);
    const qn_turns how = {.run = {qn_turn_session, qn_turn_session},
                          .ctx = {other, f->m.session},
                          .clock = QN_BY_WALL,
                          .seconds = qn_arg_real(f->args, "time"),
                          .min_rounds = 9,
                          .max_rounds = 2000,
                          .control = qn_arg_real(f->args, "control"),
                          .cores = threads,
                          .is_over = qn_interrupted};
    if (status == QUERN_OK) status = qn_turns_run(&how, &f->m.arena, &s->turns, err);
    quern_session_free(other);
    s->threads = threads;
    f->n_scalings += status == QUERN_OK;
    return status;
}

static quern_status save_trace(const qn_model_figures *f, quern_error *err)
{
    const char *path = qn_arg_text(f->args, "trace");
    qn_buf out;
    if (!path) return QUERN_OK;
    qn_buf_init(&out, (qn_mem *)&f->m.mem);
    qn_trace_chrome(&f->trace, &out);
    quern_status status = qn_buf_status(&out, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    qn_buf_done(&out);
    return status;
}

/* ---- all of it ------------------------------------------------------------------- */

void qn_model_figures_init(qn_model_figures *f, const qn_args *args, const char *path,
                           int threads)
{
    *f = (qn_model_figures){.args = args, .peak_rss = (double)NAN};
    qn_bench_model_init(&f->m, args, path);
    f->m.threads = threads;
}

quern_status qn_model_figures_open(qn_model_figures *f, quern_error *err)
{
    const double start = qn_os_seconds();
    QN_TRY(qn_bench_model_open(&f->m, err));
    QN_TRY(quern_run(f->m.session, err));
    f->first_ms = 1e3 * (qn_os_seconds() - start) - f->m.load_ms;
    return QUERN_OK;
}

quern_status qn_model_figures_measure(qn_model_figures *f, const int *threads, int n,
                                      quern_error *err)
{
    const char *program = qn_arg_text(f->args, "ort");
    QN_TRY(warm_up(f, err));
    QN_TRY(qn_model_scenario_run(f, err));
    quern_session_get_stats(f->m.session, &f->session);
    f->wants_ort = program && strcmp(program, "off") != 0;
    if (f->wants_ort)
        QN_TRY(qn_ort_column_make(&f->ort, &f->m, program, f->session.threads, err));
    for (int i = 0; i < n && i < QN_THREAD_COUNTS; i++)
        QN_TRY(compare_threads(f, threads[i], err));
    if (!qn_arg_flag(f->args, "no-profile")) QN_TRY(profile_runs(f, err));
    return save_trace(f, err);
}

void qn_model_figures_done(qn_model_figures *f)
{
    qn_bench_model_done(&f->m);
}
