/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_norm.c - Y = (X - mean) / sqrt(var + epsilon) * scale + B by
 * channel; in training mode the statistics are those of the batch and the running ones
 * follow; ONNX BatchNormalization-15.  Lowered: is_test of 1 and 6, spatial of 6 and 7,
 * the two extra outputs that mean training in 7 and 9. */
#include "engine/ops/batch_norm_blocked.h"

#include "engine/grad.h"
#include "engine/ops/batch_norm_grad.h"
#include "engine/ops/batch_stats.h"
#include "kernels/act.h"
#include "kernels/norm.h"

#include <math.h>

typedef struct bn_params {
    float epsilon, momentum;
    int64_t training_mode;
} bn_params;

/* The map of each channel: (x - mean) * scale + bias. */
typedef struct bn_channel {
    double mean, scale, bias;
} bn_channel;

typedef struct bn_job {
    const qn_instr *i;
    qn_channels s;
} bn_job;

/* spatial 0: every activation is a channel.  X is flattened to [N, F] and back. */
static quern_status lower_per_activation(qn_graph *g, qn_node *node, quern_error *err)
{
    qn_value *x = node->in[0], *shape, *flat, *minus1;
    int64_t all = -1;
    QN_TRY(qn_graph_emit(g, node, "Shape", 1, &x, &shape, err));
    QN_TRY(qn_graph_emit(g, node, "Flatten", 1, &x, &flat, err));
    QN_TRY(qn_graph_add_ints(g, 1, &all, &minus1, err));
    node->in[0] = flat;
    for (int i = 1; i < node->n_in; i++) {
        qn_value *in[2] = {node->in[i], minus1};
        QN_TRY(qn_graph_emit(g, node, "Reshape", 2, in, &node->in[i], err));
    }
    qn_value *y = node->out[0], *raw, *back;
    QN_TRY(qn_graph_add_value(g, "", &raw, err));
    raw->producer = node;
    raw->dtype = y->dtype;
    node->out[0] = raw;
    QN_TRY(qn_graph_emit(g, node->next, "Reshape", 2, (qn_value *[]){raw, shape}, &back,
                         err));
    back->producer->out[0] = y;
    y->producer = back->producer;
    back->producer = NULL;
    return QUERN_OK;
}

static quern_status bn_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    if (node->opset >= 14) return QUERN_OK;
    bool training = false;
    for (int i = 1; i < node->n_out; i++)
        training = training || node->out[i];
    if (node->opset < 7) training = !qn_node_int(node, "is_test", 0);
    if (node->n_out > 3) qn_graph_count_uses(g);
    for (int i = 3; i < node->n_out; i++) {
        if (node->out[i] && node->out[i]->n_uses > 0)
            return qn_fail(err, QUERN_UNSUPPORTED,
                           "saved statistics (output %d of opset %lld)", i,
                           (long long)node->opset);
        node->out[i] = NULL;
    }
    if (node->n_out > 3) node->n_out = 3;
    bool spatial = node->opset >= 9 || qn_node_int(node, "spatial", 1);
    qn_node_drop_attr(node, "is_test");
    qn_node_drop_attr(node, "spatial");
    qn_node_drop_attr(node, "consumed_inputs");
    QN_TRY(qn_node_set_int(node, "training_mode", training, err));
    return spatial ? QUERN_OK : lower_per_activation(g, node, err);
}

static quern_status bn_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0];
    const bn_params *p = x->params;
    QN_TRY(qn_channels_check(x, in, 1, 5, err));
    if (x->out[0]) qn_copy_shape(x->out[0], in);
    for (int i = 1; i < x->n_out; i++) {
        if (!x->out[i]) continue;
        if (!p->training_mode)
            return qn_fail(err, QUERN_INVALID, "output %d exists in training mode only",
                           i);
        qn_copy_shape(x->out[i], x->in[2 + i]);
    }
    return QUERN_OK;
}

static quern_dtype bn_dtype(const qn_node *node, int i)
{
    const qn_value *from = node->in[i == 0 ? 0 : 2 + i];
    return from ? from->dtype : QUERN_UNDEFINED;
}

static bool bn_can_block(const qn_instr *i, qn_blocked *how)
{
    const bn_params *p = i->params;
    return !p->training_mode && qn_batch_norm_blocked(i, how);
}

static quern_status bn_prepare(qn_prep *p, quern_error *err)
{
    if (p->instr->is_blocked) return qn_batch_norm_blocked_prepare(p, err);
    qn_prep_scratch(p, (size_t)qn_channels_of(p->instr->in[0]).c * sizeof(bn_channel));
    return QUERN_OK;
}

static void run_channels(void *ctx, int64_t begin, int64_t end, int worker)
{
    const bn_job *job = ctx;
    const qn_instr *i = job->i;
    const bn_params *p = i->params;
    bn_channel *map = i->scratch;
    (void)worker;
    for (int64_t c = begin; c < end; c++) {
        qn_moments m = {qn_get_real(i->in[3], c), qn_get_real(i->in[4], c)};
        if (p->training_mode) {
            qn_moments batch = qn_channel_moments(i->in[0], c);
            double keep = (double)p->momentum;
            if (i->n_out > 1 && i->out[1])
                qn_set_real(i->out[1], c, m.mean * keep + batch.mean * (1 - keep));
            if (i->n_out > 2 && i->out[2])
                qn_set_real(i->out[2], c,
                            m.variance * keep + batch.variance * (1 - keep));
            m = batch;
        }
        double root = sqrt(m.variance + (double)p->epsilon);
        map[c] = (bn_channel){m.mean, qn_get_real(i->in[1], c) / root,
                              qn_get_real(i->in[2], c)};
    }
}

static void run_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const bn_job *job = ctx;
    const qn_instr *i = job->i;
    const qn_act *act = &i->act;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        const bn_channel *m = (const bn_channel *)i->scratch + t % job->s.c;
        const double mean = m->mean - (i->residual ? qn_get_real(i->residual, t) : 0);
        int64_t at = t * job->s.len;
        if (i->in[0]->dtype == QUERN_DOUBLE) {
            double *y = (double *)i->out[0]->data + at;
            qn_affine_f64(y, (const double *)i->in[0]->data + at, job->s.len, mean,
                          m->scale, m->bias);
            if (act->kind) qn_act_f64(act->kind, act->alpha, act->beta, y, job->s.len);
        } else {
            float *y = (float *)i->out[0]->data + at;
            qn_affine_f32(y, (const float *)i->in[0]->data + at, job->s.len, mean,
                          m->scale, m->bias);
            if (act->kind) qn_act_f32(act->kind, act->alpha, act->beta, y, job->s.len);
        }
    }
}

static quern_status bn_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_tensor *in = i->in[0];
    bn_job job = {i, qn_channels_of(in)};
    (void)err;
    if (i->is_blocked) return qn_batch_norm_blocked_run(i, x);
    qn_parallel_for(x->pool, job.s.c, 16, run_channels, &job);
    int64_t grain = (64 << 10) / (job.s.len + 1);
    if (i->out[0])
        qn_parallel_for(x->pool, job.s.n * job.s.c, grain < 1 ? 1 : grain, run_planes,
                        &job);
    return QUERN_OK;
}

/* With frozen statistics Y is an affine map of X; in training mode those of the batch
 * are formed again, so that the outputs may be what they like. */
static quern_status bn_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    const bn_params *p = node->params;
    qn_batch_grad how = {node->in[3], node->in[4], p->epsilon, !p->training_mode};
    if (p->training_mode) {
        qn_node *made;
        QN_TRY(
            qn_grad_node(g, QN_DOMAIN, "BatchNormTrain", 3, node->in, 3, &made, err));
        QN_TRY(qn_node_set_float(made, "epsilon", p->epsilon, err));
        QN_TRY(qn_grad_append(g, made, err));
        how.mean = made->out[1];
        how.var = made->out[2];
    }
    return qn_grad_batch_norm(g, node, &how, err);
}

static const qn_attr bn_attrs[] = {QN_FLOAT(bn_params, epsilon, 1e-5f),
                                   QN_FLOAT(bn_params, momentum, 0.9f),
                                   QN_INT(bn_params, training_mode, 0), QN_ATTRS_END};

const qn_op qn_op_batch_normalization = {
    .name = "BatchNormalization",
    .since = 15,
    .min_in = 5,
    .max_in = 5,
    .min_out = 1,
    .max_out = 3,
    .flags = QN_OP_INPLACE | QN_OP_HALF_AS_F32 | QN_OP_FUSES_ACT | QN_OP_SHIFTS,
    .attrs = bn_attrs,
    .params_size = sizeof(bn_params),
    .types = {QN_T_FLOATS},
    .out_dtype = bn_dtype,
    .lower = bn_lower,
    .infer = bn_infer,
    .blocked = bn_can_block,
    .prepare = bn_prepare,
    .run = bn_run,
    .grad = bn_grad,
};
