/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/reorder.c - from the plain layout to the blocked one and back; steps that
 * the layout pass inserts (engine/layout.c), never nodes of a model. */
#include "engine/op.h"

typedef struct job {
    qn_to8c_f32_fn *fn; /* either direction */
    qn_map8c m;
    int64_t blocks;
} job;

static qn_plane8c plane_of(const qn_tensor *t)
{
    if (t->layout == QN_NCHW8C) return qn_tensor_plane(t);
    return (qn_plane8c){.data = t->data,
                        .row = t->dim[3],
                        .plane = t->dim[2] * t->dim[3],
                        .image = t->dim[1] * t->dim[2] * t->dim[3],
                        .c = t->dim[1],
                        .h = t->dim[2],
                        .w = t->dim[3]};
}

/* Item: a block of channels of an image. */
static void reorder_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        int64_t b = t % j->blocks;
        qn_task8c task = {.image = t / j->blocks, .i1 = j->m.y.h, .c0 = b, .c1 = b + 1};
        j->fn(&j->m, &task);
    }
}

static quern_status reorder_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    bool block = i->out[0]->layout == QN_NCHW8C;
    /* a file may name this row, too: then nothing changes layout */
    if (i->out[0]->layout == i->in[0]->layout) return qn_run_copy(i, x, err);
    if (qn_tensor_count(i->in[0]) == 0) return QUERN_OK;
    job j = {.fn = block ? x->k->to8c_f32 : x->k->from8c_f32,
             .m = {.x = plane_of(i->in[0]), .y = plane_of(i->out[0])},
             .blocks = qn_blocks8c(i->in[0]->dim[1])};
    int64_t area = j.m.y.h * j.m.y.w * QN_BLOCK8;
    int64_t grain = (16 << 10) / (area > 0 ? area : 1) + 1;
    qn_parallel_for(x->pool, i->in[0]->dim[0] * j.blocks, grain, reorder_blocks, &j);
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
