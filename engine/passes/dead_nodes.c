/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/dead_nodes.c - drops nodes whose results nobody reads, and captures
 * that a body does not use. */
#include "engine/pass.h"

/* Removes the unused captures of one body, which start at node->in[at]. */
static int drop_captures(qn_node *node, qn_graph *sub, int at)
{
    int kept = 0, had = sub->n_captures;
    qn_graph_count_uses(sub);
    for (int j = 0; j < had; j++) {
        if (sub->captures[j]->n_uses == 0) continue;
        sub->captures[kept] = sub->captures[j];
        node->in[at + kept++] = node->in[at + j];
    }
    int gone = had - kept;
    for (int i = at + kept; i + gone < node->n_in; i++)
        node->in[i] = node->in[i + gone];
    sub->n_captures = kept;
    node->n_captures -= gone;
    node->n_in -= gone;
    return gone;
}

static int trim_bodies(qn_node *node)
{
    int n = 0, at = node->n_in - node->n_captures;
    qn_graph *sub;
    for (int k = 0; (sub = qn_node_subgraph(node, k)); k++) {
        n += drop_captures(node, sub, at);
        at += sub->n_captures;
    }
    return n;
}

static bool is_dead(const qn_node *node)
{
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] && node->out[i]->n_uses) return false;
    return true;
}

qn_pass_fn qn_pass_dead_nodes;
quern_status qn_pass_dead_nodes(quern_model *model, qn_graph *g, int *n_changed,
                                quern_error *err)
{
    (void)model;
    (void)err;
    for (qn_node *node = g->first; node; node = node->next)
        *n_changed += trim_bodies(node);
    qn_graph_count_uses(g);
    for (qn_node *node = g->last, *prev; node; node = prev) {
        prev = node->prev;
        if (!is_dead(node)) continue;
        for (int i = 0; i < node->n_in; i++)
            if (node->in[i]) node->in[i]->n_uses--;
        qn_graph_remove(g, node);
        ++*n_changed;
    }
    return QUERN_OK;
}
