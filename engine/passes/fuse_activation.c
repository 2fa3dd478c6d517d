/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fuse_activation.c - an activation behind a node whose kernel can apply
 * it on the way out (QN_OP_FUSES_ACT) becomes that node's act.  x * sigmoid(x) counts
 * too. */
#include "engine/pass.h"

#include <float.h>

static bool plain_float(const qn_value *v)
{
    return v->dtype == QUERN_FLOAT || v->dtype == QUERN_DOUBLE ||
           qn_dtype_is_half(v->dtype);
}

/* Clip with constant bounds; an absent bound is the largest float. */
static bool clip_act(const qn_node *n, qn_act *act)
{
    float bound[2] = {-FLT_MAX, FLT_MAX};
    for (int i = 1; i <= 2 && i < n->n_in; i++) {
        if (!n->in[i]) continue;
        const qn_tensor *t = qn_const_input(n, i);
        if (!t || qn_tensor_count(t) != 1) return false;
        bound[i - 1] = (float)qn_get_real(t, 0);
    }
    *act = (qn_act){QN_ACT_CLIP, bound[0], bound[1]};
    return true;
}

static bool act_of(const qn_node *n, qn_act *act)
{
    if (qn_node_is(n, "Relu"))
        *act = (qn_act){QN_ACT_RELU, 0, 0};
    else if (qn_node_is(n, "Clip"))
        return clip_act(n, act);
    else if (qn_node_is(n, "LeakyRelu"))
        *act = (qn_act){QN_ACT_LEAKY_RELU, qn_node_float(n, "alpha", 0.01f), 0};
    else if (qn_node_is(n, "Sigmoid"))
        *act = (qn_act){QN_ACT_SIGMOID, 0, 0};
    else if (qn_node_is(n, "Tanh"))
        *act = (qn_act){QN_ACT_TANH, 0, 0};
    else if (qn_node_is(n, "HardSwish"))
        *act = (qn_act){QN_ACT_HARD_SWISH, 0, 0};
    else if (qn_node_is(n, "HardSigmoid"))
        *act = (qn_act){QN_ACT_HARD_SIGMOID, qn_node_float(n, "alpha", 0.2f),
                        qn_node_float(n, "beta", 0.5f)};
    else if (qn_node_is(n, "Swish") && qn_node_float(n, "alpha", 1.0f) == 1.0f)
        *act = (qn_act){QN_ACT_SILU, 0, 0};
    else if (qn_node_is(n, "Gelu") && (!qn_node_attr(n, "approximate") ||
                                       qn_node_str_is(n, "approximate", "none")))
        *act = (qn_act){QN_ACT_GELU, 0, 0};
    else
        return false;
    return true;
}

static void take_over(qn_graph *g, qn_node *node, qn_node *last, qn_act act)
{
    node->act = act;
    node->out[0]->n_uses = last->out[0]->n_uses;
    qn_value_replace(last->out[0], node->out[0]);
    qn_graph_remove(g, last);
}

/* True if an activation behind node was taken over. */
static bool fuse(qn_graph *g, qn_node *node)
{
    qn_act act;
    qn_value *y = node->out[0];
    if (!y || !plain_float(y) || qn_is_graph_output(g, y)) return false;
    qn_node *next = qn_only_use(g, y);
    if (!next || next->in[0] != y || !act_of(next, &act)) return false;
    take_over(g, node, next, act);
    return true;
}

qn_pass_fn qn_pass_fuse_activation;
quern_status qn_pass_fuse_activation(quern_model *model, qn_graph *g, int *n_changed,
                                     quern_error *err)
{
    (void)model;
    (void)err;
    qn_graph_count_uses(g);
    for (qn_node *node = g->first; node; node = node->next) {
        if (!(node->op->flags & QN_OP_FUSES_ACT) || node->act.kind != QN_ACT_NONE)
            continue;
        if (!fuse(g, node)) continue;
        qn_graph_resolve(g);
        ++*n_changed;
    }
    return QUERN_OK;
}
