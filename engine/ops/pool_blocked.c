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
} job;

static void pool_task(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->pool8c_f32(&j->pool, t);
}

static void mean_task(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->mean8c_f32(&j->mean, t);
}

quern_status qn_pool_blocked_run(const qn_instr *i, const qn_exec *x,
                                 const qn_window *w, bool mean, bool count_pad)
{
    job j = {.k = x->k};
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
    qn_parallel_blocks8c(x->pool, i->in[0]->dim[0], &j.pool.y, pool_task, &j);
    return QUERN_OK;
}

quern_status qn_mean_blocked_run(const qn_instr *i, const qn_exec *x)
{
    job j = {.k = x->k};
    j.mean =
        (qn_map8c){.x = qn_tensor_plane(i->in[0]), .y = qn_tensor_plane(i->out[0])};
    qn_parallel_blocks8c(x->pool, i->in[0]->dim[0], &j.mean.x, mean_task, &j);
    return QUERN_OK;
}
