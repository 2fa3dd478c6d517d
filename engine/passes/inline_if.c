/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/inline_if.c - an If whose condition is known becomes its branch. */
#include "engine/finish.h"
#include "engine/pass.h"

static quern_status inline_branch(qn_graph *g, qn_node *node, quern_error *err)
{
    bool taken = qn_get_int(node->in[0]->constant, 0) != 0;
    const qn_graph *branch =
        qn_node_attr(node, taken ? "then_branch" : "else_branch")->graph;
    int at = 1;
    qn_graph *sub;
    for (int k = 0; (sub = qn_node_subgraph(node, k)) && sub != branch; k++)
        at += sub->n_captures;
    void *p;
    QN_TRY(qn_arena_array(g->arena, (size_t)branch->n_values, sizeof(qn_value *), &p,
                          err));
    qn_value **map = p;
    for (int i = 0; i < branch->n_values; i++)
        branch->values[i]->id = i;
    for (int j = 0; j < branch->n_captures; j++)
        map[branch->captures[j]->id] = node->in[at + j];
    QN_TRY(qn_graph_splice(g, node, branch, map, NULL, NULL, err));
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i])
            qn_value_replace(node->out[i], map[qn_resolve(branch->outputs[i])->id]);
    qn_graph_remove(g, node);
    return QUERN_OK;
}

qn_pass_fn qn_pass_inline_if;
quern_status qn_pass_inline_if(quern_model *model, qn_graph *g, int *n_changed,
                               quern_error *err)
{
    int n = 0;
    for (qn_node *node = g->first, *next; node; node = next) {
        next = node->next;
        for (int i = 0; i < node->n_in; i++)
            node->in[i] = qn_resolve(node->in[i]);
        if (!qn_node_is(node, "If") || !qn_const_input(node, 0)) continue;
        QN_TRY(inline_branch(g, node, err));
        n++;
    }
    *n_changed += n;
    return n ? qn_bind_graph(model, g, err) : QUERN_OK;
}
