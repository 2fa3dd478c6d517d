/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_bench_kernel.c - quern bench kernel: problems in, a row for every
 * implementation out. */
#include "bench/results.h"
#include "tools/bench_problems.h"
#include "tools/out.h"
#include "tools/term.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

const qn_option qn_bench_kernel_options[] = {
    {"file", 'f', QN_OPT_LIST, "FILE", NULL, "problems from a .qbs file"},
    {"impl", 0, QN_OPT_TEXT, "GLOB", NULL, "only implementations with such a name"},
    {"match", 0, QN_OPT_TEXT, "GLOB", NULL, "only problems whose text or name matches"},
    {"cache", 0, QN_OPT_TEXT, "STATES", "hot",
     "hot, network, cold (a comma list), or all"},
    {"time", 0, QN_OPT_REAL, "S", "0.3", "seconds for each row"},
    {"isa", 0, QN_OPT_TEXT, "NAME", NULL, "ref, avx2, avx512 or neon"},
    {"check", 0, QN_OPT_TEXT, "on|off", "on",
     "verify against double precision; off marks every row unverified"},
    {"check-dispatch", 0, QN_OPT_FLAG, NULL, NULL,
     "fail when the slot's own choice is slower than another row by more than both "
     "intervals"},
    {"list", 0, QN_OPT_FLAG, NULL, NULL, "only list problems and implementations"},
    {"no-peaks", 0, QN_OPT_FLAG, NULL, NULL, "no percentages: peaks are not measured"},
    {"counters", 0, QN_OPT_FLAG, NULL, NULL, "cycles, instructions, misses of a call"},
    {"samples", 0, QN_OPT_FLAG, NULL, NULL, "every sample in the JSON"},
    {"format", 0, QN_OPT_TEXT, "NAME", "table", "table, json, csv or md"},
    {"worker", 0, QN_OPT_FLAG, NULL, NULL, "take turns on stdin, for bench ab"},
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_bench_kernel_about[] =
    "Runs every implementation of a problem side by side.  Each is first verified in "
    "a\n"
    "process of its own against a reference in double: operands end at and begin "
    "behind\n"
    "pages that cannot be touched, results are filled with NaN, registers are "
    "watched.\n"
    "Then all are timed in turns, and what the last call left is verified again.\n"
    "\n"
    "cache: hot calls again and again; network pushes operands out of the first two\n"
    "levels before each call; cold out of all.  roof is the share of what the machine\n"
    "allows: its multiply-adds, or the bandwidth of the level that holds the "
    "operands.\n"
    "error is in units of eps times the sum of magnitudes.\n"
    "\n"
    "  quern bench kernel conv_f32:n1,ic64,h56,w56,oc64,k3x3,s1,p1,act=relu\n"
    "  quern bench kernel 'gemm_f32:m{1,8,64},n768,k768,tb' --cache all --json\n"
    "  quern bench kernel -f net.qbs --impl '*avx2*'\n";

typedef struct kernels_run {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    qn_problems problems;
    qn_kernel_bench bench;
    qn_kernel_results results;
    qn_peaks peaks;
    qn_counters counters;
    const char *format;
} kernels_run;

/* ---- options --------------------------------------------------------------------- */

static bool parse_states(const char *text, unsigned *states)
{
    *states = !strcmp(text, "all") ? 7 : 0;
    if (*states) return true;
    for (const char *p = text;;) {
        const size_t n = strcspn(p, ",");
        unsigned found = 0;
        for (unsigned i = 0; i < QN_CACHE_STATES; i++)
            if (strlen(qn_cache_names[i]) == n && !memcmp(p, qn_cache_names[i], n))
                found = 1u << i;
        if (!found) return false;
        *states |= found;
        if (!p[n]) return true;
        p += n + 1;
    }
}

static bool parse_isa(const char *text, unsigned *isa)
{
    *isa = qn_cpu_isa();
    if (!text) return true;
    return qn_isa_named(text, isa);
}

static int set_up(kernels_run *r)
{
    const qn_args *a = r->args;
    unsigned isa;
    const char *formats[] = {"table", "json", "csv", "md"};
    r->format = qn_arg_flag(a, "json") ? "json" : qn_arg_text(a, "format");
    bool is_known = false;
    for (int i = 0; i < 4; i++)
        is_known |= !strcmp(r->format, formats[i]);
    if (!is_known) return qn_usage(a, "--format %s is not known", r->format);
    if (!parse_isa(qn_arg_text(a, "isa"), &isa))
        return qn_usage(a, "--isa %s is not there", qn_arg_text(a, "isa"));
    qn_kernel_bench_init(&r->bench, isa);
    if (!parse_states(qn_arg_text(a, "cache"), &r->bench.states))
        return qn_usage(a, "--cache %s: hot, network, cold or all",
                        qn_arg_text(a, "cache"));
    const char *check = qn_arg_text(a, "check");
    if (strcmp(check, "on") && strcmp(check, "off"))
        return qn_usage(a, "--check is on or off");
    r->bench.skip_check = !strcmp(check, "off");
    r->bench.impl = qn_arg_text(a, "impl");
    r->bench.seconds = qn_arg_real(a, "time");
    return 0;
}

/* ---- output ---------------------------------------------------------------------- */

static const char *const heads[] = {"implementation", "cache",   "median us",
                                    "95 % interval",  "GFLOP/s", "GB/s",
                                    "roof",           "error",   "status"};
enum { COLUMNS = 9, CELL = 288 };

static void cells(const qn_kernel_result *r, char text[COLUMNS][CELL])
{
    const qn_stats *s = &r->seconds;
    const int digits = s->median < 1e-4 ? 3 : s->median < 1e-2 ? 1 : 0;
    snprintf(text[0], CELL, "%s%s", r->impl, r->is_best ? " *" : "");
    snprintf(text[1], CELL, "%s", qn_cache_names[r->cache]);
    for (int i = 2; i < 7; i++)
        snprintf(text[i], CELL, "-");
    if (r->is_timed) {
        snprintf(text[2], CELL, "%.*f", digits, 1e6 * s->median);
        snprintf(text[3], CELL, "[%.*f, %.*f]", digits, 1e6 * s->lo, digits,
                 1e6 * s->hi);
        snprintf(text[4], CELL, "%.1f", r->gflops);
        snprintf(text[5], CELL, "%.1f", r->gbps);
        if (r->roof_pct >= 0)
            snprintf(text[6], CELL, "%.1f%% %s", r->roof_pct, r->roof);
    }
    snprintf(text[7], CELL, "%.2g", r->check.error_u);
    snprintf(text[8], CELL, "%s%s%s", qn_check_name(r->check.status),
             r->check.text[0] ? ": " : "", r->check.text);
}

static void show_table(kernels_run *r, int from)
{
    qn_table table;
    char text[COLUMNS][CELL];
    qn_table_begin(&table, &r->mem, "llrrrrrrl");
    for (int i = 0; i < COLUMNS; i++)
        qn_table_cell(&table, "%s", heads[i]);
    for (int i = from; i < r->results.n; i++) {
        cells(&r->results.r[i], text);
        for (int k = 0; k < COLUMNS; k++)
            qn_table_cell(&table, "%s", text[k]);
    }
    quern_error err;
    if (qn_table_print(&table, stdout, &err) != QUERN_OK) qn_report(NULL, &err);
    for (int i = from; i < r->results.n; i++) {
        const qn_kernel_result *q = &r->results.r[i];
        for (int k = 0; k < QN_COUNTERS; k++)
            if (q->counters[k] >= 0)
                printf("%s%s %s of a call", k ? ", " : q->impl, k ? "" : ":",
                       QN_SCALED(q->counters[k]));
        if (q->counters[0] >= 0) printf("\n");
    }
    fflush(stdout);
}

static void show_markdown(const kernels_run *r, int from)
{
    char text[COLUMNS][CELL];
    if (from == 0) {
        printf("| problem |");
        for (int i = 0; i < COLUMNS; i++)
            printf(" %s |", heads[i]);
        printf("\n|---|---|---|--:|--:|--:|--:|--:|--:|---|\n");
    }
    for (int i = from; i < r->results.n; i++) {
        cells(&r->results.r[i], text);
        printf("| `%s` |", r->results.r[i].text);
        for (int k = 0; k < COLUMNS; k++)
            printf(" %s |", text[k]);
        printf("\n");
    }
}

static int show(kernels_run *r, int from)
{
    qn_buf out;
    if (!strcmp(r->format, "table")) show_table(r, from);
    if (!strcmp(r->format, "md")) show_markdown(r, from);
    qn_buf_init(&out, &r->mem);
    const bool is_csv = !strcmp(r->format, "csv");
    if (is_csv && from == 0) qn_kernel_result_csv_head(&out);
    for (int i = from; i < r->results.n; i++) {
        if (is_csv) qn_kernel_result_csv(&out, &r->results.r[i]);
        if (!strcmp(r->format, "json"))
            qn_kernel_result_json(&out, &r->results.r[i],
                                  qn_arg_flag(r->args, "samples"));
    }
    const int code = out.n ? qn_out_flush(&out) : 0;
    qn_buf_done(&out);
    return code;
}

/* The last row of a slot is what sessions use: a row that beats it by more than both
 * intervals is a mistake of kernels.def. */
static int check_dispatch(const kernels_run *r)
{
    int found = 0;
    for (int i = 0; i < r->results.n; i++) {
        const qn_kernel_result *a = &r->results.r[i];
        for (int k = i + 1; k < r->results.n; k++) {
            const qn_kernel_result *b = &r->results.r[k];
            if (a->problem != b->problem || a->cache != b->cache || !a->is_timed ||
                !b->is_timed)
                continue;
            const size_t n = strcspn(a->impl, "_"), m = strcspn(b->impl, "_");
            if (n != m || memcmp(a->impl, b->impl, n) || a->seconds.hi >= b->seconds.lo)
                continue;
            qn_say("%s: %s is faster than %s, which is chosen", a->text, a->impl,
                   b->impl);
            found++;
        }
    }
    return found;
}

/* ---- running --------------------------------------------------------------------- */

static int list(const kernels_run *r)
{
    qn_impl impls[QN_IMPLS];
    char text[QN_PROBLEM_TEXT];
    for (int i = 0; i < r->problems.n; i++) {
        const int n = qn_impls_of(&r->bench, &r->problems.p[i], impls);
        printf("%s\n", qn_problem_text(text, &r->problems.p[i], true));
        for (int k = 0; k < n; k++)
            printf("    %s\n", impls[k].name);
    }
    return 0;
}

static bool is_wanted(const kernels_run *r, const qn_problem *p)
{
    const char *match = qn_arg_text(r->args, "match");
    char text[QN_PROBLEM_TEXT];
    return !match || fnmatch(match, qn_problem_text(text, p, false), 0) == 0 ||
           fnmatch(match, p->name, 0) == 0;
}

static quern_status prepare(kernels_run *r, quern_error *err)
{
    const bool is_quiet = qn_arg_flag(r->args, "quiet");
    if (!qn_arg_flag(r->args, "no-peaks")) {
        QN_TRY(qn_peaks_measure(&r->peaks, 1, &r->mem, err));
        r->bench.peaks = &r->peaks;
    }
    if (qn_arg_flag(r->args, "counters")) {
        qn_counters_open(&r->counters);
        r->bench.counters = &r->counters;
        if (r->counters.why[0] && !is_quiet) qn_say("%s", r->counters.why);
    }
    return QUERN_OK;
}

static int run_all(kernels_run *r, quern_error *err)
{
    int code = 0;
    if (prepare(r, err) != QUERN_OK) return qn_report(NULL, err);
    for (int i = 0; i < r->problems.n && !qn_interrupted(NULL); i++) {
        const qn_problem *p = &r->problems.p[i];
        const int from = r->results.n;
        char text[QN_PROBLEM_TEXT];
        if (!is_wanted(r, p)) continue;
        if (!strcmp(r->format, "table"))
            printf("%s%s\n", i ? "\n" : "", qn_problem_text(text, p, true));
        if (qn_kernel_bench_run(&r->bench, p, &r->results, err) != QUERN_OK)
            return qn_report(qn_problem_text(text, p, false), err);
        if (r->results.n == from) qn_say("%s: no implementation fits", p->kind->name);
        if (show(r, from)) return 1;
        for (int k = from; k < r->results.n; k++)
            if (r->results.r[k].check.status != QN_CHECK_OK &&
                r->results.r[k].check.status != QN_CHECK_SKIPPED)
                code = 1;
    }
    if (qn_interrupted(NULL)) return 130;
    if (qn_arg_flag(r->args, "check-dispatch") && check_dispatch(r)) code = 1;
    return code;
}

/* A block of the fastest row for each line on stdin, its seconds back. */
static int work(kernels_run *r)
{
    char line[64];
    if (r->problems.n != 1) return qn_usage(r->args, "--worker takes one problem");
    qn_worker_case w;
    quern_error err;
    if (qn_worker_case_open(&w, &r->bench, &r->problems.p[0], &r->arena, &err) !=
        QUERN_OK)
        return qn_report(NULL, &err);
    printf("ready %s\n", w.impl.name);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        printf("%.9g\n", qn_worker_case_block(&w));
        fflush(stdout);
    }
    qn_worker_case_close(&w);
    return 0;
}

int qn_cmd_bench_kernel(const qn_args *args)
{
    kernels_run r = {.args = args};
    quern_error err = {.status = QUERN_OK};
    int code = set_up(&r);
    if (code) return code;
    for (int i = 0; i < QN_COUNTERS; i++)
        r.counters.fd[i] = -1;
    qn_mem_init(&r.mem, NULL, 0);
    qn_arena_init(&r.arena, &r.mem);
    r.results.arena = r.problems.arena = &r.arena;
    code = qn_bench_problems(args, NULL, &r.problems);
    if (code == 0)
        code = qn_arg_flag(args, "list")     ? list(&r)
               : qn_arg_flag(args, "worker") ? work(&r)
                                             : run_all(&r, &err);
    qn_counters_close(&r.counters);
    qn_arena_done(&r.arena);
    return code;
}
