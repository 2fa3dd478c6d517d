/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_extra.h - what a source says of items beside picture and label, met
 * pair by pair: groups, weights and further columns of the table. */
#ifndef QN_FORMATS_DATASET_EXTRA_H
#define QN_FORMATS_DATASET_EXTRA_H

#include "formats/dataset_build.h"
#include "formats/json_tree.h"

enum { QN_MAX_COLUMNS = 256 };

/* Zeroed but for set and the arenas of the names (the set's). */
typedef struct qn_extras {
    qn_dataset *set;
    qn_names columns, groups;
    int64_t room; /* items for which the lists have room */
    int column_room;
} qn_extras;

void qn_extras_init(qn_extras *x, qn_dataset *set);
/* A pair of the item that was added last or will be added next: group and weight by the
 * names that manifests know, else a column.  Both texts are copied. */
quern_status qn_extras_put(qn_extras *x, const char *key, const char *text,
                           int64_t item, quern_error *err);
/* The same for every member of an object that is a text, a number or a truth and whose
 * key is not in `but`, which NULL ends. */
quern_status qn_extras_put_tree(qn_extras *x, const qn_tree *object,
                                const char *const *but, int64_t item, quern_error *err);
/* Once all items are there. */
quern_status qn_extras_end(qn_extras *x, quern_error *err);

/* Text of a value, in the arena; NULL for null, lists and objects. */
quern_status qn_tree_as_text(qn_arena *arena, const qn_tree *value, const char **out,
                             quern_error *err);

#endif
