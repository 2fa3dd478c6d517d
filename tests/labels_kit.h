/* SPDX-License-Identifier: Apache-2.0 */
/* tests/labels_kit.h - pictures of labels for tests: drawn, spelled out, compared. */
#ifndef QN_TESTS_LABELS_KIT_H
#define QN_TESTS_LABELS_KIT_H

#include "engine/cells/dynamics.h"
#include "tests/test.h"

/* Memory that must be empty again at the end. */
typedef struct qn_dish {
    qn_test *t;
    qn_mem mem;
    qn_arena arena;
    quern_error err;
} qn_dish;

void qn_dish_init(qn_dish *b, qn_test *t);
void qn_dish_done(qn_dish *b);

/* Labels as digits and letters (a is 10), '.' for background, rows joined by '/'. */
qn_labels qn_spelled(qn_dish *b, const char *rows);
bool qn_spells(qn_test *t, const qn_labels *labels, const char *rows);
qn_labels qn_blank(qn_dish *b, int64_t height, int64_t width);
/* A disc where there is background. */
void qn_add_disc(qn_labels *labels, uint32_t label, double y, double x, double radius);
/* Discs of about that radius, many touching. */
qn_labels qn_random_discs(qn_dish *b, int64_t height, int64_t width, double radius);
bool qn_same_labels(const qn_labels *a, const qn_labels *b);

/* What a perfect network would say of the labels: flows of length 5, logits of +-3. */
qn_flow_field qn_perfect_field(qn_dish *b, const qn_labels *labels);

#endif
