/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/cross_entropy.c - NegativeLogLikelihoodLoss-22 on log-probabilities and
 * SoftmaxCrossEntropyLoss-13 on scores (log softmax over dim 1, then the former). */
#include "engine/ops/grads.h"
#include "engine/op.h"
#include "kernels/loss.h"
#include "kernels/softmax.h"

#include <string.h>

typedef struct loss_params {
    int64_t ignore_index;
    const char *reduction;
} loss_params;

/* No label can be INT64_MIN and be in range: it stands for "nothing is ignored". */
static const qn_attr loss_attrs[] = {QN_INT(loss_params, ignore_index, INT64_MIN),
                                     QN_STR(loss_params, reduction, "mean"),
                                     QN_ATTRS_END};

static qn_loss_reduction reduction_of(const loss_params *p)
{
    return strcmp(p->reduction, "none") == 0  ? QN_LOSS_NONE
           : strcmp(p->reduction, "sum") == 0 ? QN_LOSS_SUM
                                              : QN_LOSS_MEAN;
}

static quern_status loss_check(const qn_node *node, quern_error *err)
{
    const loss_params *p = node->params;
    if (reduction_of(p) == QN_LOSS_MEAN && strcmp(p->reduction, "mean") != 0)
        return qn_fail(err, QUERN_INVALID, "reduction is \"%s\"", p->reduction);
    return QUERN_OK;
}

static quern_status loss_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0], *label = x->in[1];
    const qn_tensor *weight = x->n_in > 2 ? x->in[2] : NULL;
    bool fits = in->rank >= 2 && label->rank == in->rank - 1;
    for (int d = 0; fits && d < label->rank; d++)
        fits = label->dim[d] == in->dim[d ? d + 1 : 0];
    if (!fits)
        return qn_fail(err, QUERN_SHAPE, "input is %s, so labels of %s do not fit",
                       QN_SHAPE(in), QN_SHAPE(label));
    if (weight && (weight->rank != 1 || weight->dim[0] != in->dim[1]))
        return qn_fail(err, QUERN_SHAPE, "weights are %s for %lld classes",
                       QN_SHAPE(weight), (long long)in->dim[1]);
    const bool none = reduction_of(x->params) == QN_LOSS_NONE;
    if (x->out[0])
        qn_set_shape(x->out[0], x->out[0]->dtype, none ? label->rank : 0, label->dim);
    if (x->n_out > 1 && x->out[1]) qn_copy_shape(x->out[1], in);
    return QUERN_OK;
}

static quern_status check_labels(const loss_params *p, const qn_tensor *label,
                                 int64_t classes, quern_error *err)
{
    const int64_t n = qn_tensor_count(label);
    for (int64_t i = 0; i < n; i++) {
        const int64_t k = qn_get_int(label, i);
        if (k != p->ignore_index && (k < 0 || k >= classes))
            return qn_fail(err, QUERN_DATA,
                           "label %lld is %lld, but there are %lld classes",
                           (long long)i, (long long)k, (long long)classes);
    }
    return QUERN_OK;
}

static quern_status nll(const qn_instr *i, const void *logp, quern_error *err)
{
    const loss_params *p = i->params;
    const qn_tensor *in = i->in[0], *label = i->in[1];
    const qn_tensor *weight = i->n_in > 2 ? i->in[2] : NULL;
    QN_TRY(check_labels(p, label, in->dim[1], err));
    const qn_nll work = {.n = in->dim[0],
                         .classes = in->dim[1],
                         .rest = qn_dims_count(in, 2, in->rank),
                         .label = label->data,
                         .wide = label->dtype == QUERN_INT64,
                         .has_ignored = p->ignore_index != INT64_MIN,
                         .ignored = p->ignore_index,
                         .reduction = reduction_of(p)};
    if (in->dtype == QUERN_FLOAT)
        qn_nll_f32(&work, logp, weight ? weight->data : NULL, i->out[0]->data);
    else
        qn_nll_f64(&work, logp, weight ? weight->data : NULL, i->out[0]->data);
    return QUERN_OK;
}

static quern_status nll_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    return i->out[0] ? nll(i, i->in[0]->data, err) : QUERN_OK;
}

static quern_status cross_entropy_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    const qn_instr *i = p->instr;
    if (i->n_out < 2 || !i->out[1]) qn_prep_scratch(p, qn_tensor_bytes(i->in[0]));
    return QUERN_OK;
}

static quern_status cross_entropy_run(const qn_instr *i, const qn_exec *x,
                                      quern_error *err)
{
    (void)x;
    const qn_tensor *in = i->in[0];
    const int64_t rest = qn_dims_count(in, 2, in->rank);
    void *logp = i->n_out > 1 && i->out[1] ? i->out[1]->data : i->scratch;
    if (in->dtype == QUERN_FLOAT)
        qn_softmax_f32(QN_LOG_SOFTMAX, in->dim[1], rest, in->data, logp, 0, in->dim[0]);
    else
        qn_softmax_f64(QN_LOG_SOFTMAX, in->dim[1], rest, in->data, logp, 0, in->dim[0]);
    return i->out[0] ? nll(i, logp, err) : QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_nll_loss = {
    .name = "NegativeLogLikelihoodLoss", .since = 22, .first = 12,
    .min_in = 2, .max_in = 3,
    .flags = QN_OP_HALF_AS_F32, .attrs = loss_attrs, .params_size = sizeof(loss_params),
    .types = {QN_T_FLOATS, QN_T_INDEX, QN_T_FLOATS},
    .check = loss_check, .infer = loss_infer, .grad = qn_grad_nll_loss, .run = nll_run,
};
const qn_op qn_op_cross_entropy = {
    .name = "SoftmaxCrossEntropyLoss", .since = 13, .first = 12,
    .min_in = 2, .max_in = 3, .min_out = 1, .max_out = 2,
    .flags = QN_OP_HALF_AS_F32, .attrs = loss_attrs, .params_size = sizeof(loss_params),
    .types = {QN_T_FLOATS, QN_T_INDEX, QN_T_FLOATS},
    .check = loss_check, .infer = loss_infer, .prepare = cross_entropy_prepare,
    .grad = qn_grad_cross_entropy,
    .run = cross_entropy_run,
};
/* clang-format on */
