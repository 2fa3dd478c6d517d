/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/pool_means.c - ReduceMean over the rows and columns of [N,C,H,W]
 * becomes GlobalAveragePool, which reads blocked planes, and Flatten where the dims are
 * dropped.
 */
#include "engine/pass.h"

/* Is the mean over axes 2 and 3 of a value of rank 4? */
static bool is_spatial(const qn_node *node)
{
    const qn_tensor *axes = qn_const_input(node, 1);
    if (!qn_node_is(node, "ReduceMean") || node->act.kind != QN_ACT_NONE ||
        node->in[0]->rank != 4 || node->in[0]->dtype != QUERN_FLOAT || !axes ||
        qn_tensor_count(axes) != 2)
        return false;
    const int64_t a = qn_get_int(axes, 0), b = qn_get_int(axes, 1);
    return (a & 3) + (b & 3) == 5 && a >= -2 && b >= -2 && a < 4 && b < 4;
}

/* A node of that type from x to y in front of another. */
static quern_status put(qn_graph *g, qn_node *before, const char *type, qn_value *x,
                        qn_value *y, quern_error *err)
{
    qn_node *node;
    QN_TRY(qn_graph_new_node(g, type, "", QN_OPSET_NEWEST, 1, 1, &node, err));
    node->name = before->name;
    node->in[0] = x;
    node->out[0] = y;
    qn_graph_insert(g, node, before);
    return qn_op_bind(g, node, qn_op_find("", type), err);
}

qn_pass_fn qn_pass_pool_means;
quern_status qn_pass_pool_means(quern_model *model, qn_graph *g, int *n_changed,
                                quern_error *err)
{
    (void)model;
    for (qn_node *node = g->first, *next; node; node = next) {
        next = node->next;
        if (!is_spatial(node)) continue;
        qn_value *y = node->out[0], *mean = y;
        if (!qn_node_int(node, "keepdims", 1)) {
            QN_TRY(qn_graph_add_value(g, "", &mean, err));
            mean->dtype = y->dtype;
            QN_TRY(put(g, node, "Flatten", mean, y, err));
        }
        QN_TRY(put(g, node->prev && mean != y ? node->prev : node, "GlobalAveragePool",
                   node->in[0], mean, err));
        qn_graph_remove(g, node);
        ++*n_changed;
    }
    return QUERN_OK;
}
