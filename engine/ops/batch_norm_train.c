/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_norm_train.c - BatchNormTrain: Y = (X - mean) / sqrt(var + epsilon)
 * * scale + bias with mean and population variance of the batch, which are results,
 * too. Running statistics are the caller's. */
#include "engine/ops/batch_norm_grad.h"
#include "engine/ops/batch_stats.h"
#include "engine/ops/norm_blocked.h"
#include "kernels/norm.h"

#include <math.h>

typedef struct train_params {
    float epsilon;
} train_params;

typedef struct train_job {
    const qn_instr *i;
    qn_channels s;
} train_job;

static quern_status train_infer(const qn_infer *x, quern_error *err)
{
    qn_channels s = qn_channels_of(x->in[0]);
    QN_TRY(qn_channels_check(x, x->in[0], 1, 3, err));
    if (x->out[0]) qn_copy_shape(x->out[0], x->in[0]);
    for (int i = 1; i < x->n_out; i++)
        if (x->out[i]) qn_set_shape(x->out[i], x->out[i]->dtype, 1, &s.c);
    return QUERN_OK;
}

static quern_dtype train_dtype(const qn_node *node, int i)
{
    const qn_value *from = node->in[i == 0 ? 0 : 1];
    return from ? from->dtype : QUERN_UNDEFINED;
}

static bool train_can_block(const qn_instr *i, qn_blocked *how)
{
    return qn_norm_blocked(i, 1, how);
}

static quern_status train_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    if (p->instr->is_blocked) qn_norm_blocked_prepare(p);
    return QUERN_OK;
}

/* One channel of one image. */
static void normalise_plane(const train_job *job, int64_t at, qn_moments m,
                            const double scale_bias[2])
{
    const qn_instr *i = job->i;
    const qn_act *act = &i->act;
    if (i->in[0]->dtype == QUERN_DOUBLE) {
        double *y = (double *)i->out[0]->data + at;
        qn_affine_f64(y, (const double *)i->in[0]->data + at, job->s.len, m.mean,
                      scale_bias[0], scale_bias[1]);
        if (act->kind) qn_act_f64(act->kind, act->alpha, act->beta, y, job->s.len);
    } else {
        float *y = (float *)i->out[0]->data + at;
        qn_affine_f32(y, (const float *)i->in[0]->data + at, job->s.len, m.mean,
                      scale_bias[0], scale_bias[1]);
        if (act->kind) qn_act_f32(act->kind, act->alpha, act->beta, y, job->s.len);
    }
}

static void train_channels(void *ctx, int64_t begin, int64_t end, int worker)
{
    const train_job *job = ctx;
    const qn_instr *i = job->i;
    const train_params *p = i->params;
    (void)worker;
    for (int64_t c = begin; c < end; c++) {
        qn_moments m = qn_channel_moments(i->in[0], c);
        double root = sqrt(m.variance + (double)p->epsilon);
        const double map[2] = {qn_get_real(i->in[1], c) / root,
                               qn_get_real(i->in[2], c)};
        if (i->n_out > 1 && i->out[1]) qn_set_real(i->out[1], c, m.mean);
        if (i->n_out > 2 && i->out[2]) qn_set_real(i->out[2], c, m.variance);
        for (int64_t n = 0; i->out[0] && n < job->s.n; n++)
            normalise_plane(job, (n * job->s.c + c) * job->s.len, m, map);
    }
}

static quern_status train_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const train_params *p = i->params;
    (void)err;
    if (i->is_blocked) return qn_norm_train_blocked(i, x, p->epsilon);
    train_job job = {i, qn_channels_of(i->in[0])};
    qn_parallel_for(x->pool, job.s.c, 1, train_channels, &job);
    return QUERN_OK;
}

/* Its own statistics are at hand if somebody asked for them. */
static quern_status train_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    const train_params *p = node->params;
    if (node->n_out < 3 || !node->out[1] || !node->out[2])
        return qn_fail(err, QUERN_INVALID, "the gradient needs outputs 1 and 2");
    const qn_batch_grad how = {node->out[1], node->out[2], p->epsilon, false};
    return qn_grad_batch_norm(g, node, &how, err);
}

static const qn_attr train_attrs[] = {QN_FLOAT(train_params, epsilon, 1e-5f),
                                      QN_ATTRS_END};

const qn_op qn_op_batch_norm_train = {
    .name = "BatchNormTrain",
    .domain = QN_DOMAIN,
    .since = 1,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    .flags = QN_OP_INPLACE | QN_OP_HALF_AS_F32 | QN_OP_FUSES_ACT,
    .attrs = train_attrs,
    .params_size = sizeof(train_params),
    .types = {QN_T_FLOATS},
    .out_dtype = train_dtype,
    .infer = train_infer,
    .blocked = train_can_block,
    .prepare = train_prepare,
    .run = train_run,
    .grad = train_grad,
};
