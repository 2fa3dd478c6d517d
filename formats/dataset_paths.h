/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_paths.h - where the items of a data set go when they become files:
 * "train/cat/1", by split, class and what is left of their names. */
#ifndef QN_FORMATS_DATASET_PATHS_H
#define QN_FORMATS_DATASET_PATHS_H

#include "formats/dataset_write.h"

typedef struct qn_paths {
    qn_writer *w;
    qn_names taken; /* of sets whose items have names; others are numbered */
} qn_paths;

/* Fills w->class_parts, too. */
quern_status qn_paths_begin(qn_paths *paths, qn_writer *w, quern_error *err);
/* The path of an item, in the arena.  Items are asked for once each. */
quern_status qn_paths_next(qn_paths *paths, int64_t item, qn_arena *arena,
                           const char **out, quern_error *err);

#endif
