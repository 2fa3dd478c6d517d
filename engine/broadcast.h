/* SPDX-License-Identifier: Apache-2.0 */
/* engine/broadcast.h - walking an output and up to three operands that are broadcast
 * into it, row by row.
 *
 * Neighbouring dimensions that all operands cross in the same way are one dimension
 * here, so equal shapes are a single long row, and [N,C,H,W] with [C,1,1] has rows of
 * H*W. */
#ifndef QN_ENGINE_BROADCAST_H
#define QN_ENGINE_BROADCAST_H

#include "engine/pool.h"
#include "engine/tensor.h"

#define QN_BCAST_MAX 3

typedef struct qn_bcast {
    int n_in, rank;                               /* rank >= 1 */
    int64_t count;                                /* elements of the output */
    int64_t dim[QUERN_MAX_RANK];                  /* the last is the length of a row */
    int64_t stride[QN_BCAST_MAX][QUERN_MAX_RANK]; /* elements; in a row 0 or 1 */
} qn_bcast;

/* in[k] must broadcast to the shape of out (NumPy's rule). */
void qn_bcast_plan(qn_bcast *b, const qn_tensor *out, int n_in,
                   const qn_tensor *const *in);

/* A piece of a row: n elements of the output from element out on, those of operand k
 * from element in[k] on, with the stride of its row. */
typedef void qn_bcast_row(void *ctx, const int64_t *in, int64_t out, int64_t n);

/* Calls row for the output elements [begin, end). */
void qn_bcast_walk(const qn_bcast *b, int64_t begin, int64_t end, qn_bcast_row *row,
                   void *ctx);
/* Walks the whole output, with threads where it is large. */
void qn_bcast_run(const qn_bcast *b, qn_pool *pool, qn_bcast_row *row, void *ctx);

static inline int64_t qn_bcast_stride(const qn_bcast *b, int k)
{
    return b->stride[k][b->rank - 1];
}

/* Elements of a block that one thread works on at a time. */
#define QN_BLOCK 32768

#endif
