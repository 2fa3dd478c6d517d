/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/reorder.c - from the plain layout to the blocked one and back; steps that
 * the layout pass inserts (engine/layout.c), never nodes of a model. */
#include "engine/rows8c.h"

typedef struct job {
    qn_to8c_f32_fn *fn; /* either direction */
    qn_map8c m;
} job;

static void reorder_task(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->fn(&j->m, t);
}

static qn_plane8c plane_of(const qn_tensor *t)
{
    return t->layout == QN_NCHW8C ? qn_tensor_plane(t) : qn_plain_plane(t);
}

static quern_status reorder_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    bool block = i->out[0]->layout == QN_NCHW8C;
    /* a file may name this row, too: then nothing changes layout */
    if (i->out[0]->layout == i->in[0]->layout) return qn_run_copy(i, x, err);
    if (qn_tensor_count(i->in[0]) == 0) return QUERN_OK;
    job j = {.fn = block ? x->k->to8c_f32 : x->k->from8c_f32,
             .m = {.x = plane_of(i->in[0]), .y = plane_of(i->out[0])}};
    qn_parallel_blocks8c(x->pool, i->in[0]->dim[0], &j.m.y, reorder_task, &j);
    return QUERN_OK;
}

const qn_op qn_op_reorder = {
    .name = "Reorder",
    .domain = "quern",
    .since = 1,
    .min_in = 1,
    .max_in = 1,
    .types = {QN_T_F32},
    .infer = qn_infer_same,
    .run = reorder_run,
};
