/* SPDX-License-Identifier: Apache-2.0 */
/* tools/verdict.h - what the results of a suite mean: expected failures, the table of
 * what passed before, the counts. */
#ifndef QN_TOOLS_VERDICT_H
#define QN_TOOLS_VERDICT_H

#include "tools/suite.h"

typedef struct qn_expectation {
    const char *glob, *reason;
    bool is_used;
} qn_expectation;

typedef struct qn_verdict {
    qn_suite *suite;
    qn_expectation *xfails;
    int64_t n_xfails;
    int64_t n_lost; /* tests that passed before and do not now, or are gone */
} qn_verdict;

void qn_verdict_init(qn_verdict *v, qn_suite *suite);
/* Lines "GLOB reason"; empty lines and those that begin with # say nothing. */
quern_status qn_verdict_load_xfail(qn_verdict *v, const char *path, quern_error *err);
/* Final status and reason of a test that has run. */
void qn_verdict_expect(qn_verdict *v, qn_suite_test *test, const char *reason);
/* Lines "name status", sorted. */
quern_status qn_verdict_save_table(const qn_verdict *v, const char *path,
                                   quern_error *err);
/* Reads such a table and says on stderr which of its passed tests (those that match, if
 * match is not NULL) passed no more. */
quern_status qn_verdict_load_expected(qn_verdict *v, const char *path,
                                      const char *match, quern_error *err);
/* The result; the last line of text is "N passed, N failed, N skipped".  Exit code. */
int qn_verdict_print(const qn_verdict *v, bool json);

#endif
