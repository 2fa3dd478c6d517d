/* SPDX-License-Identifier: Apache-2.0 */
/* tools/score.h - how often a classifier is right: accuracy and the confusion matrix.
 */
#ifndef QN_TOOLS_SCORE_H
#define QN_TOOLS_SCORE_H

#include "engine/tensor.h"
#include "formats/json_write.h"

#include <stdio.h>

typedef struct qn_score {
    int n_classes;
    const char *const *names; /* NULL: numbers */
    int64_t *confusion;       /* [truth][answer] */
    int64_t n, n_top1, n_top5;
} qn_score;

quern_status qn_score_init(qn_score *score, int n_classes, const char *const *names,
                           qn_arena *arena, quern_error *err);
/* best: the five (or fewer) best classes. */
void qn_score_add(qn_score *score, int64_t truth, const int *best, int n_best);
void qn_score_json(const qn_score *score, qn_json *j); /* "n" .. "confusion" */
void qn_score_print(const qn_score *score, qn_mem *mem, FILE *to);
void qn_score_print_confusion(const qn_score *score, qn_mem *mem, FILE *to);

#endif
