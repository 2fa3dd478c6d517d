/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_grad_x.c - ConvGradX: the gradient of a convolution's input.  Plain:
 * the columns of the gradient, folded (conv_fold.h). */
#include "engine/ops/conv_fold.h"
#include "engine/ops/conv_grad.h"
#include "engine/ops/conv_grad_blocked.h"

enum { IN_DY, IN_W, IN_X };

static quern_status x_infer(const qn_infer *x, quern_error *err)
{
    qn_window w;
    QN_TRY(qn_infer_one_type(x, 3, err));
    QN_TRY(
        qn_conv_grad_fit(x->params, x->in[IN_DY], x->in[IN_X], x->in[IN_W], &w, err));
    qn_copy_shape(x->out[0], x->in[IN_X]);
    return QUERN_OK;
}

static quern_status x_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_window_params *params = i->params;
    qn_window w;
    if (i->is_blocked) return qn_conv_grad_x_blocked_prepare(p, err);
    QN_TRY(qn_window_fit(params, i->in[IN_X], i->in[IN_W], &w, err));
    return qn_fold_prepare(p, &w, params->group, err);
}

static quern_status x_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    if (i->is_blocked)
        qn_conv_grad_x_blocked_run(i, x);
    else
        qn_fold_run(i, x, NULL);
    return QUERN_OK;
}

static double x_macs(const qn_infer *x)
{
    return (double)qn_tensor_count(x->in[IN_DY]) *
           (double)qn_dims_count(x->in[IN_W], 1, x->in[IN_W]->rank);
}

static const qn_attr x_attrs[] = {QN_CONV_ATTRS, QN_ATTRS_END};

const qn_op qn_op_conv_grad_x = {
    .name = "ConvGradX",
    .domain = QN_DOMAIN,
    .since = 1,
    .min_in = 3,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32 | QN_OP_ADDS,
    .attrs = x_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS},
    .shape_only = 1 << IN_X,
    .check = qn_window_check,
    .infer = x_infer,
    .blocked = qn_conv_grad_x_blocked,
    .prepare = x_prepare,
    .run = x_run,
    .macs = x_macs,
};
