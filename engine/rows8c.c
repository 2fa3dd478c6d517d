/* SPDX-License-Identifier: Apache-2.0 */
/* engine/rows8c.c - what ops in the blocked layout share. */
#include "engine/rows8c.h"

qn_plane8c qn_plain_plane(const qn_tensor *t)
{
    return (qn_plane8c){.data = t->data,
                        .row = t->dim[3],
                        .plane = t->dim[2] * t->dim[3],
                        .image = t->dim[1] * t->dim[2] * t->dim[3],
                        .c = t->dim[1],
                        .h = t->dim[2],
                        .w = t->dim[3]};
}

bool qn_blocked_unary(const qn_instr *i, qn_blocked *how)
{
    const qn_tensor *x = i->in[0];
    if (x->rank != 4 || x->dtype != QUERN_FLOAT || qn_tensor_count(x) == 0 ||
        !i->out[0])
        return false;
    *how = (qn_blocked){.in = 1};
    return true;
}

typedef struct job {
    qn_task8c_fn *task;
    const void *ctx;
    int64_t blocks, rows;
} job;

/* Item: a block of channels of an image. */
static void run_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t b = i % j->blocks;
        j->task(
            j->ctx,
            &(qn_task8c){.image = i / j->blocks, .i1 = j->rows, .c0 = b, .c1 = b + 1});
    }
}

void qn_parallel_blocks8c(qn_pool *pool, int64_t n, const qn_plane8c *y,
                          qn_task8c_fn *task, const void *ctx)
{
    job j = {task, ctx, qn_blocks8c(y->c), y->h};
    int64_t grain = (8 << 10) / (y->h * y->w * QN_BLOCK8 + 1) + 1;
    qn_parallel_for(pool, n * j.blocks, grain, run_blocks, &j);
}
