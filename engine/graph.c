/* SPDX-License-Identifier: Apache-2.0 */
/* engine/graph.c - building and editing a graph: values, nodes, replacement, order. */
#include "engine/graph.h"

#include <stdio.h>
#include <string.h>

quern_status qn_graph_create(qn_arena *arena, qn_graph *parent, qn_graph **out,
                             quern_error *err)
{
    void *p;
    *out = NULL;
    QN_TRY(qn_arena_alloc(arena, sizeof **out, &p, err));
    *out = p;
    (*out)->arena = arena;
    (*out)->parent = parent;
    (*out)->name = "";
    return QUERN_OK;
}

static quern_status grow_values(qn_graph *g, quern_error *err)
{
    int cap = g->cap_values ? 2 * g->cap_values : 32;
    void *p;
    QN_TRY(qn_arena_array(g->arena, (size_t)cap, sizeof *g->values, &p, err));
    if (g->n_values) memcpy(p, g->values, (size_t)g->n_values * sizeof *g->values);
    g->values = p;
    g->cap_values = cap;
    return QUERN_OK;
}

quern_status qn_graph_add_value(qn_graph *g, const char *name, qn_value **out,
                                quern_error *err)
{
    void *p;
    *out = NULL;
    if (g->n_values == g->cap_values) QN_TRY(grow_values(g, err));
    QN_TRY(qn_arena_alloc(g->arena, sizeof(qn_value), &p, err));
    qn_value *v = p;
    v->name = name;
    v->rank = -1;
    g->values[g->n_values++] = v;
    *out = v;
    return QUERN_OK;
}

quern_status qn_graph_add_constant(qn_graph *g, const char *name, const qn_tensor *t,
                                   qn_value **out, quern_error *err)
{
    void *p;
    QN_TRY(qn_graph_add_value(g, name, out, err));
    QN_TRY(qn_arena_alloc(g->arena, sizeof(qn_tensor), &p, err));
    qn_value *v = *out;
    v->constant = p;
    *v->constant = *t;
    v->dtype = t->dtype;
    v->kind = t->kind;
    v->rank = t->rank;
    memcpy(v->dim, t->dim, sizeof v->dim);
    return QUERN_OK;
}

quern_status qn_graph_add_ints(qn_graph *g, int64_t n, const int64_t *v, qn_value **out,
                               quern_error *err)
{
    qn_tensor t = {.dtype = QUERN_INT64, .rank = 1, .dim = {n}};
    QN_TRY(qn_tensor_alloc(g->arena, &t, err));
    if (n) memcpy(t.data, v, (size_t)n * sizeof *v);
    return qn_graph_add_constant(g, "", &t, out, err);
}

quern_status qn_graph_new_node(qn_graph *g, const char *op_type, const char *domain,
                               int64_t opset, int n_in, int n_out, qn_node **out,
                               quern_error *err)
{
    void *p;
    *out = NULL;
    QN_TRY(qn_arena_alloc(g->arena, sizeof(qn_node), &p, err));
    qn_node *node = p;
    node->name = node->overload = "";
    node->op_type = op_type;
    node->domain = domain ? domain : "";
    node->opset = opset;
    node->graph = g;
    QN_TRY(qn_arena_array(g->arena, (size_t)n_in, sizeof *node->in, &p, err));
    node->in = p;
    node->n_in = n_in;
    QN_TRY(qn_arena_array(g->arena, (size_t)n_out, sizeof *node->out, &p, err));
    node->out = p;
    node->n_out = n_out;
    *out = node;
    return QUERN_OK;
}

void qn_graph_insert(qn_graph *g, qn_node *node, qn_node *before)
{
    node->next = before;
    node->prev = before ? before->prev : g->last;
    *(node->prev ? &node->prev->next : &g->first) = node;
    *(before ? &before->prev : &g->last) = node;
    g->n_nodes++;
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i]) {
            node->out[i]->producer = node;
            node->out[i]->out_index = i;
        }
}

void qn_graph_remove(qn_graph *g, qn_node *node)
{
    *(node->prev ? &node->prev->next : &g->first) = node->next;
    *(node->next ? &node->next->prev : &g->last) = node->prev;
    node->prev = node->next = NULL;
    g->n_nodes--;
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] && node->out[i]->producer == node)
            node->out[i]->producer = NULL;
}

quern_status qn_graph_emit(qn_graph *g, qn_node *before, const char *op_type, int n_in,
                           qn_value *const *in, qn_value **out, quern_error *err)
{
    qn_node *node;
    *out = NULL;
    QN_TRY(qn_graph_new_node(g, op_type, "", QN_OPSET_NEWEST, n_in, 1, &node, err));
    for (int i = 0; i < n_in; i++)
        node->in[i] = in[i];
    QN_TRY(qn_graph_add_value(g, "", &node->out[0], err));
    if (before) node->name = before->name;
    qn_graph_insert(g, node, before);
    *out = node->out[0];
    return QUERN_OK;
}

/* ---- replacement and uses ---- */

void qn_value_replace(qn_value *old, qn_value *with)
{
    with = qn_resolve(with);
    if (old != with) old->alias = with;
}

qn_value *qn_resolve(qn_value *v)
{
    if (!v || !v->alias) return v;
    qn_value *end = v;
    while (end->alias)
        end = end->alias;
    while (v->alias) { /* shorten the path for the next reader */
        qn_value *next = v->alias;
        v->alias = end;
        v = next;
        if (v == end) break;
    }
    return end;
}

void qn_graph_resolve(qn_graph *g)
{
    for (qn_node *node = g->first; node; node = node->next)
        for (int i = 0; i < node->n_in; i++)
            node->in[i] = qn_resolve(node->in[i]);
    for (int i = 0; i < g->n_outputs; i++)
        g->outputs[i] = qn_resolve(g->outputs[i]);
}

void qn_graph_count_uses(qn_graph *g)
{
    for (int i = 0; i < g->n_values; i++)
        g->values[i]->n_uses = 0;
    for (qn_node *node = g->first; node; node = node->next)
        for (int i = 0; i < node->n_in; i++)
            if (node->in[i]) node->in[i]->n_uses++;
    for (int i = 0; i < g->n_outputs; i++)
        g->outputs[i]->n_uses++;
}

/* ---- order ---- */

static qn_node *input_producer(const qn_node *node, int i)
{
    return node->in[i] ? node->in[i]->producer : NULL;
}

/* Depth-first without recursion: mark 0 unseen, 1 on the path, 2 placed.  The path is
 * kept in `stack`, the next input to look at in `at`. */
static quern_status place(qn_node *root, qn_node **stack, int *at, qn_node **order,
                          int *n_order, quern_error *err)
{
    int depth = 0;
    stack[0] = root;
    at[0] = 0;
    root->mark = 1;
    while (depth >= 0) {
        qn_node *node = stack[depth];
        qn_node *next = NULL;
        while (!next && at[depth] < node->n_in) {
            next = input_producer(node, at[depth]++);
            if (next && next->mark == 2) next = NULL;
        }
        if (!next) {
            node->mark = 2;
            order[(*n_order)++] = node;
            depth--;
        } else if (next->mark == 1) {
            return qn_fail(err, QUERN_INVALID, "node '%s' depends on its own output",
                           QN_LABEL(next));
        } else {
            next->mark = 1;
            stack[++depth] = next;
            at[depth] = 0;
        }
    }
    return QUERN_OK;
}

static bool is_sorted(qn_graph *g)
{
    for (qn_node *node = g->first; node; node = node->next)
        node->mark = 0;
    for (qn_node *node = g->first; node; node = node->next) {
        for (int i = 0; i < node->n_in; i++) {
            const qn_node *from = input_producer(node, i);
            if (from && from->mark == 0) return false;
        }
        node->mark = 2;
    }
    return true;
}

quern_status qn_graph_sort(qn_graph *g, quern_error *err)
{
    if (is_sorted(g)) return QUERN_OK;
    size_t n = (size_t)g->n_nodes;
    void *stack, *at, *order;
    QN_TRY(qn_arena_array(g->arena, n, sizeof(qn_node *), &stack, err));
    QN_TRY(qn_arena_array(g->arena, n, sizeof(int), &at, err));
    QN_TRY(qn_arena_array(g->arena, n, sizeof(qn_node *), &order, err));
    for (qn_node *node = g->first; node; node = node->next)
        node->mark = 0;
    int n_order = 0;
    for (qn_node *node = g->first; node; node = node->next)
        if (node->mark == 0) QN_TRY(place(node, stack, at, order, &n_order, err));
    qn_node *prev = NULL;
    for (int i = 0; i < n_order; i++) {
        qn_node *node = ((qn_node **)order)[i];
        node->prev = prev;
        node->next = NULL;
        *(prev ? &prev->next : &g->first) = node;
        prev = node;
    }
    g->last = prev;
    return QUERN_OK;
}

static quern_status verify_node(const qn_graph *g, const qn_node *node,
                                quern_error *err)
{
    for (int i = 0; i < node->n_in; i++) {
        const qn_value *v = node->in[i];
        if (!v) continue;
        if (v->alias) return qn_fail(err, QUERN_INVALID, "input %d was replaced", i);
        if (v->producer ? v->producer->mark != 2
                        : !v->constant && !v->is_input && !v->is_capture)
            return qn_fail(err, QUERN_INVALID, "input %d ('%s') has no earlier source",
                           i, v->name);
    }
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] && node->out[i]->producer != node)
            return qn_fail(err, QUERN_INVALID, "output %d belongs to another node", i);
    return node->graph == g ? QUERN_OK
                            : qn_fail(err, QUERN_INVALID, "stands in another graph");
}

quern_status qn_graph_verify(const qn_graph *g, quern_error *err)
{
    int n = 0;
    for (qn_node *node = g->first; node; node = node->next)
        node->mark = 0;
    for (qn_node *node = g->first; node; node = node->next, n++) {
        quern_status status = verify_node(g, node, err);
        if (status != QUERN_OK) {
            qn_within(err, "node '%s'", QN_LABEL(node));
            return status;
        }
        node->mark = 2;
    }
    if (n != g->n_nodes)
        return qn_fail(err, QUERN_INVALID, "%d nodes are linked, %d counted", n,
                       g->n_nodes);
    for (int i = 0; i < g->n_outputs; i++) {
        const qn_value *v = g->outputs[i];
        if (v->alias || (v->producer && v->producer->mark != 2))
            return qn_fail(err, QUERN_INVALID, "graph output %d has no source", i);
    }
    return QUERN_OK;
}
