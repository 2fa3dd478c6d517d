/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_labels.h - labels that a source gives as numbers, as names or as
 * both, and the classes that follow once all are known. */
#ifndef QN_FORMATS_DATASET_LABELS_H
#define QN_FORMATS_DATASET_LABELS_H

#include "formats/dataset_build.h"

typedef struct qn_item_labels {
    qn_dataset *set;
    qn_names names;
    int32_t *name;   /* [room]: index in names, -1: none */
    int32_t *number; /* [room]: -1: none */
    int64_t n, room; /* items that were told */
} qn_item_labels;

void qn_item_labels_init(qn_item_labels *l, qn_dataset *set);
/* Of the next item; text may be NULL, number -1.  A text that is a number and nothing
 * else counts as one where no number is given. */
quern_status qn_item_labels_add(qn_item_labels *l, const char *text, int64_t number,
                                quern_error *err);
/* Fills set->label and set->classes.  Where every item has a number, numbers are the
 * labels: called by the names in the file at path if it is there (NULL: it is not),
 * else by the names that came with them, if each number has one, else by themselves.
 * Else names are, in the order of that file, or sorted. */
quern_status qn_item_labels_end(qn_item_labels *l, const char *path, quern_error *err);

#endif
