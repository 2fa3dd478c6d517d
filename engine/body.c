/* SPDX-License-Identifier: Apache-2.0 */
/* engine/body.c - bodies of control-flow nodes; see body.h. */
#include "engine/body.h"

#include <string.h>

quern_status qn_body_init(qn_body *body, const qn_instr *instr, const qn_exec *x,
                          const qn_graph *graph, quern_error *err)
{
    const qn_node *node = instr->node;
    int at = node->n_in - node->n_captures;
    const qn_graph *sub;
    for (int k = 0; (sub = qn_node_subgraph(node, k)) && sub != graph; k++)
        at += sub->n_captures;
    void *p;
    size_t n = (size_t)(graph->n_inputs + graph->n_captures);
    QN_TRY(qn_arena_array(x->arena, n, sizeof(qn_tensor), &p, err));
    *body = (qn_body){.exec = x, .graph = graph, .inputs = p};
    for (int j = 0; j < graph->n_captures; j++)
        body->inputs[graph->n_inputs + j] = *instr->in[at + j];
    return QUERN_OK;
}

quern_status qn_body_run(qn_body *body, quern_error *err)
{
    return qn_exec_graph(body->exec, body->graph, body->inputs, &body->runner, err);
}

const qn_tensor *qn_body_output(const qn_body *body, int i)
{
    return qn_runner_output(body->runner, i);
}

/* ---- carried values ---- */

quern_status qn_carry_init(qn_carry *carry, const qn_exec *x, int n, quern_error *err)
{
    void *p;
    *carry = (qn_carry){.n = n};
    qn_arena_init(&carry->arena[0], &x->session->mem);
    qn_arena_init(&carry->arena[1], &x->session->mem);
    QN_TRY(qn_arena_array(x->arena, (size_t)n, sizeof(qn_tensor), &p, err));
    carry->values = p;
    return QUERN_OK;
}

quern_status qn_carry_take(qn_carry *carry, const qn_tensor *const *from,
                           quern_error *err)
{
    carry->turn ^= 1;
    qn_arena *arena = &carry->arena[carry->turn];
    qn_arena_reset(arena);
    for (int i = 0; i < carry->n; i++) {
        qn_tensor copy;
        QN_TRY(qn_tensor_copy(arena, &copy, from[i], err));
        carry->values[i] = copy;
    }
    return QUERN_OK;
}

void qn_carry_done(qn_carry *carry)
{
    qn_arena_done(&carry->arena[0]);
    qn_arena_done(&carry->arena[1]);
}

/* ---- stacks ---- */

void qn_stack_init(qn_stack *stack, const qn_exec *x)
{
    *stack = (qn_stack){.mem = &x->session->mem};
}

void qn_stack_done(qn_stack *stack)
{
    qn_mem_free(stack->mem, stack->data, stack->capacity);
    stack->data = NULL;
}

static quern_status reserve(qn_stack *stack, size_t bytes, quern_error *err)
{
    void *p;
    if (bytes <= stack->capacity) return QUERN_OK;
    size_t size = stack->capacity > bytes / 2 ? 2 * stack->capacity : bytes;
    QN_TRY(qn_mem_alloc(stack->mem, size, &p, err));
    if (stack->data) memcpy(p, stack->data, stack->capacity);
    qn_mem_free(stack->mem, stack->data, stack->capacity);
    stack->data = p;
    stack->capacity = size;
    return QUERN_OK;
}

quern_status qn_stack_push(qn_stack *stack, const qn_tensor *t, quern_error *err)
{
    if (t->kind != QN_TENSOR || t->dtype == QUERN_STRING)
        return qn_fail(err, QUERN_UNSUPPORTED, "a result to be stacked is no number");
    if (stack->n == 0) {
        stack->item = *t;
        stack->item.data = NULL;
    }
    if (t->dtype != stack->item.dtype || !qn_same_shape(t, &stack->item))
        return qn_fail(err, QUERN_SHAPE, "iteration %lld gives shape %s, the first %s",
                       (long long)stack->n, QN_SHAPE(t), QN_SHAPE(&stack->item));
    if (t->rank == QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "a stacked result would have rank %d",
                       t->rank + 1);
    size_t bytes = qn_tensor_bytes(t), total;
    if (!qn_size_mul(bytes, (size_t)stack->n + 1, &total))
        return qn_fail(err, QUERN_LIMIT, "%lld stacked results are too large",
                       (long long)stack->n + 1);
    QN_TRY(reserve(stack, total, err));
    if (bytes) memcpy(stack->data + total - bytes, t->data, bytes);
    stack->n++;
    return QUERN_OK;
}

static void declared_item(const qn_value *declared, qn_tensor *item)
{
    *item = (qn_tensor){.dtype = declared->dtype};
    item->rank = declared->rank < 0 ? 0 : declared->rank;
    for (int i = 0; i < item->rank; i++)
        item->dim[i] = declared->dim[i] < 0 ? 0 : declared->dim[i];
}

quern_status qn_stack_take(const qn_stack *stack, const qn_exec *x, int64_t axis,
                           bool reverse, const qn_value *declared, qn_tensor *out,
                           quern_error *err)
{
    qn_tensor item = stack->item;
    int at;
    if (stack->n == 0) declared_item(declared, &item);
    if (item.rank == QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "a stacked result would have rank %d",
                       item.rank + 1);
    QN_TRY(qn_axis(axis, item.rank + 1, false, &at, err));
    *out = (qn_tensor){.dtype = item.dtype, .rank = item.rank + 1};
    for (int i = 0; i < out->rank; i++)
        out->dim[i] = i < at ? item.dim[i] : i == at ? stack->n : item.dim[i - 1];
    QN_TRY(qn_exec_output(x, out, err));
    size_t bytes = qn_tensor_bytes(&item);
    size_t inner =
        (size_t)qn_dims_count(&item, at, item.rank) * qn_dtype_size(item.dtype);
    if (bytes == 0) return QUERN_OK;
    for (int64_t k = 0; k < stack->n; k++) {
        const char *from =
            stack->data + (size_t)(reverse ? stack->n - 1 - k : k) * bytes;
        char *to = (char *)out->data + (size_t)k * inner;
        for (size_t done = 0; done < bytes;
             done += inner, to += (size_t)stack->n * inner)
            memcpy(to, from + done, inner);
    }
    return QUERN_OK;
}

/* ---- small shared questions ---- */

quern_status qn_body_may_go_on(const qn_exec *x, int64_t iteration, quern_error *err)
{
    const quern_session_options *opt = &x->session->opt;
    if (opt->max_iterations && iteration >= opt->max_iterations)
        return qn_fail(err, QUERN_LIMIT, "iteration %lld is over the limit of %lld",
                       (long long)iteration + 1, (long long)opt->max_iterations);
    if (opt->cancel && opt->cancel(opt->cancel_ctx))
        return qn_fail(err, QUERN_CANCELLED, "stopped at iteration %lld",
                       (long long)iteration);
    return QUERN_OK;
}

quern_dtype qn_body_out_dtype(const qn_node *node, int i, int skip)
{
    const qn_graph *sub;
    for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
        if (i + skip < sub->n_outputs &&
            sub->outputs[i + skip]->dtype != QUERN_UNDEFINED)
            return sub->outputs[i + skip]->dtype;
    return QUERN_UNDEFINED;
}
