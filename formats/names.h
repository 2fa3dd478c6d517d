/* SPDX-License-Identifier: Apache-2.0 */
/* formats/names.h - a list of different texts that knows where each is: classes,
 * groups, the names of items. */
#ifndef QN_FORMATS_NAMES_H
#define QN_FORMATS_NAMES_H

#include "engine/mem.h"

/* Zeroed but for the arena, it is empty.  What it outgrows stays in the arena. */
typedef struct qn_names {
    qn_arena *arena;
    const char **text; /* [n], in the order they were added */
    int64_t n, room;
    int32_t *slot; /* [n_slots]: index + 1, 0: free; n_slots is a power of two */
    size_t n_slots;
} qn_names;

/* Index of the n bytes at p, or -1. */
int64_t qn_names_find(const qn_names *names, const char *p, size_t n);
/* The same, added when it is not there: then *index is the old names->n. */
quern_status qn_names_add(qn_names *names, const char *p, size_t n, int64_t *index,
                          quern_error *err);
/* The same with a zero-ended text that lasts as long as the list: it is not copied. */
quern_status qn_names_keep(qn_names *names, const char *text, int64_t *index,
                           quern_error *err);

#endif
