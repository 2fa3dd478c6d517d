/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fuse_gelu.c - x / sqrt(2), Erf, + 1, and the products with x and 1/2 in
 * any order, as exporters below opset 20 write GELU, become one Gelu. */
#include "engine/pass.h"

#include <math.h>

/* The other operand of a product with constant c, or NULL. */
static qn_value *times(const qn_node *node, double c)
{
    if (!qn_node_is(node, "Mul") || node->act.kind != QN_ACT_NONE) return NULL;
    if (qn_input_is(node, 1, c)) return node->in[0];
    return qn_input_is(node, 0, c) ? node->in[1] : NULL;
}

/* x of Erf(x / sqrt(2)). */
static qn_value *argument(const qn_node *erf)
{
    const qn_node *scale = erf->in[0]->producer;
    if (qn_node_is(scale, "Div") && scale->act.kind == QN_ACT_NONE &&
        qn_input_is(scale, 1, sqrt(2)))
        return scale->in[0];
    return times(scale, sqrt(0.5));
}

/* From 1 + Erf on: the product that has both x and 1/2 in it, or NULL. */
static qn_node *last_product(const qn_graph *g, qn_node *sum, const qn_value *x)
{
    bool had_x = false, had_half = false;
    for (qn_node *node = sum; !had_x || !had_half;) {
        qn_node *next = qn_only_use(g, node->out[0]);
        if (!qn_node_is(next, "Mul") || next->act.kind != QN_ACT_NONE) return NULL;
        const qn_value *other = next->in[next->in[0] == node->out[0]];
        if (other == x && !had_x) {
            had_x = true;
        } else if (!had_half && times(next, 0.5) == node->out[0]) {
            had_half = true;
        } else if (!had_x && !had_half && times(other->producer, 0.5) == x) {
            had_x = had_half = true;
        } else {
            return NULL;
        }
        node = next;
        if (had_x && had_half) return node;
    }
    return NULL;
}

static qn_node *match(const qn_graph *g, qn_node *erf, qn_value **x)
{
    if (!qn_node_is(erf, "Erf") || erf->act.kind != QN_ACT_NONE) return NULL;
    *x = argument(erf);
    qn_node *sum = *x ? qn_only_use(g, erf->out[0]) : NULL;
    if (!qn_node_is(sum, "Add") || sum->act.kind != QN_ACT_NONE ||
        !qn_input_is(sum, sum->in[0] == erf->out[0], 1))
        return NULL;
    return last_product(g, sum, *x);
}

qn_pass_fn qn_pass_fuse_gelu;
quern_status qn_pass_fuse_gelu(quern_model *model, qn_graph *g, int *n_changed,
                               quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *erf = g->first; erf; erf = erf->next) {
        qn_value *x;
        qn_node *gelu, *last = match(g, erf, &x);
        if (!last) continue;
        QN_TRY(qn_graph_new_node(g, "Gelu", "", QN_OPSET_NEWEST, 1, 1, &gelu, err));
        gelu->name = last->name;
        gelu->in[0] = x;
        gelu->out[0] = last->out[0];
        qn_graph_insert(g, gelu, last);
        qn_graph_remove(g, last); /* what led to it is dead now */
        QN_TRY(qn_op_bind(g, gelu, qn_op_find("", "Gelu"), err));
        ++*n_changed;
    }
    return QUERN_OK;
}
