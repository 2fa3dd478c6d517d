/* SPDX-License-Identifier: Apache-2.0 */
/* tools/suite.h - folders of ONNX backend tests, found and run.
 *
 *   <test>/model.onnx, <test>/test_data_set_<n>/{input,output}_<i>.pb
 *   light_<net>.onnx, light_<net>_output_<i>.pb     (flat; input is arange(n)/n) */
#ifndef QN_TOOLS_SUITE_H
#define QN_TOOLS_SUITE_H

#include "tools/values.h"

typedef enum qn_test_status {
    QN_TEST_NOT_RUN,
    QN_TEST_PASSED,
    QN_TEST_FAILED,
    QN_TEST_CRASHED,
    QN_TEST_TIMED_OUT,
    QN_TEST_SKIPPED
} qn_test_status;

const char *qn_test_status_name(qn_test_status status);

typedef struct qn_suite_test {
    const char *name;   /* path below the root it was found in */
    const char *model;  /* file */
    const char *folder; /* of its data sets; NULL: a light test */
    qn_test_status status;
    const char *reason; /* why it failed or was skipped; NULL: passed */
    double seconds;
} qn_suite_test;

typedef struct qn_suite {
    qn_arena arena;
    qn_suite_test *tests; /* sorted by name */
    int64_t n, room;
} qn_suite;

void qn_suite_init(qn_suite *suite, qn_mem *mem);
void qn_suite_done(qn_suite *suite);
/* Adds the tests below a folder whose path or last part match the glob (NULL: all). */
quern_status qn_suite_add(qn_suite *suite, const char *root, const char *match,
                          quern_error *err);
void qn_suite_sort(qn_suite *suite);
/* Whether glob matches the name or its last part. */
bool qn_suite_matches(const char *glob, const char *name);

typedef struct qn_suite_options {
    qn_tolerance tol;
    quern_model_options model;
    quern_session_options session;
} qn_suite_options;

/* Runs one test; its sentence says what is wrong. */
quern_status qn_suite_run(const qn_suite_test *test, const qn_suite_options *opt,
                          quern_error *err);

#endif
