/* SPDX-License-Identifier: Apache-2.0 */
/* tests/store_kit.h - a store in the test's folder, and small data sets to put into it.
 */
#ifndef QN_TESTS_STORE_KIT_H
#define QN_TESTS_STORE_KIT_H

#include "formats/store_import.h"
#include "tests/dataset_kit.h"

typedef struct qn_store_kit {
    qn_test *t;
    qn_mem mem;
    qn_arena arena;
    qn_store store;
    qn_imported got; /* of the last import */
    quern_error err;
} qn_store_kit;

/* Opens a store in "home" of the test's folder. */
void qn_store_kit_init(qn_store_kit *k, qn_test *t);
void qn_store_kit_done(qn_store_kit *k); /* checks that all memory came back */
/* Six pictures: a manifest "set/list.csv" of columns path, label, split, patient, age.
 * One cannot be decoded. */
void qn_store_kit_csv(qn_test *t);
/* An IDX pair of five pictures in the folder "idx". */
void qn_store_kit_idx(qn_test *t);
/* Imports what has this name in the test's folder. */
quern_status qn_store_kit_import(qn_store_kit *k, const char *path, const char *name,
                                 bool by_reference);
/* A number that stands for every name and byte below a folder of the test's. */
uint64_t qn_store_kit_digest(qn_test *t, const char *folder);

#endif
