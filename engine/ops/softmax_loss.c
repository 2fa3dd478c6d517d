/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/softmax_loss.c - softmax and cross-entropy in one, against a distribution
 * for each row (one-hot, smoothed or mixed), each row with a weight; and its gradient.
 * Rows of training: never in a file. */
#include "engine/grad.h"
#include "kernels/loss.h"

typedef struct loss_params {
    float smoothing;
} loss_params;

static const qn_attr loss_attrs[] = {QN_FLOAT(loss_params, smoothing, 0), QN_ATTRS_END};

/* Logits or probabilities, target and weight, which start at input k. */
static quern_status check_shapes(const qn_infer *x, int k, quern_error *err)
{
    const qn_tensor *a = x->in[k], *t = x->in[k + 1], *w = x->in[k + 2];
    if (a->rank != 2 || a->dim[1] < 1)
        return qn_fail(err, QUERN_SHAPE, "logits are %s, not [batch,classes]",
                       QN_SHAPE(a));
    if (!qn_same_shape(a, t))
        return qn_fail(err, QUERN_SHAPE, "logits are %s, the target is %s", QN_SHAPE(a),
                       QN_SHAPE(t));
    if (w->rank != 1 || w->dim[0] != a->dim[0])
        return qn_fail(err, QUERN_SHAPE, "weights are %s for logits %s", QN_SHAPE(w),
                       QN_SHAPE(a));
    return QUERN_OK;
}

static quern_status loss_infer(const qn_infer *x, quern_error *err)
{
    QN_TRY(check_shapes(x, 0, err));
    if (x->out[0]) x->out[0]->rank = 0;
    if (x->out[1]) qn_copy_shape(x->out[1], x->in[0]);
    return QUERN_OK;
}

static qn_softmax_loss problem(const qn_instr *i, const qn_tensor *a)
{
    const loss_params *p = i->params;
    return (qn_softmax_loss){
        .n = a->dim[0], .classes = a->dim[1], .smoothing = (double)p->smoothing};
}

static quern_status loss_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    qn_prep_scratch(p, qn_tensor_bytes(p->instr->in[0]));
    return QUERN_OK;
}

static quern_status loss_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const qn_softmax_loss p = problem(i, i->in[0]);
    void *prob = i->n_out > 1 && i->out[1] ? i->out[1]->data : i->scratch;
    const void *a = i->in[0]->data, *t = i->in[1]->data, *w = i->in[2]->data;
    const double loss = i->in[0]->dtype == QUERN_FLOAT
                            ? qn_softmax_loss_f32(&p, a, t, w, prob)
                            : qn_softmax_loss_f64(&p, a, t, w, prob);
    if (i->out[0]) qn_set_real(i->out[0], 0, loss);
    return QUERN_OK;
}

static quern_status loss_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    qn_node *back;
    qn_value *in[] = {qn_grad_of(g, node, 0), node->out[1], node->in[1], node->in[2]};
    QN_TRY(qn_grad_node(g, QN_DOMAIN, "SoftmaxLossGrad", 4, in, 1, &back, err));
    QN_TRY(qn_grad_copy_attrs(node, back, err));
    QN_TRY(qn_grad_append(g, back, err));
    return qn_grad_add(g, node, 0, back->out[0], err);
}

static quern_status grad_infer(const qn_infer *x, quern_error *err)
{
    QN_TRY(check_shapes(x, 1, err));
    if (x->out[0]) qn_copy_shape(x->out[0], x->in[1]);
    return QUERN_OK;
}

static quern_status grad_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const qn_softmax_loss p = problem(i, i->in[1]);
    const double scale = qn_get_real(i->in[0], 0);
    const void *prob = i->in[1]->data, *t = i->in[2]->data, *w = i->in[3]->data;
    if (i->in[1]->dtype == QUERN_FLOAT)
        qn_softmax_loss_grad_f32(&p, scale, prob, t, w, i->out[0]->data);
    else
        qn_softmax_loss_grad_f64(&p, scale, prob, t, w, i->out[0]->data);
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_softmax_loss = {
    .name = "SoftmaxLoss", .domain = QN_DOMAIN, .since = 1,
    .min_in = 3, .max_in = 3, .min_out = 2, .max_out = 2,
    .attrs = loss_attrs, .params_size = sizeof(loss_params),
    .types = {QN_T_F32 | QN_T_F64},
    .infer = loss_infer, .prepare = loss_prepare, .run = loss_run, .grad = loss_grad,
};
const qn_op qn_op_softmax_loss_grad = {
    .name = "SoftmaxLossGrad", .domain = QN_DOMAIN, .since = 1,
    .min_in = 4, .max_in = 4,
    .attrs = loss_attrs, .params_size = sizeof(loss_params),
    .types = {QN_T_F32 | QN_T_F64},
    .infer = grad_infer, .run = grad_run,
};
/* clang-format on */
