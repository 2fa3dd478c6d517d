/* SPDX-License-Identifier: Apache-2.0 */
/* engine/inline.c - puts the bodies of functions (and of decided branches) in place of
 * the nodes that call them. */
#include "engine/finish.h"

#include <string.h>

#define MAX_DEPTH 32      /* functions that call functions */
#define MAX_NODES 1000000 /* after inlining */

typedef struct splicer {
    qn_graph *g; /* where the copies go */
    const qn_node *call;
    const qn_function *function;
    qn_value **map; /* by value index of the body being copied */
    const qn_graph *body;
} splicer;

static int index_of(const qn_graph *g, const qn_value *v)
{
    if (v->id < g->n_values && g->values[v->id] == v) return v->id;
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i] == v) return i;
    return -1;
}

static qn_value *mapped(const splicer *s, qn_value *v)
{
    if (!v) return NULL;
    int i = index_of(s->body, v);
    return i < 0 ? NULL : s->map[i];
}

/* A value of the body gets its twin: constants are shared, the rest are new. */
static quern_status twin(const splicer *s, qn_value *v, qn_value **out,
                         quern_error *err)
{
    QN_TRY(qn_graph_add_value(s->g, v->name, out, err));
    qn_value *t = *out;
    t->constant = v->constant;
    t->dtype = v->dtype;
    t->kind = v->kind;
    t->rank = v->constant ? v->rank : -1;
    memcpy(t->dim, v->dim, sizeof t->dim);
    return QUERN_OK;
}

static quern_status copy_graph(const splicer *outer, const qn_graph *from,
                               qn_graph **out, quern_error *err);

static const qn_attr_value *referred(const splicer *s, const char *name)
{
    const qn_attr_value *a = s->call ? qn_node_attr(s->call, name) : NULL;
    for (int i = 0; !a && s->function && i < s->function->n_defaults; i++)
        if (strcmp(s->function->defaults[i].name, name) == 0)
            a = &s->function->defaults[i];
    return a;
}

static quern_status copy_attrs(const splicer *s, const qn_node *from, qn_node *to,
                               quern_error *err)
{
    for (int i = 0; i < from->n_attrs; i++) {
        qn_attr_value a = from->attrs[i];
        if (a.ref && s->call) {
            const qn_attr_value *given = referred(s, a.ref);
            if (!given) continue; /* absent at the call: absent here */
            const char *name = a.name;
            a = *given;
            a.name = name;
        } else if (a.kind == QN_ATTR_GRAPH && a.graph) {
            QN_TRY(copy_graph(s, from->attrs[i].graph, &a.graph, err));
        }
        QN_TRY(qn_node_set_attr(to, &a, err));
    }
    return QUERN_OK;
}

static quern_status copy_node(const splicer *s, const qn_node *from, qn_node *before,
                              quern_error *err)
{
    qn_node *node;
    QN_TRY(qn_graph_new_node(s->g, from->op_type, from->domain, from->opset, from->n_in,
                             from->n_out, &node, err));
    node->name = from->name;
    node->overload = from->overload;
    node->n_captures = from->n_captures;
    for (int i = 0; i < from->n_in; i++) {
        node->in[i] = mapped(s, from->in[i]);
        if (from->in[i] && !node->in[i] && i >= from->n_in - from->n_captures)
            return qn_fail(err, QUERN_INVALID, "'%s' captures a value that is absent",
                           QN_LABEL(from));
    }
    for (int i = 0; i < from->n_out; i++)
        node->out[i] = mapped(s, from->out[i]);
    QN_TRY(copy_attrs(s, from, node, err));
    qn_graph_insert(s->g, node, before);
    return QUERN_OK;
}

/* Twins for every value that the map does not hold yet, then the nodes. */
static quern_status copy_body(const splicer *s, qn_node *before, const bool *given,
                              quern_error *err)
{
    for (int i = 0; i < s->body->n_values; i++)
        if (!given[i]) QN_TRY(twin(s, s->body->values[i], &s->map[i], err));
    for (const qn_node *n = s->body->first; n; n = n->next)
        QN_TRY(copy_node(s, n, before, err));
    return QUERN_OK;
}

static quern_status copy_list(const splicer *s, qn_value *const *from, int n,
                              qn_value ***to, quern_error *err)
{
    void *p;
    QN_TRY(qn_arena_array(s->g->arena, (size_t)n, sizeof **to, &p, err));
    *to = p;
    for (int i = 0; i < n; i++) {
        (*to)[i] = mapped(s, from[i]);
        qn_value *v = (*to)[i];
        if (!v)
            return qn_fail(err, QUERN_INVALID, "'%s' gives a value that is absent",
                           from[i]->name);
        v->is_input = from[i]->is_input;
        v->is_capture = from[i]->is_capture;
        if (v->is_input) { /* what a body declares of its inputs holds for the copy */
            v->rank = from[i]->rank;
            memcpy(v->dim, from[i]->dim, sizeof v->dim);
        }
    }
    return QUERN_OK;
}

/* A subgraph of a copied node is copied too, as attribute references may stand in it.
 */
static quern_status copy_graph(const splicer *outer, const qn_graph *from,
                               qn_graph **out, quern_error *err)
{
    qn_graph *g;
    void *map, *given;
    QN_TRY(qn_graph_create(outer->g->arena, outer->g, &g, err));
    QN_TRY(qn_arena_array(g->arena, (size_t)from->n_values, sizeof(qn_value *), &map,
                          err));
    QN_TRY(qn_arena_array(g->arena, (size_t)from->n_values, sizeof(bool), &given, err));
    splicer s = {.g = g,
                 .call = outer->call,
                 .function = outer->function,
                 .map = map,
                 .body = from};
    g->name = from->name;
    QN_TRY(copy_body(&s, NULL, given, err));
    g->n_inputs = from->n_inputs;
    g->n_outputs = from->n_outputs;
    g->n_captures = from->n_captures;
    QN_TRY(copy_list(&s, from->inputs, from->n_inputs, &g->inputs, err));
    QN_TRY(copy_list(&s, from->outputs, from->n_outputs, &g->outputs, err));
    QN_TRY(copy_list(&s, from->captures, from->n_captures, &g->captures, err));
    *out = g;
    return QUERN_OK;
}

quern_status qn_graph_splice(qn_graph *g, qn_node *before, const qn_graph *body,
                             qn_value **map, const qn_node *call,
                             const qn_function *function, quern_error *err)
{
    void *given;
    QN_TRY(qn_arena_array(g->arena, (size_t)body->n_values, sizeof(bool), &given, err));
    for (int i = 0; i < body->n_inputs; i++)
        ((bool *)given)[index_of(body, body->inputs[i])] = true;
    for (int i = 0; i < body->n_captures; i++)
        ((bool *)given)[index_of(body, body->captures[i])] = true;
    splicer s = {.g = g, .call = call, .function = function, .map = map, .body = body};
    return copy_body(&s, before, given, err);
}

/* ---- functions ---- */

static const qn_function *find_function(const quern_model *model, const qn_node *node)
{
    for (int i = 0; i < model->n_functions; i++) {
        const qn_function *f = &model->functions[i];
        if (strcmp(f->name, node->op_type) == 0 &&
            strcmp(f->domain, node->domain) == 0 &&
            strcmp(f->overload, node->overload) == 0)
            return f;
    }
    return NULL;
}

static quern_status inline_call(qn_graph *g, qn_node *node, const qn_function *f,
                                quern_error *err)
{
    const qn_graph *body = f->body;
    if (node->n_in > body->n_inputs || node->n_out > body->n_outputs)
        return qn_fail(err, QUERN_INVALID,
                       "has %d inputs and %d outputs, function '%s' has %d and %d",
                       node->n_in, node->n_out, f->name, body->n_inputs,
                       body->n_outputs);
    void *p;
    QN_TRY(
        qn_arena_array(g->arena, (size_t)body->n_values, sizeof(qn_value *), &p, err));
    qn_value **map = p;
    for (int i = 0; i < body->n_inputs; i++)
        map[index_of(body, body->inputs[i])] = i < node->n_in ? node->in[i] : NULL;
    QN_TRY(qn_graph_splice(g, node, body, map, node, f, err));
    for (int i = 0; i < node->n_out; i++) {
        if (!node->out[i]) continue;
        qn_value *v = map[index_of(body, body->outputs[i])];
        if (!v)
            return qn_fail(err, QUERN_INVALID, "output %d of function '%s' is absent",
                           i, f->name);
        qn_value_replace(node->out[i], v);
    }
    qn_graph_remove(g, node);
    return QUERN_OK;
}

typedef struct inliner {
    const quern_model *model;
    int64_t n_nodes;
    int n_inlined;
} inliner;

static quern_status inline_in(inliner *in, qn_graph *g, quern_error *err)
{
    for (qn_node *node = g->first, *next; node; node = next) {
        next = node->next;
        qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
            QN_TRY(inline_in(in, sub, err));
        if (qn_op_find(node->domain, node->op_type)) continue;
        const qn_function *f = find_function(in->model, node);
        if (!f) continue;
        in->n_inlined++;
        in->n_nodes += f->body->n_nodes;
        if (in->n_nodes > MAX_NODES)
            return qn_fail(err, QUERN_LIMIT,
                           "functions expand to %lld nodes, the most is %d",
                           (long long)in->n_nodes, MAX_NODES);
        quern_status status = inline_call(g, node, f, err);
        if (status != QUERN_OK) {
            qn_within(err, "node '%s'", QN_LABEL(node));
            return status;
        }
    }
    qn_graph_resolve(g);
    return QUERN_OK;
}

quern_status qn_inline_functions(quern_model *model, quern_error *err)
{
    if (model->n_functions == 0) return QUERN_OK;
    inliner in = {.model = model};
    for (int depth = 0; depth <= MAX_DEPTH; depth++) {
        in.n_inlined = 0;
        QN_TRY(inline_in(&in, model->graph, err));
        if (in.n_inlined == 0) return QUERN_OK;
    }
    return qn_fail(err, QUERN_INVALID, "functions call each other more than %d deep",
                   MAX_DEPTH);
}
