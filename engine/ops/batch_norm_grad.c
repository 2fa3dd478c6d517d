/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_norm_grad.c - BatchNormGrad: with h = (X - mean) / sqrt(var + eps)
 * and M elements in a channel,
 *
 *     dbias = sum dY,  dscale = sum dY h,
 *     dX = scale / sqrt(var + eps) * (dY - dbias / M - h * dscale / M),
 *
 * or without the last two terms if the statistics do not depend on X (frozen).  With an
 * activation (act: a function of UnaryGrad) dY is that of act(Y): Y is computed again
 * from X, which is read anyway. */
#include "engine/ops/batch_norm_grad.h"

#include "engine/ops/batch_stats.h"
#include "engine/ops/norm_blocked.h"
#include "engine/ops/unary_grad.h"
#include "kernels/norm.h"

#include <math.h>

typedef struct bn_grad_params {
    float epsilon;
    int64_t frozen;
    const char *act;
    float alpha, beta;
} bn_grad_params;

typedef struct bn_grad_job {
    const qn_instr *i;
    qn_channels s;
    int act; /* qn_unary_op; -1: none */
} bn_grad_job;

quern_status qn_grad_batch_norm(qn_grad *g, const qn_node *node,
                                const qn_batch_grad *how, quern_error *err)
{
    qn_node *made;
    qn_value *in[5] = {qn_grad_of(g, node, 0), node->in[0], node->in[1], how->mean,
                       how->var};
    if (!in[0]) return QUERN_OK; /* statistics alone pass nothing on */
    QN_TRY(qn_grad_node(g, QN_DOMAIN, "BatchNormGrad", 5, in, 3, &made, err));
    QN_TRY(qn_node_set_float(made, "epsilon", how->epsilon, err));
    QN_TRY(qn_node_set_int(made, "frozen", how->is_frozen, err));
    QN_TRY(qn_grad_append(g, made, err));
    for (int i = 0; i < 3; i++)
        QN_TRY(qn_grad_add(g, node, i, made->out[i], err));
    return QUERN_OK;
}

static quern_status bn_grad_check(const qn_node *node, quern_error *err)
{
    const bn_grad_params *p = node->params;
    if (!*p->act) return QUERN_OK;
    if (qn_unary_grad_named(p->act) < 0)
        return qn_fail(err, QUERN_INVALID, "act is '%s'", p->act);
    if (node->n_in < 6 || !node->in[5])
        return qn_fail(err, QUERN_INVALID, "act needs the bias");
    return QUERN_OK;
}

static quern_status bn_grad_infer(const qn_infer *x, quern_error *err)
{
    qn_channels s = qn_channels_of(x->in[1]);
    if (!qn_same_shape(x->in[0], x->in[1]) || x->in[0]->dtype != x->in[1]->dtype)
        return qn_fail(err, QUERN_SHAPE, "dY is %s%s but X is %s%s",
                       quern_dtype_name(x->in[0]->dtype), QN_SHAPE(x->in[0]),
                       quern_dtype_name(x->in[1]->dtype), QN_SHAPE(x->in[1]));
    QN_TRY(qn_channels_check(x, x->in[1], 2, 6, err));
    if (x->out[0]) qn_copy_shape(x->out[0], x->in[0]);
    for (int i = 1; i < x->n_out; i++)
        if (x->out[i]) qn_set_shape(x->out[i], x->out[i]->dtype, 1, &s.c);
    return QUERN_OK;
}

static quern_dtype bn_grad_dtype(const qn_node *node, int i)
{
    const qn_value *from = node->in[i == 0 ? 0 : 2];
    return from ? from->dtype : QUERN_UNDEFINED;
}

bool qn_batch_norm_act(const char *function, const float p[2], qn_act *act)
{
    *act = (qn_act){QN_ACT_NONE, p[0], p[1]};
    if (!*function) return true;
    const int op = qn_unary_grad_named(function);
    for (int kind = QN_ACT_RELU; kind <= QN_ACT_GELU; kind++)
        if (qn_act_function(kind) == op) act->kind = (uint8_t)kind;
    return act->kind != QN_ACT_NONE && !(act->kind == QN_ACT_SILU && p[0] != 1.0f);
}

static bool act_of(const bn_grad_params *p, qn_act *act)
{
    return qn_batch_norm_act(p->act, (const float[]){p->alpha, p->beta}, act);
}

static bool bn_grad_can_block(const qn_instr *i, qn_blocked *how)
{
    qn_act act;
    return act_of(i->params, &act) && qn_norm_blocked(i, 2, how);
}

static quern_status bn_grad_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    if (p->instr->is_blocked) qn_norm_blocked_prepare(p);
    return QUERN_OK;
}

static quern_status run_blocked(const qn_instr *i, const qn_exec *x)
{
    const bn_grad_params *p = i->params;
    qn_norm_grad_how how = {p->epsilon, p->frozen != 0, {0}};
    act_of(p, &how.act);
    return qn_norm_grad_blocked(i, x, &how);
}

static qn_grad_sums plane_sums(const bn_grad_job *job, const qn_norm_map *m, int64_t at)
{
    const qn_tensor *dy = job->i->in[0], *x = job->i->in[1];
    if (x->dtype == QUERN_DOUBLE)
        return qn_norm_grad_sums_f64((const double *)dy->data + at,
                                     (const double *)x->data + at, job->s.len, m);
    return qn_norm_grad_sums_f32((const float *)dy->data + at,
                                 (const float *)x->data + at, job->s.len, m);
}

static void plane_back(const bn_grad_job *job, const qn_norm_map *m,
                       const qn_norm_back *b, int64_t at)
{
    const qn_tensor *dy = job->i->in[0], *x = job->i->in[1], *dx = job->i->out[0];
    if (x->dtype == QUERN_DOUBLE)
        qn_norm_grad_f64((double *)dx->data + at, (const double *)dy->data + at,
                         (const double *)x->data + at, job->s.len, m, b);
    else
        qn_norm_grad_f32((float *)dx->data + at, (const float *)dy->data + at,
                         (const float *)x->data + at, job->s.len, m, b);
}

static qn_norm_map map_of(const bn_grad_job *job, int64_t c)
{
    const qn_instr *i = job->i;
    const bn_grad_params *p = i->params;
    double root = sqrt(qn_get_real(i->in[4], c) + (double)p->epsilon);
    return (qn_norm_map){.mean = qn_get_real(i->in[3], c),
                         .scale = qn_get_real(i->in[2], c) / root,
                         .bias = job->act >= 0 ? qn_get_real(i->in[5], c) : 0,
                         .act = job->act,
                         .p = {(double)p->alpha, (double)p->beta}};
}

/* From the sums of a channel to its part of dscale and dbias, and how to form dX. */
static qn_norm_back finish_channel(const bn_grad_job *job, int64_t c,
                                   const qn_norm_map *m, qn_grad_sums s)
{
    const qn_instr *i = job->i;
    const bn_grad_params *p = i->params;
    double var = qn_get_real(i->in[4], c) + (double)p->epsilon;
    double count = (double)job->s.n * (double)job->s.len;
    if (i->n_out > 1 && i->out[1]) qn_set_real(i->out[1], c, s.product / sqrt(var));
    if (i->n_out > 2 && i->out[2]) qn_set_real(i->out[2], c, s.sum);
    if (p->frozen) return (qn_norm_back){.scale = m->scale};
    return (qn_norm_back){m->scale, s.sum / count, s.product / (var * count)};
}

static void bn_grad_channels(void *ctx, int64_t begin, int64_t end, int worker)
{
    const bn_grad_job *job = ctx;
    (void)worker;
    for (int64_t c = begin; c < end; c++) {
        const qn_norm_map m = map_of(job, c);
        qn_grad_sums total = {0, 0};
        for (int64_t n = 0; n < job->s.n; n++) {
            qn_grad_sums s = plane_sums(job, &m, (n * job->s.c + c) * job->s.len);
            total.sum += s.sum;
            total.product += s.product;
        }
        const qn_norm_back b = finish_channel(job, c, &m, total);
        for (int64_t n = 0; job->i->out[0] && n < job->s.n; n++)
            plane_back(job, &m, &b, (n * job->s.c + c) * job->s.len);
    }
}

static quern_status bn_grad_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const bn_grad_params *p = i->params;
    (void)err;
    if (i->is_blocked) return run_blocked(i, x);
    bn_grad_job job = {i, qn_channels_of(i->in[1]),
                       *p->act ? qn_unary_grad_named(p->act) : -1};
    qn_parallel_for(x->pool, job.s.c, 1, bn_grad_channels, &job);
    return QUERN_OK;
}

static const qn_attr bn_grad_attrs[] = {
    QN_FLOAT(bn_grad_params, epsilon, 1e-5f), QN_INT(bn_grad_params, frozen, 0),
    QN_STR(bn_grad_params, act, ""),          QN_FLOAT(bn_grad_params, alpha, 0),
    QN_FLOAT(bn_grad_params, beta, 0),        QN_ATTRS_END};

const qn_op qn_op_batch_norm_grad = {
    .name = "BatchNormGrad",
    .domain = QN_DOMAIN,
    .since = 1,
    .min_in = 5,
    .max_in = 6,
    .min_out = 1,
    .max_out = 3,
    .flags = QN_OP_INPLACE | QN_OP_HALF_AS_F32,
    .attrs = bn_grad_attrs,
    .params_size = sizeof(bn_grad_params),
    .types = {QN_T_FLOATS},
    .out_dtype = bn_grad_dtype,
    .check = bn_grad_check,
    .infer = bn_grad_infer,
    .blocked = bn_grad_can_block,
    .prepare = bn_grad_prepare,
    .run = bn_grad_run,
};
