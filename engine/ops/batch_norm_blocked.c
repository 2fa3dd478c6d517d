/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_norm_blocked.c - y = s x + (bias - mean s) with s = scale / sqrt(var
 * + epsilon), both formed in double when the plan is made; s (x + residual) is s x and
 * a shift that is formed when the plan runs. */
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

static int64_t padded_channels(const qn_instr *i)
{
    return qn_blocks8c(i->in[0]->dim[1]) * QN_BLOCK8;
}

quern_status qn_batch_norm_ahead(qn_prep *p, qn_ahead8c *ahead, quern_error *err)
{
    const qn_instr *i = p->instr;
    const size_t n = (size_t)padded_channels(i);
    const float epsilon = qn_node_float(i->node, "epsilon", 1e-5f);
    void *room;
    QN_TRY(qn_arena_array(p->arena, 2 * n, sizeof(float), &room, err));
    float *scale = room, *shift = scale + n; /* zeros where there is no channel */
    for (int64_t k = 0; k < i->in[0]->dim[1]; k++) {
        double s =
            qn_get_real(i->in[1], k) / sqrt(qn_get_real(i->in[4], k) + (double)epsilon);
        scale[k] = (float)s;
        shift[k] = (float)(qn_get_real(i->in[2], k) - s * qn_get_real(i->in[3], k));
    }
    *ahead = (qn_ahead8c){.scale = scale, .shift = shift, .act = i->act};
    return QUERN_OK;
}

size_t qn_batch_norm_shifts(const qn_instr *i)
{
    return i->residual ? (size_t)(i->in[0]->dim[0] * padded_channels(i)) : 0;
}

void qn_batch_norm_set_residual(const qn_instr *i, qn_ahead8c *ahead, float *shifts)
{
    if (!i->residual) return;
    const float *residual = i->residual->data;
    const int64_t channels = i->in[0]->dim[1], n = padded_channels(i);
    for (int64_t image = 0; image < i->in[0]->dim[0]; image++)
        for (int64_t k = 0; k < n; k++)
            shifts[image * n + k] =
                k < channels
                    ? ahead->scale[k] * residual[image * channels + k] + ahead->shift[k]
                    : 0;
    ahead->shift = shifts;
    ahead->image = n;
}

quern_status qn_batch_norm_blocked_prepare(qn_prep *p, quern_error *err)
{
    qn_ahead8c *state;
    QN_TRY(qn_prep_state(p, sizeof *state, (void **)&state, err));
    QN_TRY(qn_batch_norm_ahead(p, state, err));
    qn_prep_scratch(p, qn_batch_norm_shifts(p->instr) * sizeof(float));
    return QUERN_OK;
}

typedef struct job {
    const qn_kernels *k;
    qn_conv8c c;
    int64_t shift; /* floats from image to image */
} job;

static void run_task(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    qn_conv8c c = j->c;
    c.bias += t->image * j->shift;
    j->k->dw8c_f32(&c, t);
}

quern_status qn_batch_norm_blocked_run(const qn_instr *i, const qn_exec *x)
{
    qn_ahead8c map = *(const qn_ahead8c *)i->state;
    qn_batch_norm_set_residual(i, &map, i->scratch);
    job j = {.k = x->k, .shift = map.image};
    j.c = (qn_conv8c){.x = qn_tensor_plane(i->in[0]),
                      .y = qn_tensor_plane(i->out[0]),
                      .weight = map.scale,
                      .bias = map.shift,
                      .kernel = {1, 1},
                      .stride = {1, 1},
                      .dilation = {1, 1},
                      .groups = i->in[0]->dim[1],
                      .y_step = QN_BLOCK8,
                      .act = map.act};
    qn_parallel_blocks8c(x->pool, i->in[0]->dim[0], &j.c.y, run_task, &j);
    return QUERN_OK;
}
