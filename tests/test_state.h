/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_state.h - what a running test keeps; seen by test.c and test_kit.c only.
 */
#ifndef QN_TESTS_TEST_STATE_H
#define QN_TESTS_TEST_STATE_H

#include "tests/test.h"

struct qn_test {
    const char *name;
    int n_checks, n_failed;
    bool skipped;
    char note[256];
    uint64_t rng;
    void **blocks; /* freed when the test ends */
    size_t n_blocks, cap_blocks;
    const char *build; /* folder of the build under test */
    char folder[160];  /* of temporary files; made on first use */
};

/* Frees what the test was given. */
void qn_test_done(qn_test *t);
/* Removes a folder and all it holds. */
void qn_remove_tree(const char *path);

#endif
