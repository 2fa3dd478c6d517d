/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_transpose.c - the transpose of a convolution, ONNX ConvTranspose-22.
 * The window is that of the convolution which would lead back: its input is Y, its
 * outputs are X. */
#include "engine/ops/conv_fold.h"
#include "engine/ops/conv_grad.h"
#include "engine/ops/conv_shape.h"

#include <string.h>

/* One axis: size of Y and the padding that is cut off it. */
static quern_status fit_axis(const qn_window_params *p, qn_window *w, int d,
                             quern_error *err)
{
    bool same = strncmp(p->auto_pad, "SAME", 4) == 0;
    bool upper = strcmp(p->auto_pad, "SAME_UPPER") == 0;
    int64_t extra = p->output_padding.v ? p->output_padding.v[d] : 0, full, out;
    int64_t reach = (w->kernel[d] - 1) * w->dilation[d] + 1;
    if (__builtin_mul_overflow(w->out[d] - 1, w->stride[d], &full) ||
        __builtin_add_overflow(full, reach + extra, &full))
        return qn_fail(err, QUERN_LIMIT, "axis %d grows too far from %lld", d + 2,
                       (long long)w->out[d]);
    if (p->output_shape.v || same) {
        out = p->output_shape.v ? p->output_shape.v[p->output_shape.n - w->rank + d]
                                : w->out[d] * w->stride[d];
        int64_t total = full > out ? full - out : 0;
        w->begin[d] = upper ? total / 2 : total - total / 2;
        w->end[d] = total - w->begin[d];
    } else {
        bool listed = p->pads.v && strcmp(p->auto_pad, "VALID") != 0;
        w->begin[d] = listed ? p->pads.v[d] : 0;
        w->end[d] = listed ? p->pads.v[w->rank + d] : 0;
        out = full - w->begin[d] - w->end[d];
    }
    w->in[d] = out > 0 ? out : 0;
    return QUERN_OK;
}

static quern_status ct_fit(const qn_window_params *p, const qn_tensor *x,
                           const qn_tensor *weight, qn_window *w, quern_error *err)
{
    QN_TRY(qn_window_kernel(p, x, weight, w, err));
    if ((p->pads.v && p->pads.n != 2 * w->rank) ||
        (p->output_padding.v && p->output_padding.n != w->rank) ||
        (p->output_shape.v && p->output_shape.n != w->rank &&
         p->output_shape.n != w->rank + 2))
        return qn_fail(
            err, QUERN_SHAPE,
            "pads, output_padding or output_shape do not fit %d spatial axes", w->rank);
    for (int d = 0; d < w->rank; d++) {
        w->out[d] = w->in[d];
        QN_TRY(fit_axis(p, w, d, err));
    }
    return QUERN_OK;
}

static quern_status ct_infer(const qn_infer *x, quern_error *err)
{
    const qn_window_params *p = x->params;
    const qn_tensor *in = x->in[0], *w = x->in[1], *b = x->n_in > 2 ? x->in[2] : NULL;
    qn_window win;
    QN_TRY(qn_infer_one_type(x, 3, err));
    if (in->rank < 3 || w->rank != in->rank || in->dim[1] != w->dim[0] ||
        p->group < 1 || w->dim[0] % p->group)
        return qn_fail(err, QUERN_SHAPE, "X is %s but W is %s with group %lld",
                       QN_SHAPE(in), QN_SHAPE(w), (long long)p->group);
    QN_TRY(ct_fit(p, in, w, &win, err));
    int64_t channels;
    if (__builtin_mul_overflow(w->dim[1], p->group, &channels))
        return qn_fail(err, QUERN_LIMIT, "W is %s with group %lld", QN_SHAPE(w),
                       (long long)p->group);
    if (b && (b->rank != 1 || b->dim[0] != channels))
        return qn_fail(err, QUERN_SHAPE, "B is %s, wanted [%lld]", QN_SHAPE(b),
                       (long long)channels);
    memcpy(win.out, win.in, sizeof win.out); /* Y is the window's input */
    qn_window_shape(x->out[0], in, channels, &win);
    return QUERN_OK;
}

static quern_status ct_prepare(qn_prep *p, quern_error *err)
{
    const qn_window_params *params = p->instr->params;
    qn_window w;
    QN_TRY(ct_fit(params, p->instr->in[0], p->instr->in[1], &w, err));
    return qn_fold_prepare(p, &w, params->group, err);
}

static quern_status ct_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    qn_fold_run(i, x, i->n_in > 2 ? i->in[2] : NULL);
    return QUERN_OK;
}

static quern_status set_window(qn_node *node, const qn_window *w, int64_t group,
                               quern_error *err)
{
    int64_t pads[2 * QN_MAX_SPATIAL];
    for (int d = 0; d < w->rank; d++) {
        /* As far as the last window reaches: output_padding belongs to none. */
        const int64_t reach = (w->kernel[d] - 1) * w->dilation[d] + 1;
        const int64_t end =
            (w->out[d] - 1) * w->stride[d] + reach - w->begin[d] - w->in[d];
        pads[d] = w->begin[d];
        pads[w->rank + d] = end > 0 ? end : 0;
    }
    QN_TRY(qn_node_set_ints(node, "strides", w->rank, w->stride, err));
    QN_TRY(qn_node_set_ints(node, "dilations", w->rank, w->dilation, err));
    QN_TRY(qn_node_set_ints(node, "pads", 2 * w->rank, pads, err));
    return qn_node_set_int(node, "group", group, err);
}

/* The convolution that leads back gives dX; dW is its own, with X in the place of the
 * gradient. */
static quern_status ct_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    const qn_window_params *p = node->params;
    qn_value *x = node->in[0], *w = node->in[1], *dy = qn_grad_of(g, node, 0);
    qn_tensor xt = {0}, wt = {0};
    qn_window win;
    qn_node *made;
    qn_set_shape(&xt, x->dtype, x->rank, x->dim);
    qn_set_shape(&wt, w->dtype, w->rank, w->dim);
    QN_TRY(ct_fit(p, &xt, &wt, &win, err));
    if (qn_grad_wants(g, node, 0)) {
        QN_TRY(qn_grad_node(g, "", "Conv", 2, (qn_value *[]){dy, w}, 1, &made, err));
        QN_TRY(set_window(made, &win, p->group, err));
        QN_TRY(qn_grad_append(g, made, err));
        QN_TRY(qn_grad_add(g, node, 0, made->out[0], err));
    }
    if (qn_grad_wants(g, node, 1)) {
        QN_TRY(qn_grad_node(g, QN_DOMAIN, "ConvGradW", 3, (qn_value *[]){x, dy, w}, 1,
                            &made, err));
        QN_TRY(set_window(made, &win, p->group, err));
        QN_TRY(qn_grad_append(g, made, err));
        QN_TRY(qn_grad_add(g, node, 1, made->out[0], err));
    }
    return qn_conv_grad_bias(g, node, err);
}

static double ct_macs(const qn_infer *x)
{
    return (double)qn_tensor_count(x->in[0]) *
           (double)qn_dims_count(x->in[1], 1, x->in[1]->rank);
}

static const qn_attr ct_attrs[] = {
    QN_CONV_ATTRS, QN_INTS(qn_window_params, output_padding),
    QN_INTS(qn_window_params, output_shape), QN_ATTRS_END};

const qn_op qn_op_conv_transpose = {
    .name = "ConvTranspose",
    .since = 22,
    .min_in = 2,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32 | QN_OP_FUSES_ACT,
    .attrs = ct_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS},
    .check = qn_window_check,
    .infer = ct_infer,
    .prepare = ct_prepare,
    .run = ct_run,
    .grad = ct_grad,
    .macs = ct_macs,
};
