/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_roles.h - which columns of a Parquet file hold pictures, labels and
 * groups, and how the classes are called: as the Hugging Face library says in the
 * file's metadata, else by the names of columns. */
#ifndef QN_FORMATS_PARQUET_ROLES_H
#define QN_FORMATS_PARQUET_ROLES_H

#include "formats/parquet.h"

typedef struct qn_pq_roles {
    int picture, label, group;  /* columns; group -1: there is none */
    const char *const *classes; /* [n_classes], or NULL: the file does not say */
    int n_classes;
} qn_pq_roles;

/* Lists in arena. */
quern_status qn_pq_roles_find(const qn_parquet *file, qn_arena *arena, qn_pq_roles *out,
                              quern_error *err);

#endif
