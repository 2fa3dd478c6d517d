/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_grad.c - the gradient of Conv as nodes, and what their rows share. */
#include "engine/ops/conv_grad.h"

static quern_status emit_like(qn_grad *g, const qn_node *node, const char *op_type,
                              qn_value *const in[3], int wanted, quern_error *err)
{
    qn_node *made;
    if (!qn_grad_wants(g, node, wanted)) return QUERN_OK;
    QN_TRY(qn_grad_node(g, QN_DOMAIN, op_type, 3, in, 1, &made, err));
    QN_TRY(qn_grad_copy_attrs(node, made, err));
    QN_TRY(qn_grad_append(g, made, err));
    return qn_grad_add(g, node, wanted, made->out[0], err);
}

quern_status qn_conv_grad_bias(qn_grad *g, const qn_node *node, quern_error *err)
{
    qn_value *dy = qn_grad_of(g, node, 0), *db;
    if (!qn_grad_wants(g, node, 2)) return QUERN_OK;
    QN_TRY(qn_grad_emit(g, QN_DOMAIN, "ChannelSum", 1, &dy, &db, err));
    return qn_grad_add(g, node, 2, db, err);
}

quern_status qn_conv_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    qn_value *x = node->in[0], *w = node->in[1], *dy = qn_grad_of(g, node, 0);
    QN_TRY(emit_like(g, node, "ConvGradX", (qn_value *[]){dy, w, x}, 0, err));
    QN_TRY(emit_like(g, node, "ConvGradW", (qn_value *[]){dy, x, w}, 1, err));
    return qn_conv_grad_bias(g, node, err);
}

quern_status qn_conv_grad_fit(const qn_window_params *p, const qn_tensor *dy,
                              const qn_tensor *x, const qn_tensor *w, qn_window *win,
                              quern_error *err)
{
    QN_TRY(qn_conv_check_shapes(x, w, NULL, p->group, err));
    QN_TRY(qn_window_fit(p, x, w, win, err));
    qn_tensor y = {.dtype = x->dtype};
    qn_window_shape(&y, x, w->dim[0], win);
    if (!qn_same_shape(&y, dy))
        return qn_fail(err, QUERN_SHAPE, "dY is %s but the convolution gives %s",
                       QN_SHAPE(dy), QN_SHAPE(&y));
    return QUERN_OK;
}
