/* SPDX-License-Identifier: Apache-2.0 */
/* engine/strided.h - the one copy behind Transpose, Slice, Concat, Split, Expand, Tile,
 * Pad and their kin: a box of elements, each side with its own strides. */
#ifndef QN_ENGINE_STRIDED_H
#define QN_ENGINE_STRIDED_H

#include "engine/pool.h"
#include "engine/tensor.h"

#include <string.h>

#define QN_STRIDED_RANK (2 * QUERN_MAX_RANK)

typedef struct qn_strided {
    size_t size; /* bytes of an element */
    int rank;
    int64_t dim[QN_STRIDED_RANK];
    int64_t to[QN_STRIDED_RANK],
        from[QN_STRIDED_RANK]; /* strides in elements, any sign */
} qn_strided;

/* Copies the box; dims of one are dropped, dims that lie together are merged, rows are
 * copied whole, transpositions go in tiles, large boxes go to the pool.  The two sides
 * do not overlap.  Nothing happens if a dim is 0. */
void qn_strided_copy(qn_pool *pool, const qn_strided *box, void *to, const void *from);
/* n elements of size bytes, all equal to *value. */
void qn_fill(qn_pool *pool, void *to, int64_t n, size_t size, const void *value);
/* Row-major strides in elements of a shape. */
void qn_row_major(int rank, const int64_t *dim, int64_t *stride);

/* memcpy with the usual small sizes inline: for loops over short blocks. */
static inline void qn_copy_block(void *to, const void *from, size_t bytes)
{
    switch (bytes) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    case 16:
        memcpy(to, from, 16);
        break;
    default:
        if (bytes) memcpy(to, from, bytes);
    }
}

#endif
