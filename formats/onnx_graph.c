/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_graph.c - GraphProto and FunctionProto: a table of walks over the
 * message, each handing one kind of field to its reader. */
#include "formats/onnx_graph.h"
#include "formats/onnx_attr.h"
#include "formats/onnx_fields.h"
#include "formats/onnx_node.h"
#include "formats/onnx_type.h"

#include <limits.h>
#include <string.h>

typedef quern_status walk_fn(qn_onnx_graph *x, qn_span message, quern_error *err);

typedef struct walk {
    uint32_t number;
    const char *what;
    walk_fn *read;
} walk;

static quern_status run_walk(qn_onnx_graph *x, qn_span message, const walk *w,
                             quern_error *err)
{
    x->n_nodes = 0;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number != w->number) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, w->what, err));
        QN_TRY(w->read(x, f.bytes, err));
    }
}

/* Fields of the message with that number. */
static quern_status count_fields(qn_span message, uint32_t number, size_t *out,
                                 quern_error *err)
{
    *out = 0;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        *out += f.number == number;
    }
    if (*out > INT_MAX / 4)
        return qn_fail(err, QUERN_LIMIT, "%zu entries are more than %d", *out,
                       INT_MAX / 4);
    return QUERN_OK;
}

static quern_status named(const qn_span *name, quern_status status, const char *what,
                          quern_error *err)
{
    if (status != QUERN_OK)
        qn_within(err, "%s '%.*s'", what, (int)(name->n < 200 ? name->n : 200),
                  name->n ? (const char *)name->p : "");
    return status;
}

/* ---- what a graph declares ---- */

static quern_status add_input(qn_onnx_graph *x, const qn_span *name, qn_value **out,
                              quern_error *err)
{
    if (!name->n) return qn_fail(err, QUERN_INVALID, "it has no name");
    if (qn_scope_own(&x->scope, name))
        return qn_fail(err, QUERN_INVALID, "it is given twice");
    QN_TRY(qn_scope_define(&x->scope, name, out, err));
    (*out)->is_input = true;
    x->graph->inputs[x->graph->n_inputs++] = *out;
    return QUERN_OK;
}

static quern_status read_input(qn_onnx_graph *x, qn_span message, quern_error *err)
{
    qn_onnx_type type;
    qn_span name;
    qn_value *v = NULL;
    QN_TRY(qn_onnx_value_info(x->graph->arena, message, &name, &type, err));
    QN_TRY(named(&name, add_input(x, &name, &v, err), "input", err));
    qn_onnx_type_apply(&type, v);
    return QUERN_OK;
}

/* An initializer that is an input, too, is its default value: the value stays an input,
 * keeps what the input declares and has a constant. */
static quern_status add_initializer(qn_onnx_graph *x, const qn_span *name,
                                    const qn_tensor *t, quern_error *err)
{
    void *copy;
    if (!name->n) return qn_fail(err, QUERN_INVALID, "it has no name");
    if (!qn_span_is_utf8(name))
        return qn_fail(err, QUERN_FORMAT, "its name is not valid UTF-8");
    qn_value *v = qn_scope_own(&x->scope, name);
    if (v && v->constant) return qn_fail(err, QUERN_INVALID, "it is given twice");
    if (v && v->dtype != QUERN_UNDEFINED && v->dtype != t->dtype)
        return qn_fail(err, QUERN_INVALID, "it is %s but the input of that name is %s",
                       quern_dtype_name(t->dtype), quern_dtype_name(v->dtype));
    if (!v) QN_TRY(qn_scope_define(&x->scope, name, &v, err));
    QN_TRY(qn_arena_alloc(x->graph->arena, sizeof *t, &copy, err));
    v->constant = copy;
    *v->constant = *t;
    v->dtype = t->dtype;
    if (v->is_input && v->rank >= 0) return QUERN_OK;
    v->kind = t->kind;
    v->rank = t->rank;
    memcpy(v->dim, t->dim, sizeof v->dim);
    return QUERN_OK;
}

static quern_status read_initializer(qn_onnx_graph *x, qn_span message,
                                     quern_error *err)
{
    qn_tensor t;
    qn_span name = {0};
    quern_status status = qn_onnx_tensor(&x->r->sink, message, &t, &name, err);
    if (status == QUERN_OK) status = add_initializer(x, &name, &t, err);
    return named(&name, status, "initializer", err);
}

static quern_status read_sparse_initializer(qn_onnx_graph *x, qn_span message,
                                            quern_error *err)
{
    qn_tensor t;
    qn_span name = {0};
    quern_status status = qn_onnx_sparse(&x->r->sink, message, &t, &name, err);
    if (status == QUERN_OK) status = add_initializer(x, &name, &t, err);
    return named(&name, status, "sparse initializer", err);
}

/* Types of values made inside are hints; those of inputs and constants stand already.
 */
static quern_status read_value_info(qn_onnx_graph *x, qn_span message, quern_error *err)
{
    qn_onnx_type type;
    qn_span name;
    QN_TRY(qn_onnx_value_info(x->graph->arena, message, &name, &type, err));
    qn_value *v = qn_scope_own(&x->scope, &name);
    if (v && !v->is_input && !v->constant) qn_onnx_type_apply(&type, v);
    return QUERN_OK;
}

static quern_status add_output(qn_onnx_graph *x, const qn_span *name, quern_error *err)
{
    qn_value *v;
    QN_TRY(qn_scope_find(&x->scope, name, &v, err));
    if (!v)
        return qn_fail(err, QUERN_INVALID,
                       "it is made by no node, input or initializer");
    x->graph->outputs[x->graph->n_outputs++] = v;
    return QUERN_OK;
}

static quern_status read_output(qn_onnx_graph *x, qn_span message, quern_error *err)
{
    qn_onnx_type type;
    qn_span name;
    QN_TRY(qn_onnx_value_info(x->graph->arena, message, &name, &type, err));
    return named(&name, add_output(x, &name, err), "output", err);
}

/* ---- graphs ---- */

static const walk graph_walks[] = {
    {GRAPH_INPUT, "input", read_input},
    {GRAPH_INITIALIZER, "initializer", read_initializer},
    {GRAPH_SPARSE_INITIALIZER, "sparse_initializer", read_sparse_initializer},
    {GRAPH_NODE, "node", qn_onnx_define_outputs},
    {GRAPH_VALUE_INFO, "value_info", read_value_info},
    {GRAPH_OUTPUT, "output", read_value_info},
    {GRAPH_NODE, "node", qn_onnx_node},
    {GRAPH_OUTPUT, "output", read_output},
};

static quern_status run_walks(qn_onnx_graph *x, qn_span message, const walk *walks,
                              size_t n, quern_error *err)
{
    for (size_t i = 0; i < n; i++)
        QN_TRY(run_walk(x, message, &walks[i], err));
    return QUERN_OK;
}

/* Room for the inputs and outputs, which are fields with these numbers. */
static quern_status make_room(qn_graph *g, qn_span message, uint32_t input,
                              uint32_t output, quern_error *err)
{
    size_t n_in, n_out;
    void *in, *out;
    QN_TRY(count_fields(message, input, &n_in, err));
    QN_TRY(count_fields(message, output, &n_out, err));
    QN_TRY(qn_arena_array(g->arena, n_in, sizeof *g->inputs, &in, err));
    QN_TRY(qn_arena_array(g->arena, n_out, sizeof *g->outputs, &out, err));
    g->inputs = in;
    g->outputs = out;
    return QUERN_OK;
}

static quern_status read_name(qn_graph *g, qn_span message, quern_error *err)
{
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number == GRAPH_NAME)
            QN_TRY(qn_onnx_name(g->arena, &f, "graph name", &g->name, err));
    }
}

static quern_status read_graph(qn_onnx_graph *x, qn_span message, quern_error *err)
{
    QN_TRY(read_name(x->graph, message, err));
    QN_TRY(make_room(x->graph, message, GRAPH_INPUT, GRAPH_OUTPUT, err));
    return run_walks(x, message, graph_walks, sizeof graph_walks / sizeof *graph_walks,
                     err);
}

quern_status qn_onnx_main_graph(qn_onnx_reader *r, qn_span message, quern_error *err)
{
    qn_onnx_graph x = {.r = r, .graph = r->model->graph};
    qn_scope_init(&x.scope, NULL, x.graph, &r->model->mem);
    quern_status status = read_graph(&x, message, err);
    qn_scope_done(&x.scope);
    return status;
}

quern_status qn_onnx_subgraph(qn_onnx_graph *outer, qn_span message, qn_graph **out,
                              qn_value ***captured, quern_error *err)
{
    qn_onnx_graph x = {.r = outer->r, .depth = outer->depth + 1};
    if (x.depth > QN_ONNX_MAX_DEPTH)
        return qn_fail(err, QUERN_LIMIT, "graphs are nested deeper than %d",
                       QN_ONNX_MAX_DEPTH);
    QN_TRY(qn_graph_create(outer->graph->arena, outer->graph, &x.graph, err));
    qn_scope_init(&x.scope, &outer->scope, x.graph, outer->scope.mem);
    quern_status status = read_graph(&x, message, err);
    qn_scope_done(&x.scope);
    *out = x.graph;
    *captured = x.scope.captured;
    return status;
}

/* ---- functions ---- */

static quern_status read_function_input(qn_onnx_graph *x, qn_span name,
                                        quern_error *err)
{
    qn_value *v = NULL;
    if (!qn_span_is_utf8(&name))
        return qn_fail(err, QUERN_FORMAT, "name of an input is not valid UTF-8");
    return named(&name, add_input(x, &name, &v, err), "input", err);
}

static quern_status read_function_output(qn_onnx_graph *x, qn_span name,
                                         quern_error *err)
{
    return named(&name, add_output(x, &name, err), "output", err);
}

static const walk function_walks[] = {
    {FUNCTION_INPUT, "input", read_function_input},
    {FUNCTION_NODE, "node", qn_onnx_define_outputs},
    {FUNCTION_VALUE_INFO, "value_info", read_value_info},
    {FUNCTION_NODE, "node", qn_onnx_node},
    {FUNCTION_OUTPUT, "output", read_function_output},
};

quern_status qn_onnx_opset(qn_arena *arena, qn_span message, qn_opset *out,
                           quern_error *err)
{
    *out = (qn_opset){.domain = ""};
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        if (f.number == OPSET_DOMAIN) {
            QN_TRY(qn_onnx_name(arena, &f, "domain", &out->domain, err));
        } else if (f.number == OPSET_VERSION) {
            QN_TRY(qn_pb_expect(&f, QN_WIRE_VARINT, "version", err));
            out->version = (int64_t)f.u;
        }
    }
    if (!strcmp(out->domain, "ai.onnx")) out->domain = "";
    if (out->version < 1)
        return qn_fail(err, QUERN_FORMAT, "opset of domain '%s' is %lld", out->domain,
                       (long long)out->version);
    return QUERN_OK;
}

/* Names, opsets and counts of a FunctionProto. */
static quern_status read_heading(qn_onnx_reader *r, qn_span message, qn_function *out,
                                 qn_opset *opsets, quern_error *err)
{
    qn_arena *arena = r->sink.arena;
    *out = (qn_function){.domain = "", .name = "", .overload = ""};
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        if (f.number == FUNCTION_NAME)
            QN_TRY(qn_onnx_name(arena, &f, "function name", &out->name, err));
        else if (f.number == FUNCTION_DOMAIN)
            QN_TRY(qn_onnx_name(arena, &f, "domain", &out->domain, err));
        else if (f.number == FUNCTION_OVERLOAD)
            QN_TRY(qn_onnx_name(arena, &f, "overload", &out->overload, err));
        else if (f.number == FUNCTION_ATTRIBUTE_PROTO)
            out->n_defaults++;
        if (f.number != FUNCTION_OPSET_IMPORT) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "opset_import", err));
        QN_TRY(qn_onnx_opset(arena, f.bytes, &opsets[r->n_opsets++], err));
    }
    if (!strcmp(out->domain, "ai.onnx")) out->domain = "";
    if (!*out->name) return qn_fail(err, QUERN_FORMAT, "it has no name");
    return QUERN_OK;
}

static quern_status read_defaults(qn_onnx_graph *x, qn_span message, qn_function *out,
                                  quern_error *err)
{
    void *list;
    QN_TRY(qn_arena_array(x->graph->arena, (size_t)out->n_defaults,
                          sizeof *out->defaults, &list, err));
    out->defaults = list;
    for (int n = 0; n < out->n_defaults;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number != FUNCTION_ATTRIBUTE_PROTO) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "attribute_proto", err));
        QN_TRY(qn_onnx_attribute(x, f.bytes, &out->defaults[n++], NULL, err));
    }
    return QUERN_OK;
}

static quern_status read_body(qn_onnx_reader *r, qn_span message, qn_function *out,
                              quern_error *err)
{
    qn_onnx_graph x = {.r = r};
    QN_TRY(qn_graph_create(r->sink.arena, NULL, &x.graph, err));
    out->body = x.graph;
    x.graph->name = out->name;
    QN_TRY(make_room(x.graph, message, FUNCTION_INPUT, FUNCTION_OUTPUT, err));
    qn_scope_init(&x.scope, NULL, x.graph, &r->model->mem);
    quern_status status = read_defaults(&x, message, out, err);
    if (status == QUERN_OK)
        status = run_walks(&x, message, function_walks,
                           sizeof function_walks / sizeof *function_walks, err);
    qn_scope_done(&x.scope);
    return status;
}

quern_status qn_onnx_function(qn_onnx_reader *r, qn_span message, qn_function *out,
                              quern_error *err)
{
    qn_onnx_reader inner = *r;
    size_t n;
    void *opsets;
    QN_TRY(count_fields(message, FUNCTION_OPSET_IMPORT, &n, err));
    QN_TRY(qn_arena_array(r->sink.arena, n, sizeof(qn_opset), &opsets, err));
    inner.in_function = true;
    inner.opsets = opsets;
    inner.n_opsets = 0;
    quern_status status = read_heading(&inner, message, out, opsets, err);
    if (inner.n_opsets == 0) { /* the model's then */
        inner.opsets = r->opsets;
        inner.n_opsets = r->n_opsets;
    }
    if (status == QUERN_OK) status = read_body(&inner, message, out, err);
    if (status != QUERN_OK) qn_within(err, "function '%s'", out->name);
    return status;
}
