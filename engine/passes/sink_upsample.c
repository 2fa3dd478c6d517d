/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/sink_upsample.c - what treats every pixel alike may as well come before
 * a Resize that copies pixels: nearest upsampling sinks below activations, batch
 * normalisation and 1x1 convolutions, which then have a quarter of the work.  It sinks
 * only if all who read it let it. */
#include "engine/pass.h"

/* Rows and columns of [N,C,H,W] copied a known number of times, at least once. */
static bool is_upsample(const qn_node *node)
{
    const qn_tensor *scales = qn_const_input(node, 2);
    if (!qn_node_is(node, "Resize") || !node->out[0] || node->act.kind != QN_ACT_NONE ||
        (node->n_in > 3 && node->in[3]) || qn_node_attr(node, "axes") || !scales ||
        scales->dtype != QUERN_FLOAT || qn_tensor_count(scales) != 4)
        return false;
    if (qn_node_attr(node, "mode") && !qn_node_str_is(node, "mode", "nearest"))
        return false;
    if (qn_node_str_is(node, "coordinate_transformation_mode", "tf_crop_and_resize"))
        return false;
    double s[4];
    for (int i = 0; i < 4; i++)
        s[i] = qn_get_real(scales, i);
    return s[0] == 1 && s[1] == 1 && s[2] >= 1 && s[3] >= 1 && s[2] * s[3] > 1;
}

/* Is every pixel of the first result made of that of the first input, all alike? */
static bool is_pixelwise(const qn_node *node)
{
    static const char *const unary[] = {"Relu", "LeakyRelu",   "Sigmoid", "HardSwish",
                                        "Tanh", "HardSigmoid", "Swish",   "Gelu"};
    for (size_t i = 0; i < sizeof unary / sizeof unary[0]; i++)
        if (qn_node_is(node, unary[i])) return true;
    const bool is_norm = qn_node_is(node, "BatchNormalization") &&
                         qn_node_int(node, "training_mode", 0) == 0 && node->n_out == 1;
    if (!is_norm && !qn_node_is(node, "Clip")) return qn_is_pixel_conv(node);
    for (int i = 1; i < node->n_in; i++)
        if (node->in[i] && !qn_const_input(node, i)) return false;
    return true;
}

static bool can_sink(const qn_graph *g, const qn_node *resize)
{
    const qn_value *y = resize->out[0];
    if (y->n_uses == 0 || qn_is_graph_output(g, y)) return false;
    for (const qn_node *n = resize->next; n; n = n->next)
        for (int i = 0; i < n->n_in; i++)
            if (n->in[i] == y && (i > 0 || !is_pixelwise(n))) return false;
    return true;
}

/* x -> resize -> user -> y becomes x -> user -> a resize of its own -> y. */
static quern_status sink_below(qn_graph *g, const qn_node *resize, qn_node *user,
                               quern_error *err)
{
    qn_node *own;
    qn_value *small, *y = user->out[0];
    QN_TRY(qn_graph_new_node(g, "Resize", "", QN_OPSET_NEWEST, resize->n_in, 1, &own,
                             err));
    QN_TRY(qn_graph_add_value(g, "", &small, err));
    small->dtype = y->dtype;
    own->name = resize->name;
    for (int i = 0; i < resize->n_in; i++)
        own->in[i] = resize->in[i];
    own->in[0] = small;
    own->out[0] = y;
    for (int i = 0; i < resize->n_attrs; i++)
        QN_TRY(qn_node_set_attr(own, &resize->attrs[i], err));
    user->in[0] = resize->in[0];
    user->out[0] = small;
    small->producer = user;
    small->n_uses = 1;
    qn_graph_insert(g, own, user->next);
    return qn_op_bind(g, own, resize->op, err);
}

qn_pass_fn qn_pass_sink_upsample;
quern_status qn_pass_sink_upsample(quern_model *model, qn_graph *g, int *n_changed,
                                   quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *resize = g->first, *next; resize; resize = next) {
        next = resize->next;
        if (!is_upsample(resize) || !can_sink(g, resize)) continue;
        const qn_value *y = resize->out[0];
        for (qn_node *n = resize->next, *after; n; n = after) {
            after = n->next;
            if (n->n_in > 0 && n->in[0] == y) QN_TRY(sink_below(g, resize, n, err));
        }
        next = resize->next; /* its copies may sink further */
        qn_graph_remove(g, resize);
        ++*n_changed;
    }
    return QUERN_OK;
}
