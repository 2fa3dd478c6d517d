/* SPDX-License-Identifier: Apache-2.0 */
/* tests/dataset_kit.h - small data sets on disk, for tests of what reads them. */
#ifndef QN_TESTS_DATASET_KIT_H
#define QN_TESTS_DATASET_KIT_H

#include "formats/dataset.h"
#include "tests/test.h"

typedef struct qn_set_kit {
    qn_test *t;
    qn_mem mem;
    qn_arena arena;
    qn_dataset *set; /* of the last qn_set_kit_open */
    quern_error err;
} qn_set_kit;

/* Whether this build decodes pictures; if not, the test is skipped. */
bool qn_set_kit_decodes(qn_test *t);

void qn_set_kit_init(qn_set_kit *k, qn_test *t);
void qn_set_kit_done(qn_set_kit *k); /* checks that all memory came back */
/* Closes the set before, opens this one (a name in the test's folder). */
quern_status qn_set_kit_open(qn_set_kit *k, const char *name, const char *format);
/* Opens and wants this status, and these words in the sentence. */
void qn_set_kit_refuses(qn_set_kit *k, const char *name, quern_status status,
                        const char *part);
/* The names of the classes, with blanks between them. */
const char *qn_set_kit_classes(const qn_set_kit *k, char text[256]);

/* Writes "name" (folders above are made) in the test's folder. */
void qn_set_kit_put(qn_test *t, const char *name, const void *bytes, size_t n);
void qn_set_kit_text(qn_test *t, const char *name, const char *text);
/* A picture of 2 x 2 pixels, all of this gray, as a BMP of 24 bits. */
void qn_set_kit_picture(qn_test *t, const char *name, uint8_t gray);
/* An IDX file of uint8: rank dims, then n bytes. */
void qn_set_kit_idx(qn_test *t, const char *name, int rank, const uint32_t *dim,
                    const void *bytes, size_t n);

#endif
