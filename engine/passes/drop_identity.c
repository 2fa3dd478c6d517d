/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/drop_identity.c - nodes that hand their first input on unchanged. */
#include "engine/pass.h"

static bool all_are(const qn_tensor *t, int64_t value)
{
    if (!t) return false;
    for (int64_t i = 0; i < qn_tensor_count(t); i++)
        if (qn_get_int(t, i) != value) return false;
    return true;
}

static bool always(const qn_node *n)
{
    (void)n;
    return true;
}

static bool one_input(const qn_node *n)
{
    return n->n_in == 1;
}

static bool same_type(const qn_node *n)
{
    return n->in[0]->dtype != QUERN_UNDEFINED && n->in[0]->dtype == n->out[0]->dtype;
}

static bool same_shape(const qn_node *n)
{
    return qn_value_same_shape(n->in[0], n->out[0]);
}

/* Dropout that drops nothing, of which nobody asks for the mask. */
static bool is_still(const qn_node *n)
{
    if (n->n_out > 1 && n->out[1] && n->out[1]->n_uses) return false;
    if (n->n_in < 3 || !n->in[2] || all_are(qn_const_input(n, 2), 0)) return true;
    const qn_tensor *ratio = qn_const_input(n, 1);
    return ratio && qn_tensor_count(ratio) == 1 && qn_get_real(ratio, 0) == 0;
}

static bool keeps_order(const qn_node *n)
{
    const qn_attr_value *perm = qn_node_attr(n, "perm");
    if (!perm) return n->in[0]->rank == 0 || n->in[0]->rank == 1;
    for (int64_t i = 0; i < perm->ints.n; i++)
        if (perm->ints.v[i] != i) return false;
    return true;
}

static bool takes_all(const qn_node *n)
{
    return same_shape(n) &&
           (n->n_in < 5 || !n->in[4] || all_are(qn_const_input(n, 4), 1));
}

static bool pads_nothing(const qn_node *n)
{
    return all_are(qn_const_input(n, 1), 0);
}

static const struct {
    const char *op;
    bool (*is_identity)(const qn_node *n);
} rules[] = {
    {"Identity", always},    {"Dropout", is_still},     {"Cast", same_type},
    {"CastLike", same_type}, {"Reshape", same_shape},   {"Flatten", same_shape},
    {"Squeeze", same_shape}, {"Unsqueeze", same_shape}, {"Expand", same_shape},
    {"Tile", same_shape},    {"Slice", takes_all},      {"Transpose", keeps_order},
    {"Concat", one_input},   {"Sum", one_input},        {"Mean", one_input},
    {"Max", one_input},      {"Min", one_input},        {"Pad", pads_nothing},
};

static bool is_identity(const qn_node *node)
{
    if (node->n_in < 1 || !node->in[0] || !node->out[0]) return false;
    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++)
        if (qn_node_is(node, rules[r].op)) return rules[r].is_identity(node);
    return false;
}

qn_pass_fn qn_pass_drop_identity;
quern_status qn_pass_drop_identity(quern_model *model, qn_graph *g, int *n_changed,
                                   quern_error *err)
{
    (void)model;
    (void)err;
    qn_graph_count_uses(g);
    for (qn_node *node = g->first, *next; node; node = next) {
        next = node->next;
        for (int i = 0; i < node->n_in; i++)
            node->in[i] = qn_resolve(node->in[i]);
        if (!is_identity(node)) continue;
        qn_value_replace(node->out[0], node->in[0]);
        qn_graph_remove(g, node);
        ++*n_changed;
    }
    return QUERN_OK;
}
