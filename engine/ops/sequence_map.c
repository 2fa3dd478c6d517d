/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/sequence_map.c - a body over the items of a sequence; ONNX SequenceMap-17.
 * Further sequence inputs are walked in step, tensor inputs are handed to every call.
 */
#include "engine/body.h"

typedef struct map_params {
    qn_graph *body;
} map_params;

static quern_dtype map_out_dtype(const qn_node *node, int i)
{
    return qn_body_out_dtype(node, i, 0);
}

static quern_status map_check(const qn_node *node, quern_error *err)
{
    const qn_graph *body = ((const map_params *)node->params)->body;
    int n_in = node->n_in - node->n_captures;
    if (body->n_inputs != n_in || body->n_outputs < node->n_out)
        return qn_fail(err, QUERN_INVALID,
                       "the body has %d inputs and %d outputs, the node %d and %d",
                       body->n_inputs, body->n_outputs, n_in, node->n_out);
    for (int i = 0; i < n_in; i++)
        if (!node->in[i]) return qn_fail(err, QUERN_INVALID, "input %d is absent", i);
    return QUERN_OK;
}

static quern_status count_items(const qn_instr *instr, int n_in, int64_t *n,
                                quern_error *err)
{
    if (instr->in[0]->kind != QN_SEQUENCE)
        return qn_fail(err, QUERN_SHAPE, "input 0 is no sequence");
    *n = instr->in[0]->dim[0];
    for (int i = 1; i < n_in; i++)
        if (instr->in[i]->kind == QN_SEQUENCE && instr->in[i]->dim[0] != *n)
            return qn_fail(err, QUERN_SHAPE,
                           "input %d has %lld items, input 0 has %lld", i,
                           (long long)instr->in[i]->dim[0], (long long)*n);
    return QUERN_OK;
}

static quern_status map_run(const qn_instr *instr, const qn_exec *x, quern_error *err)
{
    const qn_graph *graph = ((const map_params *)instr->params)->body;
    int n_in = instr->n_in - instr->node->n_captures;
    int64_t n = 0;
    qn_body body;
    QN_TRY(count_items(instr, n_in, &n, err));
    QN_TRY(qn_body_init(&body, instr, x, graph, err));
    for (int i = 0; i < instr->n_out; i++) {
        if (!instr->out[i]) continue;
        quern_dtype dtype = graph->outputs[i]->dtype;
        *instr->out[i] =
            (qn_tensor){.kind = QN_SEQUENCE, .dtype = dtype, .rank = 1, .dim = {n}};
        QN_TRY(qn_exec_output(x, instr->out[i], err));
    }
    for (int64_t k = 0; k < n; k++) {
        QN_TRY(qn_body_may_go_on(x, k, err));
        for (int i = 0; i < n_in; i++)
            body.inputs[i] = instr->in[i]->kind == QN_SEQUENCE
                                 ? ((const qn_tensor *)instr->in[i]->data)[k]
                                 : *instr->in[i];
        QN_TRY(qn_body_run(&body, err));
        for (int i = 0; i < instr->n_out; i++)
            if (instr->out[i])
                QN_TRY(qn_tensor_copy(x->arena, (qn_tensor *)instr->out[i]->data + k,
                                      qn_body_output(&body, i), err));
    }
    return QUERN_OK;
}

static const qn_attr map_attrs[] = {
    QN_GRAPH_ATTR(map_params, body),
    QN_ATTRS_END,
};

const qn_op qn_op_sequence_map = {
    .name = "SequenceMap",
    .since = 17,
    .first = 17,
    .min_in = 1,
    .max_in = -1,
    .min_out = 1,
    .max_out = -1,
    .flags = QN_OP_DYNAMIC | QN_OP_SUBGRAPH,
    .attrs = map_attrs,
    .params_size = sizeof(map_params),
    .out_dtype = map_out_dtype,
    .check = map_check,
    .run = map_run,
};
