/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_verify.c - quern verify: ONNX conformance folders, a process per test. */
#include "engine/os.h"
#include "tools/feed.h"
#include "tools/out.h"
#include "tools/process.h"
#include "tools/suite.h"
#include "tools/term.h"
#include "tools/verdict.h"

#include <string.h>

const qn_option qn_verify_options[] = {
    {"match", 'm', QN_OPT_TEXT, "GLOB", NULL, "only tests whose name matches"},
    {"rtol", 0, QN_OPT_REAL, "R", "1e-3", "relative tolerance of floats"},
    {"atol", 0, QN_OPT_REAL, "A", "1e-7", "absolute tolerance of floats"},
    {"xfail", 'x', QN_OPT_TEXT, "FILE", NULL,
     "tests expected to fail, a line each: GLOB reason"},
    {"expect", 0, QN_OPT_TEXT, "FILE", NULL,
     "fail when a test that this table has as passed does not pass"},
    {"table", 0, QN_OPT_TEXT, "FILE", NULL, "write the results as such a table"},
    {"jobs", 'j', QN_OPT_INT, "N", NULL, "tests at a time (default: as --threads)"},
    {"verbose", 'v', QN_OPT_FLAG, NULL, NULL, "a line for every test"},
    QN_OPTIONS_ENGINE,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_verify_about[] =
    "Walks folders of ONNX backend tests: model.onnx beside test_data_set_<n>, and "
    "flat\n"
    "light_<net>.onnx.  A test runs in a process of its own, single-threaded, for at "
    "most\n"
    "10 seconds (--limit seconds=N), so crashes and time-outs are results.  Shapes, "
    "element\n"
    "types, integers and strings must be exact, floats within atol + rtol*|expected|.\n"
    "\n"
    "A test named in the --xfail file counts as skipped when it fails, and as failed "
    "when\n"
    "it passes; a crash or a time-out is never expected.\n"
    "\n"
    "  quern verify onnx/backend/test/data --match 'test_conv*' -v\n";

/* ---- children ---- */

typedef struct verification {
    qn_suite *suite;
    qn_suite_options options;
    qn_verdict *verdict;
    qn_progress progress;
    int64_t n_done;
    bool is_verbose;
} verification;

static void work(void *ctx, int64_t item, qn_saying *say)
{
    const verification *v = ctx;
    quern_error err = {.status = QUERN_OK};
    const quern_status status = qn_suite_run(&v->suite->tests[item], &v->options, &err);
    say->code = status == QUERN_OK ? QN_TEST_PASSED : QN_TEST_FAILED;
    if (status != QUERN_OK) snprintf(say->text, sizeof say->text, "%s", err.text);
}

static void show(verification *v, const qn_suite_test *t)
{
    const bool is_bad = t->status != QN_TEST_PASSED && t->status != QN_TEST_SKIPPED;
    if (!is_bad && !v->is_verbose) return;
    qn_progress_hide(&v->progress);
    fprintf(stderr, "%-9s %s%s%s\n", qn_test_status_name(t->status), QN_CLEAN(t->name),
            t->reason ? ": " : "", t->reason ? QN_CLEAN(t->reason) : "");
}

static void done(void *ctx, int64_t item, qn_outcome outcome, int signal,
                 const qn_saying *said, double seconds)
{
    verification *v = ctx;
    qn_suite_test *t = &v->suite->tests[item];
    char reason[QN_SAYING_MAX];
    snprintf(reason, sizeof reason, "%s", said->text);
    t->status = said->code;
    t->seconds = seconds;
    if (outcome == QN_TIMED_OUT) {
        t->status = QN_TEST_TIMED_OUT;
        snprintf(reason, sizeof reason, "stopped after %.1f s", seconds);
    } else if (outcome == QN_CRASHED) {
        t->status = QN_TEST_CRASHED;
        snprintf(reason, sizeof reason, "ended by signal %d", signal);
    }
    qn_verdict_expect(v->verdict, t, reason);
    show(v, t);
    qn_progress_step(&v->progress, ++v->n_done);
}

/* ---- the command ---- */

static quern_status find_tests(const qn_args *args, qn_suite *suite, quern_error *err)
{
    for (int i = 0; i < args->n_operands; i++)
        QN_TRY(qn_suite_add(suite, args->operands[i], qn_arg_text(args, "match"), err));
    qn_suite_sort(suite);
    if (suite->n == 0)
        return qn_fail(err, QUERN_INVALID, "no tests found in %s%s", args->operands[0],
                       args->n_operands > 1 ? " and the rest" : "");
    return QUERN_OK;
}

static quern_status run_tests(const qn_args *args, verification *v, quern_error *err)
{
    const int threads = (int)qn_arg_int(args, "threads");
    const qn_processes processes = {
        .n = v->suite->n,
        .jobs = qn_arg_text(args, "jobs") ? (int)qn_arg_int(args, "jobs")
                : threads > 0             ? threads
                                          : qn_os_cores(),
        .seconds = qn_arg_limit(args, "seconds", 10),
        .work = work,
        .done = done,
        .ctx = v,
    };
    v->is_verbose = qn_arg_flag(args, "verbose");
    v->options.tol =
        (qn_tolerance){qn_arg_real(args, "rtol"), qn_arg_real(args, "atol")};
    v->options.model = qn_model_options(args);
    v->options.model.log = NULL;
    v->options.session = qn_session_options(args);
    v->options.session.log = NULL;
    v->options.session.n_threads = 1;
    qn_progress_begin(&v->progress, "tests", v->suite->n, qn_arg_flag(args, "quiet"));
    const quern_status status = qn_processes_run(&processes, err);
    qn_progress_end(&v->progress);
    return status;
}

static quern_status verify(const qn_args *args, verification *v, quern_error *err)
{
    const char *xfail = qn_arg_text(args, "xfail"), *table = qn_arg_text(args, "table");
    const char *expect = qn_arg_text(args, "expect");
    if (xfail) QN_TRY(qn_verdict_load_xfail(v->verdict, xfail, err));
    QN_TRY(find_tests(args, v->suite, err));
    QN_TRY(run_tests(args, v, err));
    if (table) QN_TRY(qn_verdict_save_table(v->verdict, table, err));
    if (expect)
        QN_TRY(qn_verdict_load_expected(v->verdict, expect, qn_arg_text(args, "match"),
                                        err));
    return QUERN_OK;
}

int qn_cmd_verify(const qn_args *args)
{
    qn_mem mem;
    qn_suite suite;
    qn_verdict verdict;
    verification v = {.suite = &suite, .verdict = &verdict};
    quern_error err;
    int code;
    if (args->n_operands == 0) return qn_usage(args, "needs a folder of tests");
    qn_mem_init(&mem, NULL, 0);
    qn_suite_init(&suite, &mem);
    qn_verdict_init(&verdict, &suite);
    if (verify(args, &v, &err) != QUERN_OK)
        code = qn_report(NULL, &err);
    else
        code = qn_verdict_print(&verdict, qn_arg_flag(args, "json"));
    qn_suite_done(&suite);
    return code;
}
