/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/flow_loss.c - FlowLoss: what a network of Cellpose's kind is trained by,
 * flows and a probability at every pixel, each picture with a weight; and its gradient.
 * Rows of training: never in a file. */
#include "engine/grad.h"
#include "kernels/loss.h"

/* Outputs of the network, target and weight, which start at input k. */
static quern_status check_shapes(const qn_infer *x, int k, quern_error *err)
{
    const qn_tensor *a = x->in[k], *t = x->in[k + 1], *w = x->in[k + 2];
    if (a->rank != 4 || a->dim[1] != 3)
        return qn_fail(err, QUERN_SHAPE, "the prediction is %s, not [batch,3,h,w]",
                       QN_SHAPE(a));
    if (!qn_same_shape(a, t))
        return qn_fail(err, QUERN_SHAPE, "the prediction is %s, the target is %s",
                       QN_SHAPE(a), QN_SHAPE(t));
    if (w->rank != 1 || w->dim[0] != a->dim[0])
        return qn_fail(err, QUERN_SHAPE, "weights are %s for a prediction of %s",
                       QN_SHAPE(w), QN_SHAPE(a));
    return QUERN_OK;
}

/* The pictures from input k on; what comes out of each goes where its place is. */
typedef struct flow_job {
    const qn_tensor *x, *target, *weight;
    int64_t pixels;
    double scale, *loss; /* [n] */
    void *d;
} flow_job;

static flow_job job_of(const qn_instr *i, int k)
{
    const qn_tensor *x = i->in[k];
    return (flow_job){.x = x,
                      .target = i->in[k + 1],
                      .weight = i->in[k + 2],
                      .pixels = x->dim[2] * x->dim[3]};
}

static double weight_sum(const flow_job *j)
{
    double sum = 0;
    for (int64_t n = 0; n < j->x->dim[0]; n++)
        sum += qn_get_real(j->weight, n);
    return sum;
}

/* ---- the loss ---- */

static quern_status loss_infer(const qn_infer *x, quern_error *err)
{
    QN_TRY(check_shapes(x, 0, err));
    if (x->out[0]) x->out[0]->rank = 0;
    return QUERN_OK;
}

static quern_status loss_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    qn_prep_scratch(p, (size_t)p->instr->in[0]->dim[0] * sizeof(double));
    return QUERN_OK;
}

static void loss_pictures(void *ctx, int64_t begin, int64_t end, int worker)
{
    const flow_job *j = ctx;
    (void)worker;
    for (int64_t n = begin; n < end; n++) {
        const int64_t at = 3 * n * j->pixels;
        if (j->x->dtype == QUERN_FLOAT)
            j->loss[n] = qn_flow_loss_f32(j->pixels, (const float *)j->x->data + at,
                                          (const float *)j->target->data + at);
        else
            j->loss[n] = qn_flow_loss_f64(j->pixels, (const double *)j->x->data + at,
                                          (const double *)j->target->data + at);
    }
}

static quern_status loss_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    flow_job j = job_of(i, 0);
    const double all = weight_sum(&j);
    double loss = 0;
    (void)err;
    j.loss = i->scratch;
    qn_parallel_for(x->pool, j.x->dim[0], 1, loss_pictures, &j);
    for (int64_t n = 0; n < j.x->dim[0]; n++)
        loss += qn_get_real(j.weight, n) * j.loss[n];
    if (i->out[0]) qn_set_real(i->out[0], 0, all != 0 ? loss / all : 0);
    return QUERN_OK;
}

static quern_status loss_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    qn_value *d;
    qn_value *in[] = {qn_grad_of(g, node, 0), node->in[0], node->in[1], node->in[2]};
    QN_TRY(qn_grad_emit(g, QN_DOMAIN, "FlowLossGrad", 4, in, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* ---- its gradient ---- */

static quern_dtype grad_dtype(const qn_node *node, int i)
{
    (void)i;
    return node->in[1] ? node->in[1]->dtype : QUERN_UNDEFINED;
}

static quern_status grad_infer(const qn_infer *x, quern_error *err)
{
    QN_TRY(check_shapes(x, 1, err));
    if (x->out[0]) qn_copy_shape(x->out[0], x->in[1]);
    return QUERN_OK;
}

static void grad_pictures(void *ctx, int64_t begin, int64_t end, int worker)
{
    const flow_job *j = ctx;
    (void)worker;
    for (int64_t n = begin; n < end; n++) {
        const int64_t at = 3 * n * j->pixels;
        const double scale = j->scale * qn_get_real(j->weight, n);
        if (j->x->dtype == QUERN_FLOAT)
            qn_flow_loss_grad_f32(j->pixels, scale, (const float *)j->x->data + at,
                                  (const float *)j->target->data + at,
                                  (float *)j->d + at);
        else
            qn_flow_loss_grad_f64(j->pixels, scale, (const double *)j->x->data + at,
                                  (const double *)j->target->data + at,
                                  (double *)j->d + at);
    }
}

static quern_status grad_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    flow_job j = job_of(i, 1);
    const double all = weight_sum(&j);
    (void)err;
    if (!i->out[0]) return QUERN_OK;
    j.scale = all != 0 ? qn_get_real(i->in[0], 0) / all : 0;
    j.d = i->out[0]->data;
    qn_parallel_for(x->pool, j.x->dim[0], 1, grad_pictures, &j);
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_flow_loss = {
    .name = "FlowLoss", .domain = QN_DOMAIN, .since = 1,
    .min_in = 3, .max_in = 3, .types = {QN_T_F32 | QN_T_F64},
    .infer = loss_infer, .prepare = loss_prepare, .run = loss_run, .grad = loss_grad,
};
const qn_op qn_op_flow_loss_grad = {
    .name = "FlowLossGrad", .domain = QN_DOMAIN, .since = 1,
    .min_in = 4, .max_in = 4, .types = {QN_T_F32 | QN_T_F64},
    .out_dtype = grad_dtype, .infer = grad_infer, .run = grad_run,
};
/* clang-format on */
