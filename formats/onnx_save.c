/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_save.c - a whole model as a ModelProto.  Values without a name (made by
 * passes) get one from their graph and place; captures take the name of the value
 * outside that they stand for. */
#include "formats/onnx.h"
#include "formats/onnx_fields.h"
#include "formats/onnx_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct named {
    const qn_value *v;
    const char *name; /* NULL: not used by anything that is written */
} named;

/* What goes on while one graph is written. */
typedef struct writer {
    qn_buf *to;
    qn_arena *arena; /* names */
    const qn_graph *graph;
    named *names;  /* of graph->values, sorted by address */
    int *n_graphs; /* written so far: part of made-up names */
} writer;

static int by_value(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const named *)a)->v,
              y = (uintptr_t)((const named *)b)->v;
    return (x > y) - (x < y);
}

static named *find(const writer *w, const qn_value *v)
{
    named key = {v, NULL};
    return w->graph->n_values ? bsearch(&key, w->names, (size_t)w->graph->n_values,
                                        sizeof key, by_value)
                              : NULL;
}

/* Name of a value in the graph being written; "" for an absent one. */
static const char *name_of(const writer *w, const qn_value *v)
{
    const named *n = v ? find(w, qn_resolve((qn_value *)(uintptr_t)v)) : NULL;
    return n && n->name ? n->name : "";
}

static quern_status list_values(writer *w, quern_error *err)
{
    const qn_graph *g = w->graph;
    void *list;
    char text[64];
    int graph = (*w->n_graphs)++;
    QN_TRY(qn_arena_array(w->arena, (size_t)g->n_values, sizeof *w->names, &list, err));
    w->names = list;
    for (int i = 0; i < g->n_values; i++) {
        const char *name = g->values[i]->name;
        if (!*name) {
            int n = snprintf(text, sizeof text, "quern.%d.%d", graph, i);
            QN_TRY(qn_arena_text(w->arena, text, (size_t)n, &name, err));
        }
        w->names[i] = (named){g->values[i], name};
    }
    if (g->n_values) qsort(w->names, (size_t)g->n_values, sizeof *w->names, by_value);
    return QUERN_OK;
}

/* ---- attributes ---- */

static quern_status put_graph(writer *outer, const qn_graph *g,
                              qn_value *const *captured, quern_error *err);

static void put_lists(qn_buf *to, const qn_attr_value *a)
{
    for (int64_t i = 0; i < a->floats.n; i++)
        qn_pb_put_float(to, ATTRIBUTE_FLOATS, a->floats.v[i]);
    for (int64_t i = 0; i < a->ints.n; i++)
        qn_pb_put_varint(to, ATTRIBUTE_INTS, (uint64_t)a->ints.v[i]);
    for (int64_t i = 0; i < a->strs.n; i++)
        qn_pb_put_bytes(to, ATTRIBUTE_STRINGS, a->strs.v[i].p, a->strs.v[i].n);
}

static void put_tensor_field(qn_buf *to, const qn_tensor *t)
{
    size_t begun = qn_pb_begin(to, ATTRIBUTE_T);
    qn_onnx_put_tensor(to, t, NULL);
    qn_pb_end(to, begun);
}

static void put_type_field(qn_buf *to, int64_t dtype)
{
    size_t type = qn_pb_begin(to, ATTRIBUTE_TP), tensor = qn_pb_begin(to, TYPE_TENSOR);
    qn_pb_put_varint(to, TYPE_ELEM_TYPE, (uint64_t)dtype);
    qn_pb_end(to, tensor);
    qn_pb_end(to, type);
}

/* captured: where the outer values of a subgraph stand among the node's inputs. */
static quern_status put_attribute(writer *w, const qn_attr_value *a,
                                  qn_value *const **captured, quern_error *err)
{
    qn_buf *to = w->to;
    /* sparse tensors were made dense */
    qn_attr_kind kind = a->kind == QN_ATTR_SPARSE ? QN_ATTR_TENSOR : a->kind;
    qn_pb_put_text(to, ATTRIBUTE_NAME, a->name);
    qn_pb_put_varint(to, ATTRIBUTE_TYPE, (uint64_t)kind);
    if (a->ref) {
        qn_pb_put_text(to, ATTRIBUTE_REF_ATTR_NAME, a->ref);
        return QUERN_OK;
    }
    if (kind == QN_ATTR_FLOAT) qn_pb_put_float(to, ATTRIBUTE_F, a->f);
    if (kind == QN_ATTR_INT) qn_pb_put_varint(to, ATTRIBUTE_I, (uint64_t)a->i);
    if (kind == QN_ATTR_STRING) qn_pb_put_bytes(to, ATTRIBUTE_S, a->s.p, a->s.n);
    if (kind == QN_ATTR_TENSOR) put_tensor_field(to, a->tensor);
    if (kind == QN_ATTR_TYPE) put_type_field(to, a->i);
    put_lists(to, a);
    if (kind != QN_ATTR_GRAPH) return QUERN_OK;
    size_t begun = qn_pb_begin(to, ATTRIBUTE_G);
    QN_TRY(put_graph(w, a->graph, *captured, err));
    qn_pb_end(to, begun);
    *captured += a->graph->n_captures;
    return QUERN_OK;
}

/* ---- nodes and graphs ---- */

static quern_status put_node(writer *w, const qn_node *node, quern_error *err)
{
    qn_buf *to = w->to;
    int n_in = node->n_in - node->n_captures;
    qn_value *const *captured = node->in + n_in;
    if (node->act.kind != QN_ACT_NONE)
        return qn_fail(err, QUERN_UNSUPPORTED, "node %s has a fused activation",
                       QN_LABEL(node));
    for (int i = 0; i < n_in; i++)
        qn_pb_put_text(to, NODE_INPUT, name_of(w, node->in[i]));
    for (int i = 0; i < node->n_out; i++)
        qn_pb_put_text(to, NODE_OUTPUT, name_of(w, node->out[i]));
    if (*node->name) qn_pb_put_text(to, NODE_NAME, node->name);
    qn_pb_put_text(to, NODE_OP_TYPE, node->op_type);
    if (*node->domain) qn_pb_put_text(to, NODE_DOMAIN, node->domain);
    if (*node->overload) qn_pb_put_text(to, NODE_OVERLOAD, node->overload);
    for (int i = 0; i < node->n_attrs; i++) {
        size_t begun = qn_pb_begin(to, NODE_ATTRIBUTE);
        QN_TRY(put_attribute(w, &node->attrs[i], &captured, err));
        qn_pb_end(to, begun);
    }
    return QUERN_OK;
}

static quern_status put_nodes(writer *w, uint32_t number, quern_error *err)
{
    for (const qn_node *node = w->graph->first; node; node = node->next) {
        size_t begun = qn_pb_begin(w->to, number);
        QN_TRY(put_node(w, node, err));
        qn_pb_end(w->to, begun);
    }
    return QUERN_OK;
}

static void put_info(const writer *w, uint32_t number, const qn_value *v,
                     const char *name)
{
    size_t begun = qn_pb_begin(w->to, number);
    qn_onnx_put_value_info(w->to, v, name);
    qn_pb_end(w->to, begun);
}

static void put_initializers(const writer *w)
{
    for (int i = 0; i < w->graph->n_values; i++) {
        const qn_value *v = w->graph->values[i];
        if (!v->constant || v->alias || v->is_capture) continue;
        size_t begun = qn_pb_begin(w->to, GRAPH_INITIALIZER);
        qn_onnx_put_tensor(w->to, v->constant, name_of(w, v));
        qn_pb_end(w->to, begun);
    }
}

/* A pass may have replaced an output by a value with another name. */
static void put_rename(const writer *w, const char *from, const char *to)
{
    if (!strcmp(from, to)) return;
    size_t begun = qn_pb_begin(w->to, GRAPH_NODE);
    qn_pb_put_text(w->to, NODE_INPUT, from);
    qn_pb_put_text(w->to, NODE_OUTPUT, to);
    qn_pb_put_text(w->to, NODE_OP_TYPE, "Identity");
    qn_pb_end(w->to, begun);
}

/* declared: what the file said of the outputs, or NULL. */
static quern_status put_graph_fields(writer *w, qn_value *const *declared,
                                     quern_error *err)
{
    const qn_graph *g = w->graph;
    QN_TRY(put_nodes(w, GRAPH_NODE, err));
    for (int i = 0; declared && i < g->n_outputs; i++)
        put_rename(w, name_of(w, g->outputs[i]), declared[i]->name);
    qn_pb_put_text(w->to, GRAPH_NAME, *g->name ? g->name : "graph");
    put_initializers(w);
    for (int i = 0; i < g->n_inputs; i++)
        put_info(w, GRAPH_INPUT, g->inputs[i], name_of(w, g->inputs[i]));
    for (int i = 0; i < g->n_outputs; i++) {
        const qn_value *v = declared ? declared[i] : g->outputs[i];
        put_info(w, GRAPH_OUTPUT, v, declared ? v->name : name_of(w, v));
    }
    return QUERN_OK;
}

static quern_status put_graph(writer *outer, const qn_graph *g,
                              qn_value *const *captured, quern_error *err)
{
    writer w = {outer->to, outer->arena, g, NULL, outer->n_graphs};
    QN_TRY(list_values(&w, err));
    for (int i = 0; captured && i < g->n_captures; i++) {
        named *n = find(&w, g->captures[i]);
        if (n) n->name = name_of(outer, captured[i]);
    }
    return put_graph_fields(&w, NULL, err);
}

/* ---- models ---- */

/* Each domain with the opset of its first node. */
static void put_function_opsets(const writer *w)
{
    for (const qn_node *node = w->graph->first; node; node = node->next) {
        const qn_node *seen = w->graph->first;
        while (seen != node && strcmp(seen->domain, node->domain))
            seen = seen->next;
        if (seen != node) continue;
        size_t begun = qn_pb_begin(w->to, FUNCTION_OPSET_IMPORT);
        qn_onnx_put_opset(w->to, node->domain, node->opset);
        qn_pb_end(w->to, begun);
    }
}

static quern_status put_function(const writer *model, const qn_function *f,
                                 quern_error *err)
{
    writer w = {model->to, model->arena, f->body, NULL, model->n_graphs};
    qn_value *const *captured = NULL;
    QN_TRY(list_values(&w, err));
    qn_pb_put_text(w.to, FUNCTION_NAME, f->name);
    for (int i = 0; i < f->body->n_inputs; i++)
        qn_pb_put_text(w.to, FUNCTION_INPUT, name_of(&w, f->body->inputs[i]));
    for (int i = 0; i < f->body->n_outputs; i++)
        qn_pb_put_text(w.to, FUNCTION_OUTPUT, name_of(&w, f->body->outputs[i]));
    QN_TRY(put_nodes(&w, FUNCTION_NODE, err));
    put_function_opsets(&w);
    qn_pb_put_text(w.to, FUNCTION_DOMAIN, f->domain);
    for (int i = 0; i < f->n_defaults; i++) {
        size_t begun = qn_pb_begin(w.to, FUNCTION_ATTRIBUTE_PROTO);
        QN_TRY(put_attribute(&w, &f->defaults[i], &captured, err));
        qn_pb_end(w.to, begun);
    }
    if (*f->overload) qn_pb_put_text(w.to, FUNCTION_OVERLOAD, f->overload);
    return QUERN_OK;
}

static bool is_lowered(const qn_graph *g)
{
    for (const qn_node *node = g->first; node; node = node->next)
        if (node->opset == QN_OPSET_NEWEST) return true;
    return false;
}

/* Nodes in the newest form need the opset that has it. */
static int64_t opset_to_write(const quern_model *model, const qn_opset *opset)
{
    int n;
    int64_t newest = opset->version;
    const qn_op *const *ops = qn_ops(&n);
    if (!is_lowered(model->graph)) return newest;
    for (int i = 0; i < n; i++)
        if (!strcmp(ops[i]->domain ? ops[i]->domain : "", opset->domain) &&
            ops[i]->since > newest)
            newest = ops[i]->since;
    return newest;
}

/* A raw model keeps its version; forms that quern made need the first that has every
 * field that is written. */
static int64_t ir_to_write(const quern_model *model)
{
    enum { WRITTEN_IR = 10 };
    const bool is_raw = !model->outputs;
    return is_raw || model->ir_version > WRITTEN_IR ? model->ir_version : WRITTEN_IR;
}

/* Protobuf readers end at 2^31 - 1 bytes, so tensors of more need not be tried. */
static quern_status check_size(size_t bytes, quern_error *err)
{
    if (bytes <= INT32_MAX) return QUERN_OK;
    return qn_fail(err, QUERN_LIMIT,
                   "the model takes %zu bytes, an ONNX file holds at most %d", bytes,
                   INT32_MAX);
}

static quern_status check_weights(const qn_graph *g, quern_error *err)
{
    size_t bytes = 0;
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i]->constant && g->values[i]->constant->kind == QN_TENSOR &&
            !qn_size_add(bytes, qn_tensor_bytes(g->values[i]->constant), &bytes))
            bytes = SIZE_MAX;
    return check_size(bytes, err);
}

static quern_status put_model(writer *w, const quern_model *model, quern_error *err)
{
    qn_buf *to = w->to;
    QN_TRY(check_weights(model->graph, err));
    qn_pb_put_varint(to, MODEL_IR_VERSION, (uint64_t)ir_to_write(model));
    qn_pb_put_text(to, MODEL_PRODUCER_NAME, "quern");
    qn_pb_put_text(to, MODEL_PRODUCER_VERSION, QUERN_VERSION);
    QN_TRY(list_values(w, err));
    size_t begun = qn_pb_begin(to, MODEL_GRAPH);
    QN_TRY(put_graph_fields(w, model->outputs, err));
    qn_pb_end(to, begun);
    for (int i = 0; i < model->n_opsets; i++) {
        const qn_opset *o = &model->opsets[i];
        begun = qn_pb_begin(to, MODEL_OPSET_IMPORT);
        qn_onnx_put_opset(to, o->domain, opset_to_write(model, o));
        qn_pb_end(to, begun);
    }
    for (int i = 0; i < model->n_metadata; i++) {
        begun = qn_pb_begin(to, MODEL_METADATA_PROPS);
        qn_onnx_put_pair(to, model->metadata[i].key, model->metadata[i].value);
        qn_pb_end(to, begun);
    }
    for (int i = 0; i < model->n_functions; i++) {
        begun = qn_pb_begin(to, MODEL_FUNCTIONS);
        QN_TRY(put_function(w, &model->functions[i], err));
        qn_pb_end(to, begun);
    }
    QN_TRY(qn_buf_status(to, err));
    return check_size(to->n, err);
}

quern_status qn_onnx_write(qn_buf *to, const quern_model *model, quern_error *err)
{
    qn_arena names;
    int n_graphs = 0;
    writer w = {to, &names, model->graph, NULL, &n_graphs};
    qn_arena_init(&names, to->mem);
    quern_status status = put_model(&w, model, err);
    qn_arena_done(&names);
    return status;
}

quern_status qn_onnx_save(const quern_model *model, const char *path, quern_error *err)
{
    qn_mem mem;
    qn_buf bytes;
    qn_mem_init(&mem, &model->mem.allocator, 0);
    qn_buf_init(&bytes, &mem);
    quern_status status = qn_onnx_write(&bytes, model, err);
    if (status == QUERN_OK) status = qn_file_replace(path, bytes.p, bytes.n, err);
    qn_buf_done(&bytes);
    return status;
}
