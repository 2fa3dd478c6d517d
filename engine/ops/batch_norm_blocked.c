/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_norm_blocked.c - y = s x + (bias - mean s) with s = scale / sqrt(var
 * + epsilon), both formed in double when the plan is made. */
#include "engine/ops/batch_norm_blocked.h"

#include "engine/rows8c.h"

#include <math.h>

bool qn_batch_norm_blocked(const qn_instr *i, qn_blocked *how)
{
    for (int k = 1; k < i->n_out; k++)
        if (i->out[k]) return false;
    for (int k = 1; k <= 4; k++)
        if (!i->in[k]->data) return false;
    return qn_blocked_unary(i, how);
}

quern_status qn_batch_norm_blocked_prepare(qn_prep *p, float epsilon, quern_error *err)
{
    const qn_instr *i = p->instr;
    int64_t channels = i->in[0]->dim[1];
    size_t n = (size_t)qn_blocks8c(channels) * QN_BLOCK8;
    qn_conv8c *c;
    void *room;
    QN_TRY(qn_prep_state(p, sizeof *c, (void **)&c, err));
    QN_TRY(qn_arena_array(p->arena, 2 * n, sizeof(float), &room, err));
    float *weight = room, *bias = weight + n; /* zeros where there is no channel */
    for (int64_t k = 0; k < channels; k++) {
        double s =
            qn_get_real(i->in[1], k) / sqrt(qn_get_real(i->in[4], k) + (double)epsilon);
        weight[k] = (float)s;
        bias[k] = (float)(qn_get_real(i->in[2], k) - s * qn_get_real(i->in[3], k));
    }
    *c = (qn_conv8c){.weight = weight,
                     .bias = bias,
                     .kernel = {1, 1},
                     .stride = {1, 1},
                     .dilation = {1, 1},
                     .groups = channels,
                     .y_step = QN_BLOCK8,
                     .act = i->act};
    return QUERN_OK;
}

typedef struct job {
    const qn_kernels *k;
    qn_conv8c c;
} job;

static void run_task(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->dw8c_f32(&j->c, t);
}

quern_status qn_batch_norm_blocked_run(const qn_instr *i, const qn_exec *x)
{
    job j = {.k = x->k, .c = *(const qn_conv8c *)i->state};
    j.c.x = qn_tensor_plane(i->in[0]);
    j.c.y = qn_tensor_plane(i->out[0]);
    qn_parallel_blocks8c(x->pool, i->in[0]->dim[0], &j.c.y, run_task, &j);
    return QUERN_OK;
}
