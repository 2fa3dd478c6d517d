/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fuse_norm_grad.c - the gradient of an activation that stands between a
 * batch normalisation and all else becomes part of that normalisation's gradient, which
 * reads X anyway and forms Y again: one pass over the images less, and Y need not live.
 */
#include "engine/pass.h"

#include "engine/ops/batch_norm_grad.h"
#include "engine/ops/unary_grad.h"

#include <float.h>
#include <string.h>

static bool is_private(const qn_node *node, const char *name)
{
    return node && node->op && node->op->domain &&
           strcmp(node->op->domain, QN_DOMAIN) == 0 &&
           strcmp(node->op->name, name) == 0;
}

static bool is_norm(const qn_node *node)
{
    return qn_node_is(node, "BatchNormalization") || is_private(node, "BatchNormTrain");
}

/* Do the statistics of grad belong to norm? */
static bool same_statistics(const qn_node *grad, const qn_node *norm)
{
    const qn_value *mean = grad->in[3], *var = grad->in[4];
    if (is_private(norm, "BatchNormTrain"))
        return mean == norm->out[1] && var == norm->out[2];
    if (qn_node_int(norm, "training_mode", 0) == 0)
        return mean == norm->in[3] && var == norm->in[4];
    const qn_node *made = mean->producer; /* formed again from the same X */
    return is_private(made, "BatchNormTrain") && made->in[0] == norm->in[0] &&
           mean == made->out[1] && var == made->out[2];
}

static bool belongs(const qn_node *grad, const qn_node *norm)
{
    return grad->in[1] == norm->in[0] && grad->in[2] == norm->in[1] &&
           same_statistics(grad, norm) &&
           qn_node_float(grad, "epsilon", 1e-5f) ==
               qn_node_float(norm, "epsilon", 1e-5f);
}

/* The normalisation whose activation unary is the gradient of, or NULL: v is its result
 * or, of functions that go by their value, what the activation made of it. */
static const qn_node *norm_of(const qn_node *unary, const qn_act *act)
{
    const qn_node *from = unary->in[1]->producer;
    if (!from) return NULL;
    if (is_norm(from)) {
        const bool by_value = act->kind == QN_ACT_RELU || act->kind == QN_ACT_CLIP ||
                              act->kind == QN_ACT_SIGMOID || act->kind == QN_ACT_TANH;
        const bool is_done = from->act.kind == act->kind && by_value;
        return is_done || (!by_value && from->act.kind == QN_ACT_NONE) ? from : NULL;
    }
    static const struct {
        const char *name;
        int kind;
    } known[] = {{"Relu", QN_ACT_RELU},
                 {"Clip", QN_ACT_CLIP},
                 {"Sigmoid", QN_ACT_SIGMOID},
                 {"Tanh", QN_ACT_TANH}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].kind == act->kind && qn_node_is(from, known[i].name)) {
            from = from->in[0]->producer;
            return is_norm(from) && from->act.kind == QN_ACT_NONE ? from : NULL;
        }
    return NULL;
}

/* What to take in. */
typedef struct inner {
    const char *function;
    float p[2];
    qn_act act;
} inner;

/* Limits of a clip are inputs; an absent one is the largest float. */
static bool is_known(const qn_node *unary, inner *in)
{
    in->function = qn_unary_grad_function(unary, in->p);
    for (int i = 0; i < 2 && strcmp(in->function, "clip") == 0; i++) {
        const bool given = unary->n_in > 2 + i && unary->in[2 + i];
        const qn_tensor *t = qn_const_input(unary, 2 + i);
        if (given && !t) return false;
        in->p[i] = t ? (float)qn_get_real(t, 0) : i ? FLT_MAX : -FLT_MAX;
    }
    return qn_batch_norm_act(in->function, in->p, &in->act);
}

static quern_status take_in(qn_graph *g, qn_node *grad, const qn_node *norm,
                            const inner *in, quern_error *err)
{
    QN_TRY(qn_node_set_str(grad, "act", in->function, err));
    QN_TRY(qn_node_set_float(grad, "alpha", in->p[0], err));
    QN_TRY(qn_node_set_float(grad, "beta", in->p[1], err));
    QN_TRY(qn_node_set_input(grad, 5, norm->in[2], err));
    grad->in[0] = grad->in[0]->producer->in[0];
    return qn_op_bind(g, grad, grad->op, err);
}

qn_pass_fn qn_pass_fuse_norm_grad;
quern_status qn_pass_fuse_norm_grad(quern_model *model, qn_graph *g, int *n_changed,
                                    quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *grad = g->first; grad; grad = grad->next) {
        if (!is_private(grad, "BatchNormGrad")) continue;
        qn_node *unary = grad->in[0]->producer;
        inner in;
        if (!is_private(unary, "UnaryGrad") || grad->in[0]->n_uses != 1 ||
            qn_node_attr(grad, "act") || !is_known(unary, &in))
            continue;
        const qn_node *norm = norm_of(unary, &in.act);
        if (!norm || !belongs(grad, norm)) continue;
        QN_TRY(take_in(g, grad, norm, &in, err));
        qn_graph_remove(g, unary);
        ++*n_changed;
    }
    return QUERN_OK;
}
