/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pool_blocked.c - pooling in the blocked layout (kernels/blocked.h). */
#include "engine/ops/pool_blocked.h"

#include "engine/rows8c.h"

bool qn_pool_blocked(const qn_instr *i, qn_blocked *how)
{
    return !(i->n_out > 1 && i->out[1]) && qn_blocked_unary(i, how);
}

typedef struct job {
    const qn_kernels *k;
    qn_pool8c pool;
    qn_map8c mean;
    int64_t blocks;
} job;

/* Item: a block of channels of an image. */
static void pool_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        int64_t b = t % j->blocks;
        qn_task8c task = {
            .image = t / j->blocks, .i1 = j->pool.y.h, .c0 = b, .c1 = b + 1};
        j->k->pool8c_f32(&j->pool, &task);
    }
}

quern_status qn_pool_blocked_run(const qn_instr *i, const qn_exec *x,
                                 const qn_window *w, bool mean, bool count_pad)
{
    job j = {.k = x->k, .blocks = qn_blocks8c(i->in[0]->dim[1])};
    j.pool = (qn_pool8c){.x = qn_tensor_plane(i->in[0]),
                         .y = qn_tensor_plane(i->out[0]),
                         .mean = mean,
                         .count_pad = count_pad};
    for (int d = 0; d < 2; d++) {
        j.pool.kernel[d] = w->kernel[d];
        j.pool.stride[d] = w->stride[d];
        j.pool.dilation[d] = w->dilation[d];
        j.pool.pad[d] = w->begin[d];
        j.pool.end[d] = w->end[d];
    }
    qn_parallel_for(x->pool, i->in[0]->dim[0] * j.blocks, 1, pool_blocks, &j);
    return QUERN_OK;
}

static void mean_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        int64_t b = t % j->blocks;
        qn_task8c task = {.image = t / j->blocks, .i1 = 1, .c0 = b, .c1 = b + 1};
        j->k->mean8c_f32(&j->mean, &task);
    }
}

quern_status qn_mean_blocked_run(const qn_instr *i, const qn_exec *x)
{
    job j = {.k = x->k, .blocks = qn_blocks8c(i->in[0]->dim[1])};
    j.mean =
        (qn_map8c){.x = qn_tensor_plane(i->in[0]), .y = qn_tensor_plane(i->out[0])};
    int64_t grain = (32 << 10) / (j.mean.x.h * j.mean.x.w * QN_BLOCK8) + 1;
    qn_parallel_for(x->pool, i->in[0]->dim[0] * j.blocks, grain, mean_blocks, &j);
    return QUERN_OK;
}
