/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fuse_bias.c - MatMul by a constant matrix [k,n] and Add of a constant
 * [n] become Linear, whose kernel starts its sums at the bias. */
#include "engine/pass.h"

static bool is_linear(const qn_node *node)
{
    const qn_tensor *b = qn_const_input(node, 1);
    return qn_node_is(node, "MatMul") && node->act.kind == QN_ACT_NONE && b &&
           b->rank == 2 && b->dim[1] > 0 && node->in[0] && node->in[0] != node->in[1];
}

/* A of rank 1 would lose a dim that the bias could give back. */
static bool is_bias(const qn_node *matmul, const qn_tensor *bias)
{
    const qn_tensor *b = qn_const_input(matmul, 1);
    return bias && bias->rank == 1 && bias->dim[0] == b->dim[1] &&
           bias->dtype == b->dtype && qn_dtype_is_float(b->dtype);
}

static quern_status fuse(qn_graph *g, qn_node *matmul, qn_node *add, int bias,
                         quern_error *err)
{
    qn_node *linear;
    QN_TRY(
        qn_graph_new_node(g, "Linear", "quern", QN_OPSET_NEWEST, 3, 1, &linear, err));
    linear->name = matmul->name;
    linear->in[0] = matmul->in[0];
    linear->in[1] = matmul->in[1];
    linear->in[2] = add->in[bias];
    linear->out[0] = add->out[0];
    qn_graph_insert(g, linear, add);
    qn_graph_remove(g, add);
    qn_graph_remove(g, matmul);
    return qn_op_bind(g, linear, &qn_op_linear, err);
}

qn_pass_fn qn_pass_fuse_bias;
quern_status qn_pass_fuse_bias(quern_model *model, qn_graph *g, int *n_changed,
                               quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *matmul = g->first, *next; matmul; matmul = next) {
        next = matmul->next;
        if (!is_linear(matmul)) continue;
        qn_node *add = qn_only_use(g, matmul->out[0]);
        if (!qn_node_is(add, "Add") || add->act.kind != QN_ACT_NONE) continue;
        int bias = add->in[0] == matmul->out[0];
        if (!is_bias(matmul, qn_const_input(add, bias))) continue;
        if (next == add) next = add->next;
        QN_TRY(fuse(g, matmul, add, bias, err));
        ++*n_changed;
    }
    return QUERN_OK;
}
