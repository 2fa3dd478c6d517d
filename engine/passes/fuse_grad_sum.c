/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fuse_grad_sum.c - where two gradients of one value are added and go
 * through an activation next, as behind a residual sum, UnaryGrad adds them itself. */
#include "engine/pass.h"

#include "engine/grad.h"

#include <string.h>

enum { PART = 4 }; /* the input of UnaryGrad */

static bool is_unary_grad(const qn_node *node)
{
    return node->op->domain && strcmp(node->op->domain, QN_DOMAIN) == 0 &&
           strcmp(node->op->name, "UnaryGrad") == 0;
}

/* Adds two values of one shape and type. */
static bool is_plain_sum(const qn_node *node)
{
    return qn_node_is(node, "Add") && node->act.kind == QN_ACT_NONE &&
           qn_value_same_shape(node->in[0], node->in[1]) &&
           node->in[0]->dtype == node->in[1]->dtype;
}

qn_pass_fn qn_pass_fuse_grad_sum;
quern_status qn_pass_fuse_grad_sum(quern_model *model, qn_graph *g, int *n_changed,
                                   quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *node = g->first; node; node = node->next) {
        if (!is_unary_grad(node) || (node->n_in > PART && node->in[PART])) continue;
        qn_node *sum = node->in[0]->producer;
        if (!is_plain_sum(sum) || node->in[0]->n_uses != 1) continue;
        QN_TRY(qn_node_set_input(node, PART, sum->in[1], err));
        node->in[0] = sum->in[0];
        qn_graph_remove(g, sum);
        ++*n_changed;
    }
    return QUERN_OK;
}
