/* SPDX-License-Identifier: Apache-2.0 */
/* tests/train_kit.h - quern train as scripts see it, on pictures of 8 x 8 pixels that
 * are made here: a run takes a second. */
#ifndef QN_TESTS_TRAIN_KIT_H
#define QN_TESTS_TRAIN_KIT_H

#include "tests/test.h"

/* Writes "data/", four IDX files: 200 pictures to train on, 40 to test, 4 classes that
 * differ in where they are bright. */
void qn_train_kit_data(qn_test *t);
/* "quern train DATA --out RUN ..." with a small network; names in the test's folder.
 * RUN NULL: none. */
int qn_train_kit_run(qn_test *t, const char *run, const char *arguments,
                     const char **out);
/* "quern train ARGUMENTS", the words as they are. */
int qn_train_kit_plain(qn_test *t, const char *arguments, const char **out);
/* The weights_hash of the last row of the run's metrics.jsonl, or "". */
const char *qn_train_kit_hash(qn_test *t, const char *run);
/* A file of the run folder, or NULL. */
char *qn_train_kit_file(qn_test *t, const char *run, const char *name, size_t *n);

#endif
