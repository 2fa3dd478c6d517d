/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_bench_ab.c - quern bench ab: is the new program slower than the old one?
 *
 * Both run as workers that take turns, pinned to the same core when they use one
 * thread, and the old one runs a second time as the control (see bench/paired.h).  Each
 * is started several times, since where a program lies in memory can decide a few
 * percent.
 */
#include "bench/bench_os.h"
#include "bench/paired.h"
#include "bench/stats.h"
#include "engine/os.h"
#include "tools/bench_problems.h"
#include "tools/out.h"
#include "tools/term.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const qn_option qn_bench_ab_options[] = {
    {"model", 'm', QN_OPT_LIST, "MODEL", NULL, "compare runs of a network"},
    {"problem", 'p', QN_OPT_LIST, "PROBLEM", NULL, "compare kernels on a problem"},
    {"file", 'f', QN_OPT_LIST, "FILE", NULL, "compare kernels on those of a .qbs file"},
    {"threshold", 0, QN_OPT_REAL, "SHARE", "0.01", "differences below do not count"},
    {"control", 0, QN_OPT_REAL, "SHARE", "0.03",
     "rounds whose controls are off by more are dropped; 0: none"},
    {"rounds", 0, QN_OPT_INT, "N", "400", "most rounds for each comparison"},
    {"time", 0, QN_OPT_REAL, "S", "20", "seconds for each comparison"},
    {"launches", 0, QN_OPT_INT, "N", "4", "times that each program is started"},
    {"strict", 0, QN_OPT_FLAG, NULL, NULL, "inconclusive counts as slower"},
    {"threads", 't', QN_OPT_INT, "N", "1", "threads of a network"},
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_bench_ab_about[] =
    "OLD and NEW are two quern programs.  They take turns of some milliseconds, in\n"
    "changing order, each twice in a round; OLD's second turn is another process of "
    "it,\n"
    "the control.  Rounds in which a program is off from itself by more than "
    "--control\n"
    "are dropped and counted.  What counts is the median of the ratios of a round and\n"
    "its 99 % interval by order statistics.\n"
    "SLOWER: the interval lies above the threshold and above what the control shows;\n"
    "FASTER: below; SAME: within; else INCONCLUSIVE.\n"
    "\n"
    "Exit code: 0 same or faster, 1 slower anywhere; with --strict also when it is\n"
    "inconclusive.\n"
    "\n"
    "  quern bench ab old/quern build/quern --model resnet18.onnx\n"
    "  quern bench ab old/quern build/quern -f resnet18.qbs --strict\n";

enum { MAX_ROUNDS = 100000 };

/* The programs that run: OLD, NEW, and OLD once more. */
enum { WORKERS = QN_SIDE_A2 + 1 };

/* One thing that both sides do. */
typedef struct contest {
    const qn_args *args;
    const char *programs[WORKERS];
    const char *what; /* model or problem */
    bool is_model;
    qn_worker workers[WORKERS];
    int cpu; /* to pin to; -1: none */
    quern_error err;
    double *samples, *room;
    bool *is_starved;
    int max_rounds;
} contest;

static double now(void *ctx)
{
    (void)ctx;
    return qn_os_seconds();
}

static quern_status start_worker(contest *c, int side, quern_error *err)
{
    char answer[4096];
    const char *threads = qn_arg_text(c->args, "threads");
    const char *argv[] = {
        c->programs[side], "bench",    c->is_model ? "model" : "kernel",
        c->what,           "--worker", c->is_model ? "--threads" : NULL,
        threads,           NULL};
    QN_TRY(qn_worker_start(&c->workers[side], argv, c->cpu, false, err));
    const quern_status status =
        qn_worker_ask(&c->workers[side], NULL, answer, sizeof answer, 300, err);
    if (status != QUERN_OK) return status;
    if (strncmp(answer, "ready", 5) != 0)
        return qn_fail(err, QUERN_FORMAT, "answers '%.60s' and not 'ready'",
                       QN_CLEAN(answer));
    return QUERN_OK;
}

static double measure(void *ctx, int side)
{
    contest *c = ctx;
    char answer[64];
    double seconds = 0;
    if (side == QN_SIDE_B2) side = QN_SIDE_B;
    if (qn_interrupted(NULL)) return 0;
    if (qn_worker_ask(&c->workers[side], "go", answer, sizeof answer, 300, &c->err) !=
        QUERN_OK) {
        qn_within(&c->err, "%s", c->programs[side]);
        return 0;
    }
    if (!qn_word_real(answer, &seconds))
        qn_fail(&c->err, QUERN_FORMAT, "%s: '%s' is no time", c->programs[side],
                QN_CLEAN(answer));
    return seconds;
}

static qn_paired settings(const contest *c, int launches)
{
    return (qn_paired){
        .measure = measure,
        .now = now,
        .ctx = (void *)c,
        .min_rounds = c->max_rounds / launches < 8 ? c->max_rounds / launches : 8,
        .max_rounds = c->max_rounds / launches,
        .budget = qn_arg_real(c->args, "time") / launches,
        .threshold = qn_arg_real(c->args, "threshold"),
        .confidence = 0.99,
        .control = qn_arg_real(c->args, "control"),
        .cores = c->is_model ? (int)qn_arg_int(c->args, "threads") : 1,
        .is_starved = c->is_starved,
    };
}

/* Rounds of all launches, one behind the other, judged together. */
static quern_status compete(contest *c, qn_comparison *out, quern_error *err)
{
    int64_t launches = qn_arg_int(c->args, "launches");
    if (launches < 1) launches = 1;
    if (launches > c->max_rounds) launches = c->max_rounds;
    const qn_paired all = settings(c, (int)launches);
    int rounds = 0;
    c->err.status = QUERN_OK;
    for (int64_t i = 0; i < launches; i++) {
        quern_status status = QUERN_OK;
        for (int side = 0; side < WORKERS && status == QUERN_OK; side++) {
            status = start_worker(c, side, err);
            if (status != QUERN_OK) qn_within(err, "%s", c->programs[side]);
        }
        qn_comparison part = {.is_complete = false};
        qn_paired how = all;
        how.is_starved += rounds;
        if (status == QUERN_OK)
            part = qn_compare_paired(&how, c->samples + (size_t)rounds * QN_SIDES,
                                     c->room);
        for (int side = 0; side < WORKERS; side++)
            qn_worker_stop(&c->workers[side]);
        if (status != QUERN_OK) return status;
        if (!part.is_complete) {
            if (qn_interrupted(NULL))
                return qn_fail(err, QUERN_CANCELLED, "interrupted");
            *err = c->err;
            return c->err.status;
        }
        rounds += part.rounds;
    }
    *out = qn_judge_paired(&all, c->samples, rounds, c->room);
    return QUERN_OK;
}

/* ---- output ---------------------------------------------------------------------- */

static double median_of(const contest *c, int rounds, int side)
{
    for (int i = 0; i < rounds; i++)
        c->room[i] = c->samples[(size_t)i * QN_SIDES + (size_t)side];
    qn_sort(c->room, rounds);
    return qn_median(c->room, rounds);
}

static int show_json(const contest *c, const qn_comparison *r, qn_mem *mem)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "what", c->what);
    qn_json_text(&j, "old", c->programs[QN_SIDE_A]);
    qn_json_text(&j, "new", c->programs[QN_SIDE_B]);
    qn_json_text(&j, "verdict", qn_judgement_name(r->verdict));
    qn_json_real(&j, "ratio", r->b.median);
    qn_json_real(&j, "ci_lo", r->b.lo);
    qn_json_real(&j, "ci_hi", r->b.hi);
    qn_json_real(&j, "p", r->b.p);
    qn_json_int(&j, "ties", r->b.ties);
    qn_json_real(&j, "control_ratio", r->control.median);
    qn_json_real(&j, "control_lo", r->control.lo);
    qn_json_real(&j, "control_hi", r->control.hi);
    qn_json_real(&j, "floor", r->floor);
    qn_json_real(&j, "threshold", qn_arg_real(c->args, "threshold"));
    qn_json_int(&j, "rounds", r->rounds);
    qn_json_int(&j, "dropped", r->dropped);
    qn_json_int(&j, "starved", r->starved);
    qn_json_real(&j, "old_ms", 1e3 * median_of(c, r->rounds, QN_SIDE_A));
    qn_json_real(&j, "new_ms", 1e3 * median_of(c, r->rounds, QN_SIDE_B));
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

static void show_text(const contest *c, const qn_comparison *r)
{
    printf("%-12s  new/old %.4f [%.4f, %.4f]  control %.4f [%.4f, %.4f]  old %.4f ms  "
           "%d rounds, %d dropped",
           qn_judgement_name(r->verdict), r->b.median, r->b.lo, r->b.hi,
           r->control.median, r->control.lo, r->control.hi,
           1e3 * median_of(c, r->rounds, QN_SIDE_A), r->rounds, r->dropped);
    if (r->starved) printf(" (%d for want of cores)", r->starved);
    printf("  %s\n", QN_CLEAN(c->what));
    fflush(stdout);
}

/* ---- all of it ------------------------------------------------------------------- */

typedef struct totals {
    int n, slower, inconclusive;
    double log_sum;
} totals;

static quern_status one_contest(contest *c, const char *what, bool is_model, totals *t,
                                qn_mem *mem, quern_error *err)
{
    qn_comparison r = {.rounds = 0};
    c->what = what;
    c->is_model = is_model;
    QN_TRY(compete(c, &r, err));
    if (qn_arg_flag(c->args, "json"))
        show_json(c, &r, mem);
    else
        show_text(c, &r);
    t->n++;
    t->slower += r.verdict == QN_JUDGED_SLOWER;
    t->inconclusive += r.verdict == QN_JUDGED_INCONCLUSIVE;
    t->log_sum += log(r.all.median);
    return QUERN_OK;
}

static quern_status all_contests(contest *c, qn_problems *problems, totals *t,
                                 quern_error *err)
{
    qn_mem *mem = problems->arena->mem;
    char text[QN_PROBLEM_TEXT];
    for (int i = 0; i < qn_arg_count(c->args, "model"); i++)
        QN_TRY(one_contest(c, qn_arg_nth(c->args, "model", i), true, t, mem, err));
    for (int i = 0; i < problems->n; i++)
        QN_TRY(one_contest(c, qn_problem_text(text, &problems->p[i], false), false, t,
                           mem, err));
    return QUERN_OK;
}

static quern_status make_room(contest *c, qn_arena *arena, quern_error *err)
{
    void *at;
    const size_t n = (size_t)c->max_rounds;
    QN_TRY(qn_arena_array(arena, n * QN_SIDES, sizeof(double), &at, err));
    c->samples = at;
    QN_TRY(qn_arena_array(arena, n, sizeof(double), &at, err));
    c->room = at;
    QN_TRY(qn_arena_array(arena, n, sizeof(bool), &at, err));
    c->is_starved = at;
    return QUERN_OK;
}

static int run(contest *c, qn_problems *problems)
{
    quern_error err = {.status = QUERN_OK};
    totals t = {0};
    quern_status status = make_room(c, problems->arena, &err);
    if (status == QUERN_OK) status = all_contests(c, problems, &t, &err);
    if (status != QUERN_OK) return qn_report(NULL, &err);
    if (t.n > 1 && !qn_arg_flag(c->args, "json"))
        printf("%d comparisons: new/old %.4f (geometric mean), %d slower, %d "
               "inconclusive\n",
               t.n, exp(t.log_sum / t.n), t.slower, t.inconclusive);
    return t.slower || (t.inconclusive && qn_arg_flag(c->args, "strict"));
}

int qn_cmd_bench_ab(const qn_args *args)
{
    qn_mem mem;
    qn_arena arena;
    qn_problems problems = {.arena = &arena};
    contest c = {.args = args, .cpu = -1};
    int cpus[1024];
    if (args->n_operands != 2) return qn_usage(args, "needs two programs, OLD and NEW");
    const int64_t rounds = qn_arg_int(args, "rounds");
    c.max_rounds = rounds < 1 ? 1 : rounds > MAX_ROUNDS ? MAX_ROUNDS : (int)rounds;
    c.programs[QN_SIDE_A] = c.programs[QN_SIDE_A2] = args->operands[0];
    c.programs[QN_SIDE_B] = args->operands[1];
    if (!(qn_arg_real(args, "threshold") > 0))
        return qn_usage(args, "--threshold is above 0");
    if (!(qn_arg_real(args, "control") >= 0))
        return qn_usage(args, "--control is not below 0");
    if (qn_arg_int(args, "threads") == 1 && qn_cpus_allowed(cpus, 1024) > 0)
        c.cpu = cpus[0];
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    int code = 0;
    const bool has_problems =
        qn_arg_count(args, "file") || qn_arg_count(args, "problem");
    if (has_problems) code = qn_bench_problems(args, "problem", &problems);
    if (code == 0 && !has_problems && !qn_arg_count(args, "model"))
        code = qn_usage(args, "needs something to run: --model, --problem or --file");
    if (code == 0) code = run(&c, &problems);
    qn_arena_done(&arena);
    return code;
}
