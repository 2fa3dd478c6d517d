/* SPDX-License-Identifier: Apache-2.0 */
/* tools/verdict.c - see verdict.h. */
#include "tools/verdict.h"

#include "formats/files.h"
#include "tools/out.h"

#include <stdlib.h>
#include <string.h>

void qn_verdict_init(qn_verdict *v, qn_suite *suite)
{
    *v = (qn_verdict){.suite = suite};
}

/* ---- lines of files ---- */

/* Cuts the next line off: first word, and what follows it.  Lines without a word and
 * comments are passed over; false at the end. */
static bool next_line(char **text, char **word, char **rest)
{
    while (**text) {
        char *line = *text;
        const size_t n = strcspn(line, "\n");
        *text += n + (line[n] == '\n');
        line[n] = 0;
        line[strcspn(line, "\r")] = 0;
        line += strspn(line, " \t");
        if (!*line || *line == '#') continue;
        *word = line;
        line += strcspn(line, " \t");
        if (*line) *line++ = 0;
        *rest = line + strspn(line, " \t");
        return true;
    }
    return false;
}

/* ---- expected failures ---- */

quern_status qn_verdict_load_xfail(qn_verdict *v, const char *path, quern_error *err)
{
    char *text, *word, *rest;
    void *list;
    size_t n = 1;
    QN_TRY(qn_file_text(&v->suite->arena, path, &text, NULL, err));
    for (const char *p = text; *p; p++)
        n += *p == '\n';
    QN_TRY(qn_arena_array(&v->suite->arena, n, sizeof *v->xfails, &list, err));
    v->xfails = list;
    while (next_line(&text, &word, &rest)) {
        if (!*rest)
            return qn_fail(err, QUERN_FORMAT, "%s: '%s' is listed without a reason",
                           path, word);
        v->xfails[v->n_xfails++] = (qn_expectation){word, rest, false};
    }
    return QUERN_OK;
}

void qn_verdict_expect(qn_verdict *v, qn_suite_test *t, const char *reason)
{
    char text[1400];
    const char *kept = NULL;
    qn_expectation *x = NULL;
    for (int64_t i = 0; i < v->n_xfails && !x; i++)
        if (qn_suite_matches(v->xfails[i].glob, t->name)) x = &v->xfails[i];
    snprintf(text, sizeof text, "%s", reason);
    if (x && t->status == QN_TEST_FAILED) {
        t->status = QN_TEST_SKIPPED;
        snprintf(text, sizeof text, "expected: %.600s (%.700s)", x->reason, reason);
    } else if (x && t->status == QN_TEST_PASSED) {
        t->status = QN_TEST_FAILED;
        snprintf(text, sizeof text, "passes, but is listed to fail: %.600s", x->reason);
    }
    if (*text && t->status != QN_TEST_PASSED)
        qn_arena_text(&v->suite->arena, text, strlen(text), &kept, NULL);
    t->reason = kept;
}

/* ---- tables ---- */

quern_status qn_verdict_save_table(const qn_verdict *v, const char *path,
                                   quern_error *err)
{
    qn_buf out;
    qn_buf_init(&out, v->suite->arena.mem);
    for (int64_t i = 0; i < v->suite->n; i++)
        qn_buf_format(&out, "%s %s\n", v->suite->tests[i].name,
                      qn_test_status_name(v->suite->tests[i].status));
    quern_status status = qn_buf_status(&out, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    qn_buf_done(&out);
    return status;
}

static int by_name(const void *key, const void *item)
{
    return strcmp(key, ((const qn_suite_test *)item)->name);
}

quern_status qn_verdict_load_expected(qn_verdict *v, const char *path,
                                      const char *match, quern_error *err)
{
    char *text, *name, *status;
    QN_TRY(qn_file_text(&v->suite->arena, path, &text, NULL, err));
    while (next_line(&text, &name, &status)) {
        if (strcmp(status, "passed") != 0 || (match && !qn_suite_matches(match, name)))
            continue;
        const qn_suite_test *t =
            bsearch(name, v->suite->tests, (size_t)v->suite->n, sizeof *t, by_name);
        if (t && t->status == QN_TEST_PASSED) continue;
        v->n_lost++;
        qn_say("%s passed before (%s) and now %s", QN_CLEAN(name), path,
               t ? qn_test_status_name(t->status) : "is not there");
    }
    return QUERN_OK;
}

/* ---- result ---- */

static int64_t count(const qn_verdict *v, qn_test_status status)
{
    int64_t n = 0;
    for (int64_t i = 0; i < v->suite->n; i++)
        n += v->suite->tests[i].status == status;
    return n;
}

static int print_json(const qn_verdict *v)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, v->suite->arena.mem);
    qn_json_begin(&j, &out);
    for (qn_test_status s = QN_TEST_PASSED; s <= QN_TEST_SKIPPED; s++)
        qn_json_int(&j, qn_test_status_name(s), count(v, s));
    qn_json_int(&j, "lost", v->n_lost);
    qn_json_array(&j, "tests");
    for (int64_t i = 0; i < v->suite->n; i++) {
        const qn_suite_test *t = &v->suite->tests[i];
        qn_json_object(&j, NULL);
        qn_json_text(&j, "name", t->name);
        qn_json_text(&j, "status", qn_test_status_name(t->status));
        qn_json_text(&j, "reason", t->reason);
        qn_json_close(&j);
    }
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

int qn_verdict_print(const qn_verdict *v, bool json)
{
    const int64_t crashed = count(v, QN_TEST_CRASHED);
    const int64_t timed_out = count(v, QN_TEST_TIMED_OUT);
    const int64_t failed = count(v, QN_TEST_FAILED) + crashed + timed_out;
    int code = 0;
    if (json) {
        code = print_json(v);
    } else {
        if (crashed || timed_out)
            printf("%lld crashed, %lld timed out\n", (long long)crashed,
                   (long long)timed_out);
        if (v->n_lost)
            printf("%lld passed before and do not pass now\n", (long long)v->n_lost);
        printf("%lld passed, %lld failed, %lld skipped\n",
               (long long)count(v, QN_TEST_PASSED), (long long)failed,
               (long long)count(v, QN_TEST_SKIPPED));
    }
    return failed || v->n_lost ? 1 : code;
}
