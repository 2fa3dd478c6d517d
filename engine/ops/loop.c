/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/loop.c - runs a body while a condition holds; ONNX Loop-25.
 *
 * Body inputs: iteration, condition, carried values; outputs: condition, carried
 * values, then one value an iteration for each scan output, which are stacked. */
#include "engine/body.h"

typedef struct loop_params {
    qn_graph *body;
} loop_params;

static quern_dtype loop_out_dtype(const qn_node *node, int i)
{
    return qn_body_out_dtype(node, i, 1);
}

static int n_carried(const qn_graph *body)
{
    return body->n_inputs - 2;
}

static quern_status loop_check(const qn_node *node, quern_error *err)
{
    const qn_graph *body = ((const loop_params *)node->params)->body;
    int given = node->n_in - node->n_captures - 2;
    if (n_carried(body) != given || body->n_outputs < 1 + given ||
        body->n_outputs - 1 < node->n_out)
        return qn_fail(
            err, QUERN_INVALID,
            "the body has %d inputs and %d outputs, %d values are carried and "
            "%d outputs asked for",
            body->n_inputs, body->n_outputs, given, node->n_out);
    for (int i = 0; i < given; i++)
        if (!node->in[2 + i])
            return qn_fail(err, QUERN_INVALID, "carried value %d is absent", i);
    return QUERN_OK;
}

/* What one run of a Loop works with. */
typedef struct loop {
    qn_body body;
    qn_carry carry;
    qn_stack *stacks;
    const qn_tensor **fresh; /* carried values as the body gave them */
    int n_stacks;
} loop;

static quern_status loop_begin(loop *l, const qn_instr *instr, const qn_exec *x,
                               quern_error *err)
{
    const qn_graph *g = ((const loop_params *)instr->params)->body;
    int n = n_carried(g);
    void *p, *q;
    l->n_stacks = 0;
    QN_TRY(qn_carry_init(&l->carry, x, n, err));
    QN_TRY(qn_body_init(&l->body, instr, x, g, err));
    QN_TRY(qn_arena_array(x->arena, (size_t)g->n_outputs, sizeof(qn_stack), &p, err));
    QN_TRY(qn_arena_array(x->arena, (size_t)n, sizeof(qn_tensor *), &q, err));
    l->stacks = p;
    l->fresh = q;
    for (int i = 1 + n; i < g->n_outputs; i++)
        qn_stack_init(&l->stacks[l->n_stacks++], x);
    return qn_carry_take(&l->carry, instr->in + 2, err);
}

static quern_status loop_turn(loop *l, int64_t *iteration, bool *go_on,
                              quern_error *err)
{
    int n = l->carry.n;
    char cond = 1;
    l->body.inputs[0] = (qn_tensor){.dtype = QUERN_INT64, .data = iteration};
    l->body.inputs[1] = (qn_tensor){.dtype = QUERN_BOOL, .data = &cond};
    for (int i = 0; i < n; i++)
        l->body.inputs[2 + i] = l->carry.values[i];
    QN_TRY(qn_body_run(&l->body, err));
    for (int i = 0; i < n; i++)
        l->fresh[i] = qn_body_output(&l->body, 1 + i);
    for (int i = 0; i < l->n_stacks; i++)
        QN_TRY(qn_stack_push(&l->stacks[i], qn_body_output(&l->body, 1 + n + i), err));
    const qn_tensor *c = qn_body_output(&l->body, 0);
    if (qn_tensor_count(c) != 1)
        return qn_fail(err, QUERN_DATA, "the condition has %lld elements, not 1",
                       (long long)qn_tensor_count(c));
    *go_on = qn_get_int(c, 0) != 0;
    return qn_carry_take(&l->carry, l->fresh, err);
}

static quern_status loop_iterate(loop *l, const qn_instr *instr, const qn_exec *x,
                                 quern_error *err)
{
    const qn_tensor *m = instr->in[0], *cond = instr->in[1];
    bool go_on = !cond || qn_tensor_count(cond) == 0 || qn_get_int(cond, 0) != 0;
    int64_t most = m && qn_tensor_count(m) ? qn_get_int(m, 0) : INT64_MAX;
    for (int64_t i = 0; i < most && go_on; i++) {
        QN_TRY(qn_body_may_go_on(x, i, err));
        quern_status status = loop_turn(l, &i, &go_on, err);
        if (status != QUERN_OK) {
            qn_within(err, "iteration %lld", (long long)i);
            return status;
        }
    }
    return QUERN_OK;
}

static quern_status loop_finish(const loop *l, const qn_instr *instr, const qn_exec *x,
                                quern_error *err)
{
    for (int i = 0; i < instr->n_out; i++) {
        if (!instr->out[i]) continue;
        if (i < l->carry.n) {
            QN_TRY(qn_tensor_copy(x->arena, instr->out[i], &l->carry.values[i], err));
            continue;
        }
        QN_TRY(qn_stack_take(&l->stacks[i - l->carry.n], x, 0, false,
                             l->body.graph->outputs[1 + i], instr->out[i], err));
    }
    return QUERN_OK;
}

static quern_status loop_run(const qn_instr *instr, const qn_exec *x, quern_error *err)
{
    loop l;
    quern_status status = loop_begin(&l, instr, x, err);
    if (status == QUERN_OK) status = loop_iterate(&l, instr, x, err);
    if (status == QUERN_OK) status = loop_finish(&l, instr, x, err);
    for (int i = 0; i < l.n_stacks; i++)
        qn_stack_done(&l.stacks[i]);
    qn_carry_done(&l.carry);
    return status;
}

static const qn_attr loop_attrs[] = {
    QN_GRAPH_ATTR(loop_params, body),
    QN_ATTRS_END,
};

const qn_op qn_op_loop = {
    .name = "Loop",
    .since = 25,
    .min_in = 0,
    .max_in = -1,
    .min_out = 0,
    .max_out = -1,
    .flags = QN_OP_DYNAMIC | QN_OP_SUBGRAPH,
    .attrs = loop_attrs,
    .params_size = sizeof(loop_params),
    .out_dtype = loop_out_dtype,
    .check = loop_check,
    .run = loop_run,
};
