/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pool_blocked.c - pooling in the blocked layout (kernels/blocked.h). */
#include "engine/ops/pool_blocked.h"

#include "engine/rows8c.h"

qn_window qn_plane_window(const qn_tensor *x)
{
    return (qn_window){.rank = 2,
                       .in = {x->dim[2], x->dim[3]},
                       .out = {1, 1},
                       .kernel = {x->dim[2], x->dim[3]},
                       .stride = {1, 1},
                       .dilation = {1, 1}};
}

bool qn_pool_blocked(const qn_instr *i, qn_blocked *how)
{
    return !(i->n_out > 1 && i->out[1]) && qn_blocked_unary(i, how);
}

typedef struct job {
    const qn_kernels *k;
    qn_pool8c pool;
    qn_map8c mean;
    qn_poolgrad8c back;
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

void qn_pool8c_window(qn_pool8c *p, const qn_window *w)
{
    for (int d = 0; d < 2; d++) {
        p->kernel[d] = w->kernel[d];
        p->stride[d] = w->stride[d];
        p->dilation[d] = w->dilation[d];
        p->pad[d] = w->begin[d];
        p->end[d] = w->end[d];
    }
}

quern_status qn_pool_blocked_run(const qn_instr *i, const qn_exec *x,
                                 const qn_window *w, bool mean, bool count_pad)
{
    job j = {.k = x->k};
    j.pool = (qn_pool8c){.x = qn_tensor_plane(i->in[0]),
                         .y = qn_tensor_plane(i->out[0]),
                         .mean = mean,
                         .count_pad = count_pad};
    qn_pool8c_window(&j.pool, w);
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

/* Of X the mean's way back reads the shape only: then its layout says what is wanted.
 */
bool qn_pool_grad_blocked(const qn_instr *i, qn_blocked *how)
{
    if (!qn_blocked_unary(i, how) || qn_tensor_count(i->in[1]) == 0) return false;
    how->in = i->n_in > 2 ? 7 : 1;
    how->wants = i->in[1]->layout == QN_NCHW8C;
    return true;
}

static void back_task(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->poolgrad8c_f32(&j->back, t);
}

quern_status qn_pool_grad_blocked_run(const qn_instr *i, const qn_exec *x,
                                      const qn_window *w, bool count_pad)
{
    const bool mean = i->n_in < 3;
    job j = {.k = x->k};
    j.back.dy = qn_tensor_plane(i->in[0]);
    j.back.dx = qn_tensor_plane(i->out[0]);
    j.back.pool.x = mean ? j.back.dx : qn_tensor_plane(i->in[1]);
    j.back.pool.y = mean ? j.back.dy : qn_tensor_plane(i->in[2]);
    j.back.pool.mean = mean;
    j.back.pool.count_pad = count_pad;
    qn_pool8c_window(&j.back.pool, w);
    qn_parallel_blocks8c(x->pool, i->in[0]->dim[0], &j.back.dx, back_task, &j);
    return QUERN_OK;
}
