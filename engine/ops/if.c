/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/if.c - runs one of two bodies; ONNX If-25.  Branches may give different
 * shapes, so outputs are planned while running. */
#include "engine/body.h"

typedef struct if_params {
    qn_graph *then_branch, *else_branch;
} if_params;

static quern_dtype if_out_dtype(const qn_node *node, int i)
{
    return qn_body_out_dtype(node, i, 0);
}

static quern_status if_check(const qn_node *node, quern_error *err)
{
    const if_params *p = node->params;
    const qn_graph *branch[2] = {p->then_branch, p->else_branch};
    for (int k = 0; k < 2; k++)
        if (branch[k]->n_inputs != 0 || branch[k]->n_outputs < node->n_out)
            return qn_fail(
                err, QUERN_INVALID,
                "%s_branch has %d inputs and %d outputs, the node has 0 and %d",
                k ? "else" : "then", branch[k]->n_inputs, branch[k]->n_outputs,
                node->n_out);
    return QUERN_OK;
}

static quern_status if_run(const qn_instr *instr, const qn_exec *x, quern_error *err)
{
    const if_params *p = instr->params;
    const qn_tensor *cond = instr->in[0];
    if (qn_tensor_count(cond) != 1)
        return qn_fail(err, QUERN_DATA, "the condition has %lld elements, not 1",
                       (long long)qn_tensor_count(cond));
    qn_body body;
    const qn_graph *taken = qn_get_int(cond, 0) ? p->then_branch : p->else_branch;
    QN_TRY(qn_body_init(&body, instr, x, taken, err));
    QN_TRY(qn_body_run(&body, err));
    for (int i = 0; i < instr->n_out; i++)
        if (instr->out[i])
            QN_TRY(
                qn_tensor_copy(x->arena, instr->out[i], qn_body_output(&body, i), err));
    return QUERN_OK;
}

static const qn_attr if_attrs[] = {
    QN_GRAPH_ATTR(if_params, then_branch),
    QN_GRAPH_ATTR(if_params, else_branch),
    QN_ATTRS_END,
};

const qn_op qn_op_if = {
    .name = "If",
    .since = 25,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = -1,
    .flags = QN_OP_DYNAMIC | QN_OP_SUBGRAPH,
    .attrs = if_attrs,
    .params_size = sizeof(if_params),
    .types = {QN_T_BOOL},
    .out_dtype = if_out_dtype,
    .check = if_check,
    .run = if_run,
};
