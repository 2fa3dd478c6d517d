/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_bench_model.c - quern bench model: the time, the memory and the profile of
 * a whole network. */
#include "bench/clock.h"
#include "bench/bench_os.h"
#include "bench/stats.h"
#include "bench/streams.h"
#include "bench/trace.h"
#include "bench/walk.h"
#include "engine/os.h"
#include "tools/bench_model.h"
#include "formats/files.h"
#include "tools/out.h"
#include "tools/term.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const qn_option qn_bench_model_options[] = {
    {"time", 0, QN_OPT_REAL, "S", "2", "seconds of timed runs"},
    {"batch", 0, QN_OPT_INT, "N", NULL,
     "images in a run, where the model leaves it free"},
    QN_OPTION_SHAPE,
    {"random", 0, QN_OPT_INT, "SEED", "1", "of the inputs, which are made up"},
    {"scenario", 0, QN_OPT_TEXT, "NAME", "single",
     "single: one run after the other; throughput: streams side by side"},
    {"streams", 0, QN_OPT_INT, "N", "0", "of throughput; 0: a stream a core"},
    {"trace", 0, QN_OPT_TEXT, "FILE", NULL,
     "write every step as a Chrome trace (Perfetto shows it)"},
    {"top", 0, QN_OPT_INT, "N", "15", "steps to show"},
    {"no-profile", 0, QN_OPT_FLAG, NULL, NULL, "no time by step"},
    {"no-rss", 0, QN_OPT_FLAG, NULL, NULL,
     "no peak memory, which takes a child process"},
    {"samples", 0, QN_OPT_FLAG, NULL, NULL, "every sample in the JSON"},
    {"worker", 0, QN_OPT_FLAG, NULL, NULL, "take turns on stdin, for bench ab"},
    QN_OPTIONS_ENGINE,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_bench_model_about[] =
    "Times a network on made-up inputs: load, first run, and runs after warming up,\n"
    "whose median comes with a 95 % interval that holds for any distribution.  Peak\n"
    "memory is that of a process of its own which loads the model and runs it twice.\n"
    "The time by step comes from separate runs, so that taking it costs nothing.\n"
    "\n"
    "  quern bench model resnet50.onnx --threads 1 --json\n"
    "  quern bench model net.onnx --batch 8 --trace net.json\n"
    "  quern bench model net.onnx --scenario throughput\n";

enum { MAX_SAMPLES = 100000, PROFILED = 50 };

typedef struct measured {
    qn_bench_model m;
    const qn_args *args;
    double first_ms;
    double *samples;
    int n;
    qn_stats stats; /* seconds */
    double peak_rss;
    qn_trace trace;
    qn_streams_result streams;
    quern_session_stats session;
} measured;

/* ---- memory ---------------------------------------------------------------------- */

typedef struct rss_answer {
    int ok;
} rss_answer;

static void run_twice(void *ctx, void *answer)
{
    qn_bench_model m;
    rss_answer *a = answer;
    quern_error err;
    qn_bench_model_init(&m, ctx);
    a->ok = qn_bench_model_open(&m, NULL, &err) == QUERN_OK &&
            quern_run(m.session, &err) == QUERN_OK &&
            quern_run(m.session, &err) == QUERN_OK;
}

/* Before anything is loaded here: a child begins with the memory of its parent. */
static double measure_rss(const qn_args *args)
{
    rss_answer a;
    qn_child_end end;
    if (qn_arg_flag(args, "no-rss") ||
        qn_child_run(run_twice, (void *)args, &a, sizeof a, 600, &end, NULL) !=
            QUERN_OK)
        return (double)NAN;
    return a.ok ? end.peak_rss : (double)NAN;
}

/* ---- time ------------------------------------------------------------------------ */

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

static quern_status time_runs(measured *d, quern_error *err)
{
    const qn_clock clock = qn_clock_make();
    const double seconds = qn_arg_real(d->args, "time");
    runs r = {d->m.session, err, QUERN_OK};
    const qn_work work = {.run = run_once, .ctx = &r};
    void *at;
    QN_TRY(qn_arena_array(&d->m.arena, 2 * MAX_SAMPLES, sizeof(double), &at, err));
    d->samples = at;
    qn_clock_warm(&clock, &work, 1, 0.1 * seconds, 0.4 * seconds);
    const double start = qn_os_seconds();
    while (r.status == QUERN_OK && d->n < MAX_SAMPLES &&
           (d->n < 3 || qn_os_seconds() - start < seconds))
        d->samples[d->n++] = qn_clock_sample(&clock, &work, 1);
    d->stats = qn_stats_of(d->samples, d->n, d->samples + MAX_SAMPLES);
    return r.status;
}

static quern_status profile_runs(measured *d, quern_error *err)
{
    quern_session_options opt = qn_session_options(d->args);
    quern_session *session = NULL;
    qn_trace_init(&d->trace, &d->m.arena);
    opt.profile = qn_trace_note;
    opt.profile_ctx = &d->trace;
    quern_status status = qn_bench_model_session(&d->m, &opt, &session, err);
    const double start = qn_os_seconds(), seconds = qn_arg_real(d->args, "time");
    for (int i = -2; i < PROFILED && status == QUERN_OK; i++) {
        d->trace.is_off = i < 0; /* the first runs plan and fill caches */
        if (i > 2 && qn_os_seconds() - start > seconds) break;
        qn_trace_run(&d->trace);
        status = quern_run(session, err);
    }
    quern_session_free(session);
    return status;
}

static quern_status throughput(measured *d, quern_error *err)
{
    quern_session_options opt = qn_session_options(d->args);
    int n = (int)qn_arg_int(d->args, "streams");
    quern_session *list[QN_STREAMS] = {NULL};
    if (n < 1) n = qn_os_cores();
    if (n > QN_STREAMS) n = QN_STREAMS;
    opt.n_threads = 1;
    opt.cancel = NULL;
    quern_status status = QUERN_OK;
    for (int i = 0; i < n && status == QUERN_OK; i++) {
        status = qn_bench_model_session(&d->m, &opt, &list[i], err);
        if (status == QUERN_OK) status = quern_run(list[i], err);
    }
    if (status == QUERN_OK)
        status =
            qn_streams_run(list, n, qn_arg_real(d->args, "time"), &d->streams, err);
    for (int i = 0; i < n; i++)
        quern_session_free(list[i]);
    return status;
}

/* ---- output ---------------------------------------------------------------------- */

/* Flops of the step that the label names; 0 when the plan has none such. */
static double flops_of(const measured *d, int at, const char *node)
{
    qn_walk_step step;
    if (qn_walk_at(d->m.session, at, &step) && !strcmp(step.label, node))
        return step.flops;
    for (int i = 0; qn_walk_at(d->m.session, i, &step); i++)
        if (!strcmp(step.label, node)) return step.flops;
    return 0;
}

static double total_seconds(const qn_trace *t)
{
    double total = 0;
    for (int i = 0; i < t->n_steps; i++)
        total += qn_trace_mean(&t->steps[i]);
    return total;
}

static void json_ops(const measured *d, qn_json *j)
{
    const double total = total_seconds(&d->trace);
    qn_json_array(j, "ops");
    for (int i = 0; i < d->trace.n_steps; i++) {
        const qn_trace_step *s = &d->trace.steps[i];
        const double mean = qn_trace_mean(s), flops = flops_of(d, i, s->node);
        qn_json_object(j, NULL);
        qn_json_text(j, "node", s->node);
        qn_json_text(j, "op", s->op);
        qn_json_int(j, "n", s->n);
        qn_json_real(j, "ms", 1e3 * mean);
        qn_json_real(j, "sd_ms", 1e3 * qn_trace_deviation(s));
        qn_json_real(j, "share", total > 0 ? mean / total : 0);
        qn_json_real(j, "gflops",
                     flops > 0 && mean > 0 ? 1e-9 * flops / mean : (double)NAN);
        qn_json_close(j);
    }
    qn_json_close(j);
}

static quern_status show_json(const measured *d, quern_error *err)
{
    qn_buf out;
    qn_json j;
    const qn_stats *s = &d->stats;
    qn_buf_init(&out, (qn_mem *)&d->m.mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "model", d->args->operands[0]);
    qn_json_text(&j, "scenario", qn_arg_text(d->args, "scenario"));
    qn_json_int(&j, "threads", d->session.threads);
    qn_json_int(&j, "batch", d->m.batch);
    qn_json_real(&j, "load_ms", d->m.load_ms);
    qn_json_real(&j, "first_ms", d->first_ms);
    qn_json_int(&j, "n", s->n);
    qn_json_real(&j, "min_ms", 1e3 * s->min);
    qn_json_real(&j, "median_ms", 1e3 * s->median);
    qn_json_real(&j, "p90_ms", 1e3 * s->p90);
    qn_json_real(&j, "p95_ms", 1e3 * s->p95);
    qn_json_real(&j, "p99_ms", 1e3 * s->p99);
    qn_json_real(&j, "ci_lo_ms", 1e3 * s->lo);
    qn_json_real(&j, "ci_hi_ms", 1e3 * s->hi);
    qn_json_real(&j, "mad_ms", 1e3 * s->mad);
    qn_json_real(&j, "peak_rss_bytes", d->peak_rss);
    qn_json_real(&j, "gflops", 2e-9 * d->session.macs / s->median);
    qn_json_int(&j, "run_allocs", (int64_t)d->session.run_allocs);
    qn_json_int(&j, "reorders", d->session.reorders);
    qn_json_text(&j, "isa", d->session.isa);
    if (d->streams.n_streams) {
        qn_json_int(&j, "streams", d->streams.n_streams);
        qn_json_real(&j, "items_per_s",
                     (double)(d->streams.n_runs * d->m.batch) / d->streams.seconds);
    }
    json_ops(d, &j);
    if (qn_arg_flag(d->args, "samples")) {
        qn_json_array(&j, "samples_ms");
        for (int i = 0; i < d->n; i++)
            qn_json_real(&j, NULL, 1e3 * d->samples[i]);
        qn_json_close(&j);
    }
    qn_json_end(&j);
    const quern_status status = qn_buf_status(&out, err);
    if (status == QUERN_OK) qn_out_flush(&out);
    qn_buf_done(&out);
    return status;
}

static int slower(const void *a, const void *b)
{
    const qn_trace_step *const *x = a, *const *y = b;
    const double p = qn_trace_mean(*x), q = qn_trace_mean(*y);
    return (p < q) - (p > q);
}

static quern_status show_steps(const measured *d, quern_error *err)
{
    static const char *const heads[] = {"step", "ms", "sd", "share", "GFLOP/s"};
    const qn_trace *t = &d->trace;
    const double total = total_seconds(t);
    const int64_t top = qn_arg_int(d->args, "top");
    void *at;
    QN_TRY(qn_arena_array(t->arena, (size_t)t->n_steps + 1, sizeof(void *), &at, err));
    const qn_trace_step **order = at;
    for (int i = 0; i < t->n_steps; i++)
        order[i] = &t->steps[i];
    qsort(order, (size_t)t->n_steps, sizeof *order, slower);
    qn_table table;
    qn_table_begin(&table, (qn_mem *)&d->m.mem, "lrrrr");
    for (int i = 0; i < 5; i++)
        qn_table_cell(&table, "%s", heads[i]);
    for (int i = 0; i < t->n_steps && i < top; i++) {
        const double mean = qn_trace_mean(order[i]);
        const double flops = flops_of(d, (int)(order[i] - t->steps), order[i]->node);
        qn_table_cell(&table, "%s", order[i]->node);
        qn_table_cell(&table, "%.3f", 1e3 * mean);
        qn_table_cell(&table, "%.3f", 1e3 * qn_trace_deviation(order[i]));
        qn_table_cell(&table, "%.1f%%", total > 0 ? 100 * mean / total : 0);
        if (flops > 0)
            qn_table_cell(&table, "%.1f", 1e-9 * flops / mean);
        else
            qn_table_cell(&table, "-");
    }
    qn_table_print(&table, stdout);
    return QUERN_OK;
}

static quern_status show_text(const measured *d, quern_error *err)
{
    const qn_stats *s = &d->stats;
    printf("%s: batch %lld, %d thread%s, %s\n", QN_CLEAN(d->args->operands[0]),
           (long long)d->m.batch, d->session.threads,
           d->session.threads == 1 ? "" : "s", d->session.isa);
    printf("median %.3f ms [%.3f, %.3f], min %.3f, p95 %.3f, p99 %.3f, %d runs, "
           "%.1f GFLOP/s\n",
           1e3 * s->median, 1e3 * s->lo, 1e3 * s->hi, 1e3 * s->min, 1e3 * s->p95,
           1e3 * s->p99, s->n, 2e-9 * d->session.macs / s->median);
    printf("load %.1f ms, first run %.1f ms, %llu allocations in a run", d->m.load_ms,
           d->first_ms, (unsigned long long)d->session.run_allocs);
    if (d->peak_rss > 0) printf(", peak memory %s", QN_BYTES(d->peak_rss));
    printf("\n");
    if (d->streams.n_streams)
        printf("throughput %.1f items/s in %d streams\n",
               (double)(d->streams.n_runs * d->m.batch) / d->streams.seconds,
               d->streams.n_streams);
    return d->trace.n_steps ? show_steps(d, err) : QUERN_OK;
}

static quern_status save_trace(const measured *d, quern_error *err)
{
    const char *path = qn_arg_text(d->args, "trace");
    qn_buf out;
    if (!path) return QUERN_OK;
    qn_buf_init(&out, (qn_mem *)&d->m.mem);
    qn_trace_chrome(&d->trace, &out);
    quern_status status = qn_buf_status(&out, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    qn_buf_done(&out);
    return status;
}

/* ---- all of it ------------------------------------------------------------------- */

/* A block of runs for each line on stdin, and the seconds of one back. */
static quern_status work(measured *d, quern_error *err)
{
    char line[64];
    const qn_clock clock = qn_clock_make();
    runs r = {d->m.session, err, QUERN_OK};
    const qn_work one = {.run = run_once, .ctx = &r};
    qn_clock_warm(&clock, &one, 1, 0.05, 0.5);
    const double t = qn_clock_sample(&clock, &one, 1);
    const int64_t calls = t < 4e-3 ? (int64_t)(4e-3 / t) + 1 : 1;
    printf("ready %s\n", d->args->operands[0]);
    fflush(stdout);
    while (r.status == QUERN_OK && fgets(line, sizeof line, stdin)) {
        printf("%.9g\n", qn_clock_sample(&clock, &one, calls));
        fflush(stdout);
    }
    return r.status;
}

static quern_status measure(measured *d, quern_error *err)
{
    const double start = qn_os_seconds();
    QN_TRY(qn_bench_model_open(&d->m, NULL, err));
    QN_TRY(quern_run(d->m.session, err));
    d->first_ms = 1e3 * (qn_os_seconds() - start) - d->m.load_ms;
    if (qn_arg_flag(d->args, "worker")) return work(d, err);
    QN_TRY(time_runs(d, err));
    quern_session_get_stats(d->m.session, &d->session);
    if (!strcmp(qn_arg_text(d->args, "scenario"), "throughput"))
        QN_TRY(throughput(d, err));
    if (!qn_arg_flag(d->args, "no-profile")) QN_TRY(profile_runs(d, err));
    QN_TRY(save_trace(d, err));
    return qn_arg_flag(d->args, "json") ? show_json(d, err) : show_text(d, err);
}

int qn_cmd_bench_model(const qn_args *args)
{
    measured d = {.args = args, .peak_rss = (double)NAN};
    quern_error err = {.status = QUERN_OK};
    const char *scenario = qn_arg_text(args, "scenario");
    if (args->n_operands != 1) return qn_usage(args, "needs one model");
    if (strcmp(scenario, "single") && strcmp(scenario, "throughput"))
        return qn_usage(args, "--scenario is single or throughput");
    if (!qn_arg_flag(args, "worker")) d.peak_rss = measure_rss(args);
    qn_bench_model_init(&d.m, args);
    const quern_status status = measure(&d, &err);
    qn_bench_model_done(&d.m);
    return status == QUERN_OK ? 0 : qn_report(args->operands[0], &err);
}
