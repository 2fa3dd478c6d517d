/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_bench_model.c - quern bench model: whole networks, one or many. */
#include "bench/clock.h"
#include "bench/ort_library.h"
#include "engine/text.h"
#include "tools/model_scenario.h"
#include "tools/term.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const qn_option qn_bench_model_options[] = {
    {"time", 0, QN_OPT_REAL, "S", "2", "seconds of timed runs"},
    {"batch", 0, QN_OPT_INT, "N", NULL,
     "images in a run, where the model leaves it free"},
    QN_OPTION_SHAPE,
    {"random", 0, QN_OPT_INT, "SEED", "1", "of the inputs, which are made up"},
    {"scenario", 0, QN_OPT_TEXT, "NAME", "single",
     "single: one run after the other; multi: eight in a query; server: requests that "
     "come when they come; throughput: streams side by side"},
    {"rate", 0, QN_OPT_REAL, "N", "0",
     "requests a second of server; 0: half of what can be served"},
    {"bound", 0, QN_OPT_REAL, "MS", "0",
     "of server: find the greatest rate whose p99 stays within"},
    {"streams", 0, QN_OPT_INT, "N", "0", "of throughput; 0: a stream a core"},
    {"trace", 0, QN_OPT_TEXT, "FILE", NULL,
     "write every step as a Chrome trace (Perfetto shows it)"},
    {"top", 0, QN_OPT_INT, "N", "15", "steps to show"},
    {"no-profile", 0, QN_OPT_FLAG, NULL, NULL, "no time by step"},
    {"no-rss", 0, QN_OPT_FLAG, NULL, NULL,
     "no peak memory, which takes a child process"},
    {"samples", 0, QN_OPT_FLAG, NULL, NULL, "every sample in the JSON"},
    {"ort", 0, QN_OPT_TEXT, "auto|PYTHON|LIB", NULL,
     "in turns with ONNX Runtime, from that Python or shared library; off: not"},
    {"control", 0, QN_OPT_REAL, "SHARE", "0.03",
     "rounds of turns whose controls are off by more are dropped; 0: none"},
    {"ort-child", 0, QN_OPT_TEXT, "LIB", NULL, "be ONNX Runtime for another quern"},
    {"worker", 0, QN_OPT_FLAG, NULL, NULL, "take turns on stdin, for bench ab"},
    {"threads", 't', QN_OPT_TEXT, "N[,N]...", "0",
     "threads to use, 0: the physical cores; further ones are compared with the first"},
    QN_OPTIONS_SESSION,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_bench_model_about[] =
    "Times a network on made-up inputs: load, first run, and runs after warming up,\n"
    "whose median comes with a 95 % interval that holds for any distribution.  Peak\n"
    "memory is that of a process of its own which loads the model and runs it twice.\n"
    "The time by step comes from separate runs, so that taking it costs nothing.\n"
    "A model is a file or a built-in network, NAME[@SIDE]: resnet20@32, mobile-s@224.\n"
    "Several models give a row each and the geometric mean of their ratios.\n"
    "\n"
    "In the server scenario requests have exponential gaps, and a latency counts from "
    "when\na request was due.  p99 comes with a bound that holds with 95 % confidence, "
    "from 299\nsamples on.\n"
    "\n"
    "--ort runs ONNX Runtime in a process without network, with its telemetry off, "
    "the\n"
    "same inputs and as many threads: outputs are compared, and both run in turns, "
    "each\n"
    "twice a round.  The ratio is its time over quern's (processor time for one "
    "thread,\n"
    "else wall time): the median of the rounds in which neither was off from itself "
    "by\n"
    "more than --control.  --threads 1,2 compares numbers of threads in the same way.\n"
    "\n"
    "  quern bench model resnet50.onnx --threads 1 --json\n"
    "  quern bench model net.onnx --batch 8 --trace net.json\n"
    "  quern bench model a.onnx b.onnx --threads 1 --ort auto --no-profile\n"
    "  quern bench model net.onnx --threads 1,2\n"
    "  quern bench model net.onnx --scenario server --bound 20\n";

/* "1,2,4": false when it is no such list. */
static bool parse_threads(const char *text, int counts[QN_THREAD_COUNTS], int *n)
{
    for (*n = 0; *n < QN_THREAD_COUNTS; text++) {
        const size_t length = strcspn(text, ",");
        int64_t count;
        if (!qn_text_to_int(text, length, &count) || count < 0 || count > 1024)
            return false;
        counts[(*n)++] = (int)count;
        text += length;
        if (!*text) return true;
    }
    return false;
}

/* ---- a side of bench ab ---------------------------------------------------------- */

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

/* A block of runs for each line on stdin, and the seconds of one back. */
static quern_status work(qn_model_figures *f, quern_error *err)
{
    char line[64];
    const qn_clock clock = qn_clock_make();
    runs r = {f->m.session, err, QUERN_OK};
    const qn_work one = {.run = run_once, .ctx = &r};
    qn_clock_warm(&clock, &one, 1, 0.05, 0.5);
    const double t = qn_clock_sample(&clock, &one, 1);
    const int64_t calls = t < 4e-3 ? (int64_t)(4e-3 / t) + 1 : 1;
    printf("ready %s\n", f->m.path);
    fflush(stdout);
    while (r.status == QUERN_OK && fgets(line, sizeof line, stdin)) {
        printf("%.9g\n", qn_clock_sample(&clock, &one, calls));
        fflush(stdout);
    }
    return r.status;
}

/* ---- one after the other --------------------------------------------------------- */

typedef struct ratios {
    int n;
    double logs;
} ratios;

typedef struct series {
    const qn_args *args;
    int threads[QN_THREAD_COUNTS], n_threads;
    const double *peak_rss;
    qn_table table; /* of several */
    ratios ratios, scalings;
} series;

/* Comparisons of too few rounds for an interval say nothing. */
static void add_ratio(ratios *r, const qn_comparison *c)
{
    if (!isfinite(c->b.hi)) return;
    r->logs += log(c->b.median);
    r->n++;
}

static double geometric_mean(const ratios *r)
{
    return r->n ? exp(r->logs / r->n) : (double)NAN;
}

static quern_status show(series *s, const qn_model_figures *f, quern_error *err)
{
    if (f->ort.is_there) add_ratio(&s->ratios, &f->ort.turns.by[f->ort.clock]);
    if (f->n_scalings > 0) add_ratio(&s->scalings, &f->scaling[0].turns.by[QN_BY_WALL]);
    if (qn_arg_flag(s->args, "json")) return qn_model_figures_json(f, err);
    if (s->args->n_operands == 1) return qn_model_figures_text(f, err);
    qn_model_row(f, &s->table);
    if (f->wants_ort && !f->ort.is_there)
        qn_say("%s: ONNX Runtime: skipped: %s", f->m.path, QN_CLEAN(f->ort.why));
    return QUERN_OK;
}

static int one_model(series *s, int i)
{
    const char *path = s->args->operands[i];
    quern_error err = {.status = QUERN_OK};
    qn_model_figures f;
    qn_model_figures_init(&f, s->args, path, s->threads[0]);
    if (s->peak_rss) f.peak_rss = s->peak_rss[i];
    quern_status status = qn_model_figures_open(&f, &err);
    if (status == QUERN_OK && qn_arg_flag(s->args, "worker")) {
        status = work(&f, &err);
    } else if (status == QUERN_OK) {
        status = qn_model_figures_measure(&f, s->threads + 1, s->n_threads - 1, &err);
        if (status == QUERN_OK) status = show(s, &f, &err);
    }
    qn_model_figures_done(&f);
    return status == QUERN_OK ? 0 : qn_report(path, &err);
}

/* What may be said of all of them. */
static int summarize(series *s, qn_mem *mem)
{
    const double ratio = geometric_mean(&s->ratios);
    const double speedup = geometric_mean(&s->scalings);
    const bool is_text = !qn_arg_flag(s->args, "json");
    quern_error err;
    if (qn_table_print(&s->table, is_text ? stdout : NULL, &err) != QUERN_OK)
        return qn_report(NULL, &err);
    if (is_text) {
        if (s->ratios.n)
            printf("geometric mean of %d ratios: %.3f\n", s->ratios.n, ratio);
        if (s->scalings.n)
            printf("%d threads against %d, geometric mean of %d: %.3f\n", s->threads[1],
                   s->threads[0], s->scalings.n, speedup);
        return 0;
    }
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, mem);
    qn_json_begin(&j, &out);
    qn_json_int(&j, "models", s->args->n_operands);
    qn_json_int(&j, "ratios", s->ratios.n);
    qn_json_real(&j, "geomean_ratio", ratio);
    qn_json_real(&j, "geomean_scaling", speedup);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

static int all_models(series *s, qn_arena *arena)
{
    const int n = s->args->n_operands;
    int code = 0;
    if (!qn_arg_flag(s->args, "worker")) {
        quern_error err;
        void *at;
        if (qn_arena_array(arena, (size_t)n, sizeof(double), &at, &err) != QUERN_OK)
            return qn_report(NULL, &err);
        double *peaks = at;
        for (int i = 0; i < n; i++)
            peaks[i] = qn_model_peak_rss(s->args, s->args->operands[i], s->threads[0]);
        s->peak_rss = peaks;
    }
    qn_table_begin(&s->table, arena->mem, qn_model_row_align);
    qn_model_row_heads(&s->table);
    for (int i = 0; i < n && !qn_interrupted(NULL); i++) {
        const int failed = one_model(s, i);
        if (failed) code = failed;
    }
    const bool is_stopped = code == 130 && qn_arg_flag(s->args, "json");
    if (n > 1 && !is_stopped) /* a table shows the rows that are done */
        summarize(s, arena->mem);
    else
        qn_table_end(&s->table);
    return code;
}

/* ---- the other side of --ort LIB ------------------------------------------------- */

static int be_ort(const series *s, qn_arena *arena)
{
    quern_error err = {.status = QUERN_OK};
    const quern_status status =
        qn_ort_library_serve(qn_arg_text(s->args, "ort-child"), s->args->operands[0],
                             s->threads[0], arena, &err);
    if (status == QUERN_OK) return 0;
    printf("error %s\n", QN_CLEAN(err.text));
    return 1;
}

/* ---- all of it ------------------------------------------------------------------- */

int qn_cmd_bench_model(const qn_args *args)
{
    series s = {.args = args};
    qn_mem mem;
    qn_arena arena;
    const char *scenario = qn_arg_text(args, "scenario");
    if (args->n_operands < 1) return qn_usage(args, "needs a model");
    if (qn_arg_flag(args, "worker") && args->n_operands != 1)
        return qn_usage(args, "--worker takes one model");
    if (!qn_model_scenario_is_known(scenario))
        return qn_usage(args, "--scenario is " QN_SCENARIO_NAMES);
    if (!parse_threads(qn_arg_text(args, "threads"), s.threads, &s.n_threads))
        return qn_usage(args,
                        "--threads takes numbers of threads, '1' or '1,2', not '%s'",
                        qn_arg_text(args, "threads"));
    if (!(qn_arg_real(args, "control") >= 0))
        return qn_usage(args, "--control is not below 0");
    if (args->n_operands > 1 && qn_arg_text(args, "trace"))
        return qn_usage(args, "--trace takes one model");
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    const int code =
        qn_arg_text(args, "ort-child") ? be_ort(&s, &arena) : all_models(&s, &arena);
    qn_arena_done(&arena);
    return code;
}
