/* SPDX-License-Identifier: Apache-2.0 */
/* engine/finish.c - from a graph as it was read to one that can run: order, functions,
 * old forms, rows, element types, passes. */
#include "engine/finish.h"

#include "engine/pass.h"

#include <stdio.h>
#include <string.h>

#define NEWEST_OPSET 28 /* of ai.onnx that the rows were written against */

quern_status qn_graph_walk(qn_graph *g, qn_visit_fn *visit, void *ctx, quern_error *err)
{
    for (qn_node *node = g->first, *next; node; node = next) {
        next = node->next;
        quern_status status = visit(node, ctx, err);
        if (status != QUERN_OK) {
            qn_within(err, "node '%s'", QN_LABEL(node));
            return status;
        }
        qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
            QN_TRY(qn_graph_walk(sub, visit, ctx, err));
    }
    return QUERN_OK;
}

int64_t qn_graph_total_nodes(const qn_graph *g)
{
    int64_t n = g->n_nodes;
    for (const qn_node *node = g->first; node; node = node->next) {
        const qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
            n += qn_graph_total_nodes(sub);
    }
    return n;
}

static void number_values(qn_graph *g)
{
    for (int i = 0; i < g->n_values; i++)
        g->values[i]->id = i;
    for (qn_node *node = g->first; node; node = node->next) {
        qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
            number_values(sub);
    }
}

/* ---- what the file held ---- */

static quern_status count_op(qn_node *node, void *ctx, quern_error *err)
{
    quern_model *m = ctx;
    for (int i = 0; i < m->n_counts; i++)
        if (strcmp(m->counts[i].op_type, node->op_type) == 0 &&
            strcmp(m->counts[i].domain, node->domain) == 0) {
            m->counts[i].n++;
            return QUERN_OK;
        }
    if (m->n_counts % 16 == 0) {
        void *p;
        size_t n = (size_t)m->n_counts;
        QN_TRY(qn_arena_array(&m->arena, n + 16, sizeof *m->counts, &p, err));
        if (n) memcpy(p, m->counts, n * sizeof *m->counts);
        m->counts = p;
    }
    m->counts[m->n_counts++] = (qn_op_count){node->op_type, node->domain, 1};
    return QUERN_OK;
}

static quern_status take_stock(quern_model *m, quern_error *err)
{
    const qn_graph *g = m->graph;
    m->nodes_loaded = qn_graph_total_nodes(g);
    for (int i = 0; i < g->n_values; i++) {
        const qn_tensor *t = g->values[i]->constant;
        if (!t || t->kind != QN_TENSOR) continue;
        m->n_parameters += qn_tensor_count(t);
        m->weight_bytes += qn_tensor_bytes(t);
    }
    void *p, *copy;
    QN_TRY(
        qn_arena_array(&m->arena, (size_t)g->n_outputs, sizeof *m->outputs, &p, err));
    m->outputs = p;
    for (int i = 0; i < g->n_outputs; i++) { /* copies: hints are forgotten below */
        QN_TRY(qn_arena_alloc(&m->arena, sizeof(qn_value), &copy, err));
        m->outputs[i] = copy;
        *m->outputs[i] = *g->outputs[i];
    }
    return qn_graph_walk(m->graph, count_op, m, err);
}

/* An input with a default is a constant, unless the caller wants to set it. */
static void settle_inputs(quern_model *m)
{
    qn_graph *g = m->graph;
    int kept = 0;
    for (int i = 0; i < g->n_inputs; i++) {
        qn_value *v = g->inputs[i];
        v->is_input = !v->constant || m->keep_overridable;
        if (!v->is_input) continue;
        v->fallback = v->constant; /* not known for good any more */
        v->constant = NULL;
        g->inputs[kept++] = v;
    }
    g->n_inputs = kept;
}

/* Shapes that a file declares for computed values are hints, and often wrong ones. */
static void forget_hints(qn_graph *g)
{
    for (qn_node *node = g->first; node; node = node->next) {
        for (int i = 0; i < node->n_out; i++)
            if (node->out[i] && node->out[i]->kind == QN_TENSOR)
                node->out[i]->rank = -1;
        qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
            forget_hints(sub);
    }
}

static quern_status sort_all(qn_graph *g, quern_error *err)
{
    QN_TRY(qn_graph_sort(g, err));
    for (qn_node *node = g->first; node; node = node->next) {
        qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
            QN_TRY(sort_all(sub, err));
    }
    return QUERN_OK;
}

/* ---- rows ---- */

static void warn_attrs(const quern_model *m, const qn_node *node)
{
    for (int i = 0; i < node->n_attrs; i++) {
        const qn_attr *row = node->op->attrs;
        while (row && row->name && strcmp(row->name, node->attrs[i].name) != 0)
            row++;
        if (!row || !row->name)
            qn_model_log(m,
                         "node '%s': attribute '%.60s' is not known and has no effect",
                         QN_LABEL(node), node->attrs[i].name);
    }
}

#define MISSING (-1) /* mark of a node that was reported; it stays unbound */

static quern_status note_missing(quern_model *m, qn_node *node, const char *reason,
                                 quern_error *err)
{
    node->op = NULL;
    node->mark = MISSING;
    return qn_missing_add(m, node, reason, err);
}

/* Lowers and binds one node; lowering may put other nodes in its place. */
static quern_status bind_node(quern_model *m, qn_graph *g, qn_node *node,
                              quern_error *err)
{
    const qn_op *op = qn_op_find(node->domain, node->op_type);
    if (!op) return note_missing(m, node, "operator not known", err);
    if (node->opset < op->first) {
        char reason[80];
        snprintf(reason, sizeof reason, "form of opset %lld, the oldest known is %d",
                 (long long)node->opset, op->first);
        return note_missing(m, node, reason, err);
    }
    const char *type = node->op_type;
    quern_status status = QUERN_OK;
    if (op->lower && node->opset < QN_OPSET_NEWEST) status = op->lower(g, node, err);
    if (status == QUERN_OK) {
        node->opset = QN_OPSET_NEWEST;
        bool linked = node->prev || node->next || g->first == node;
        if (!linked || strcmp(type, node->op_type) != 0)
            return QUERN_OK; /* next sweep */
        status = qn_op_bind(g, node, op, err);
    }
    if (status == QUERN_UNSUPPORTED)
        return note_missing(m, node, err ? err->text : "not supported", err);
    if (status == QUERN_OK) warn_attrs(m, node);
    return status;
}

#define MAX_SWEEPS 6 /* forms lower through at most a few others */

quern_status qn_bind_graph(quern_model *m, qn_graph *g, quern_error *err)
{
    int left = 1;
    for (int sweep = 0; left && sweep < MAX_SWEEPS; sweep++) {
        left = 0;
        for (qn_node *node = g->first, *next; node; node = next) {
            next = node->next;
            if (node->op || node->mark == MISSING) continue;
            left++;
            quern_status status = bind_node(m, g, node, err);
            if (status != QUERN_OK) {
                qn_within(err, "node '%s'", QN_LABEL(node));
                return status;
            }
        }
    }
    for (qn_node *node = g->first; node; node = node->next) {
        qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
            QN_TRY(qn_bind_graph(m, sub, err));
    }
    qn_graph_resolve(g);
    return QUERN_OK;
}

/* ---- element types ---- */

static void tell_capture_types(const qn_node *node)
{
    int at = node->n_in - node->n_captures;
    qn_graph *sub;
    for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
        for (int j = 0; j < sub->n_captures; j++, at++) {
            sub->captures[j]->dtype = node->in[at]->dtype;
            sub->captures[j]->kind = node->in[at]->kind;
        }
}

static quern_status check_types(quern_model *m, const qn_node *node, quern_error *err)
{
    for (int i = 0; i < node->n_in - node->n_captures; i++) {
        const qn_value *v = node->in[i];
        if (!v || v->dtype == QUERN_UNDEFINED || v->kind != QN_TENSOR) continue;
        if (qn_op_types(node->op, i) & QN_BIT(v->dtype)) continue;
        char reason[96];
        snprintf(reason, sizeof reason, "element type %s of input %d not supported",
                 quern_dtype_name(v->dtype), i);
        return qn_missing_add(m, node, reason, err);
    }
    return QUERN_OK;
}

/* Bodies before the node: the types of its outputs come from them. */
static quern_status type_graph(quern_model *m, qn_graph *g, quern_error *err)
{
    for (qn_node *node = g->first; node; node = node->next) {
        tell_capture_types(node);
        qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
            QN_TRY(type_graph(m, sub, err));
        if (!node->op) continue;
        QN_TRY(check_types(m, node, err));
        for (int i = 0; i < node->n_out; i++) {
            quern_dtype t = node->out[i] ? qn_op_out_dtype(node, i) : QUERN_UNDEFINED;
            if (t != QUERN_UNDEFINED) node->out[i]->dtype = t;
        }
    }
    return QUERN_OK;
}

/* ---- all of it ---- */

static void warn_opsets(const quern_model *m)
{
    int64_t v = qn_model_opset(m, "");
    if (v > NEWEST_OPSET)
        qn_model_log(m, "opset %lld is newer than %d, the newest that quern knows",
                     (long long)v, NEWEST_OPSET);
}

quern_status qn_model_rework(quern_model *m, quern_error *err)
{
    QN_TRY(qn_passes_run(m, err));
    QN_TRY(qn_graph_verify(m->graph, err));
    number_values(m->graph);
    return QUERN_OK;
}

quern_status qn_model_finish(quern_model *m, quern_error *err)
{
    warn_opsets(m);
    QN_TRY(take_stock(m, err));
    QN_TRY(sort_all(m->graph, err));
    for (int i = 0; i < m->n_functions; i++) {
        number_values(m->functions[i].body);
        QN_TRY(sort_all(m->functions[i].body, err));
    }
    QN_TRY(qn_inline_functions(m, err));
    QN_TRY(sort_all(m->graph, err));
    settle_inputs(m);
    forget_hints(m->graph);
    QN_TRY(qn_bind_graph(m, m->graph, err));
    QN_TRY(type_graph(m, m->graph, err));
    if (m->n_missing == 0) return qn_model_rework(m, err);
    number_values(m->graph);
    return m->allow_missing ? QUERN_OK : qn_missing_report(m, err);
}
