/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/interned.h - numbers in the order in which they are met: a table from 64
 * bits to 0, 1, 2 ...  It grows in an arena, which keeps what it outgrows. */
#ifndef QN_ENGINE_CELLS_INTERNED_H
#define QN_ENGINE_CELLS_INTERNED_H

#include "engine/mem.h"

/* Zeroed but for the arena, it is empty. */
typedef struct qn_interned {
    qn_arena *arena;
    uint64_t *key;  /* [room], in the order they came */
    int64_t *count; /* [room], 0 at first: the caller's */
    uint32_t *slot; /* [2 room]: index + 1, 0: free */
    size_t n, room; /* room is a power of two, or 0 */
} qn_interned;

/* Index of key, which is added when it is new; at most 2^31 fit. */
quern_status qn_interned_index(qn_interned *t, uint64_t key, size_t *index,
                               quern_error *err);

#endif
