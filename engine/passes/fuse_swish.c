/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fuse_swish.c - activations that exporters write as a few nodes become
 * one: x * sigmoid(x) Swish; clip(x + 3, 0, 6) / 6 HardSigmoid, and x times it, divided
 * before or after, HardSwish.  Where the network is trained, so does the gradient. */
#include "engine/pass.h"

#include <string.h>

static bool is_bare(const qn_node *node, const char *name)
{
    return qn_node_is(node, name) && node->act.kind == QN_ACT_NONE;
}

/* The operand that node divides by 6, or NULL. */
static qn_value *sixth(const qn_node *node)
{
    if (is_bare(node, "Div") && qn_input_is(node, 1, 6)) return node->in[0];
    if (!is_bare(node, "Mul")) return NULL;
    if (qn_input_is(node, 1, 1.0 / 6)) return node->in[0];
    return qn_input_is(node, 0, 1.0 / 6) ? node->in[1] : NULL;
}

/* x of clip(x + 3, 0, 6), or NULL. */
static qn_value *shifted(const qn_value *v)
{
    const qn_node *clip = v ? v->producer : NULL;
    if (!is_bare(clip, "Clip") || clip->n_in != 3) return NULL;
    const qn_tensor *low = qn_const_input(clip, 1);
    const qn_node *sum = clip->in[0]->producer;
    if (!low || qn_tensor_count(low) != 1 || qn_get_real(low, 0) != 0 ||
        !qn_input_is(clip, 2, 6) || !is_bare(sum, "Add"))
        return NULL;
    if (qn_input_is(sum, 1, 3)) return sum->in[0];
    return qn_input_is(sum, 0, 3) ? sum->in[1] : NULL;
}

static bool is_hard_sigmoid(const qn_node *node)
{
    const float off = qn_node_float(node, "alpha", 0.2f) - (float)(1.0 / 6);
    return is_bare(node, "HardSigmoid") && off > -1e-6f && off < 1e-6f &&
           qn_node_float(node, "beta", 0.5f) == 0.5f;
}

/* Is v, the other operand of a product with x, `name` of x? */
static bool is_of(const qn_value *v, const char *name, const qn_value *x)
{
    const qn_node *node = v->producer;
    return is_bare(node, name) && node->in[0] == x;
}

/* What node computes of *x, by the name of the operator that does; NULL: none. */
static const char *match(const qn_node *node, qn_value **x)
{
    const qn_value *part = sixth(node);
    if (part) {
        *x = shifted(part);
        if (*x) return "HardSigmoid";
        const qn_node *product = part->producer; /* x * clip(x + 3, 0, 6) */
        for (int i = 0; i < 2 && is_bare(product, "Mul"); i++) {
            *x = product->in[i];
            if (shifted(product->in[1 - i]) == *x) return "HardSwish";
        }
    }
    for (int i = 0; i < 2 && is_bare(node, "Mul"); i++) {
        const qn_value *other = node->in[1 - i];
        *x = node->in[i];
        if (is_of(other, "Sigmoid", *x)) return "Swish";
        if (is_of(other, "HardSigmoid", *x) && is_hard_sigmoid(other->producer))
            return "HardSwish";
    }
    return NULL;
}

/* Puts one node in the place of last; what led to it is dead then. */
static quern_status replace(qn_graph *g, qn_node *last, const char *name, qn_value *x,
                            quern_error *err)
{
    qn_node *node;
    QN_TRY(qn_graph_new_node(g, name, "", QN_OPSET_NEWEST, 1, 1, &node, err));
    node->name = last->name;
    node->in[0] = x;
    node->out[0] = last->out[0];
    if (strcmp(name, "HardSigmoid") == 0)
        QN_TRY(qn_node_set_float(node, "alpha", (float)(1.0 / 6), err));
    qn_graph_insert(g, node, last);
    qn_graph_remove(g, last);
    return qn_op_bind(g, node, qn_op_find("", name), err);
}

qn_pass_fn qn_pass_fuse_swish;
quern_status qn_pass_fuse_swish(quern_model *model, qn_graph *g, int *n_changed,
                                quern_error *err)
{
    (void)model;
    for (qn_node *node = g->first, *next; node; node = next) {
        qn_value *x;
        const char *name = match(node, &x);
        next = node->next;
        if (!name) continue;
        QN_TRY(replace(g, node, name, x, err));
        ++*n_changed;
    }
    return QUERN_OK;
}
