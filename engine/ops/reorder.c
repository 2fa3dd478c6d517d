/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/reorder.c - from the plain layout to the blocked one and back; steps that
 * the layout pass inserts (engine/layout.c), never nodes of a model. */
#include "engine/op.h"

typedef struct job {
    const float *plain_in;
    float *plain_out;
    qn_plane8c p;
    int64_t blocks;
} job;

/* Item: a row of a block of an image. */
static void to_blocked(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t y = i % j->p.h, b = i / j->p.h % j->blocks, n = i / j->p.h / j->blocks;
        int64_t lanes = j->p.c - b * QN_BLOCK8 < QN_BLOCK8 ? j->p.c - b * QN_BLOCK8 : QN_BLOCK8;
        const float *from =
            j->plain_in + ((n * j->p.c + b * QN_BLOCK8) * j->p.h + y) * j->p.w;
        float *to = j->p.data + n * j->p.image + b * j->p.plane + y * j->p.row;
        for (int64_t x = 0; x < j->p.w; x++)
            for (int64_t c = 0; c < QN_BLOCK8; c++)
                to[x * QN_BLOCK8 + c] = c < lanes ? from[c * j->p.h * j->p.w + x] : 0;
    }
}

static void to_plain(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t y = i % j->p.h, b = i / j->p.h % j->blocks, n = i / j->p.h / j->blocks;
        int64_t lanes = j->p.c - b * QN_BLOCK8 < QN_BLOCK8 ? j->p.c - b * QN_BLOCK8 : QN_BLOCK8;
        const float *from = j->p.data + n * j->p.image + b * j->p.plane + y * j->p.row;
        float *to = j->plain_out + ((n * j->p.c + b * QN_BLOCK8) * j->p.h + y) * j->p.w;
        for (int64_t c = 0; c < lanes; c++)
            for (int64_t x = 0; x < j->p.w; x++)
                to[c * j->p.h * j->p.w + x] = from[x * QN_BLOCK8 + c];
    }
}

static quern_status reorder_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    bool block = i->out[0]->layout == QN_NCHW8C;
    const qn_tensor *blocked = block ? i->out[0] : i->in[0];
    job j = {.plain_in = i->in[0]->data,
             .plain_out = i->out[0]->data,
             .p = qn_tensor_plane(blocked),
             .blocks = qn_blocks8c(blocked->dim[1])};
    qn_parallel_for(x->pool, blocked->dim[0] * j.blocks * j.p.h, 16,
                    block ? to_blocked : to_plain, &j);
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
