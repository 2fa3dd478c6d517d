/* SPDX-License-Identifier: Apache-2.0 */
/* engine/rows8c.h - the rows of blocked tensors, for ops that work pixel by pixel. */
#ifndef QN_ENGINE_ROWS8C_H
#define QN_ENGINE_ROWS8C_H

#include "engine/op.h"

/* A plain tensor [N,C,H,W] as slots that read or write plain planes see it. */
qn_plane8c qn_plain_plane(const qn_tensor *t);

/* Rows of all blocks of n images. */
static inline int64_t qn_n_rows8c(const qn_plane8c *p, int64_t n)
{
    return n * qn_blocks8c(p->c) * p->h;
}

/* The t-th of them: w pixels of eight floats. */
static inline float *qn_row8c(const qn_plane8c *p, int64_t t)
{
    int64_t blocks = qn_blocks8c(p->c), y = t % p->h, b = t / p->h % blocks;
    return p->data + t / p->h / blocks * p->image + b * p->plane + y * p->row;
}

/* Rows that make a block of work of about 8 K floats. */
static inline int64_t qn_row8c_grain(const qn_plane8c *p)
{
    int64_t grain = (8 << 10) / (p->w * QN_BLOCK8);
    return grain > 0 ? grain : 1;
}

/* Calls a slot of blocked.h for every block of channels of n images of y, all its rows;
 * task hands the call on to the slot. */
typedef void qn_task8c_fn(const void *ctx, const qn_task8c *t);
void qn_parallel_blocks8c(qn_pool *pool, int64_t n, const qn_plane8c *y,
                          qn_task8c_fn *task, const void *ctx);

/* blocked hook of rows whose first input and output are alike: follows in[0]. */
bool qn_blocked_unary(const qn_instr *i, qn_blocked *how);

#endif
