/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_node.c - NodeProto.  Values captured by subgraphs become trailing
 * inputs. */
#include "formats/onnx_node.h"
#include "formats/onnx_attr.h"
#include "formats/onnx_fields.h"
#include "formats/onnx_type.h"

#include <limits.h>
#include <string.h>

typedef struct parts {
    qn_span message, name, op_type, domain, overload;
    size_t n_in, n_out, n_attrs;
} parts;

static quern_status add_field(parts *p, const qn_pb_field *f, quern_error *err)
{
    switch (f->number) {
    case NODE_INPUT:
        p->n_in++;
        return qn_pb_expect(f, QN_WIRE_BYTES, "input", err);
    case NODE_OUTPUT:
        p->n_out++;
        return qn_pb_expect(f, QN_WIRE_BYTES, "output", err);
    case NODE_ATTRIBUTE:
        p->n_attrs++;
        return qn_pb_expect(f, QN_WIRE_BYTES, "attribute", err);
    case NODE_NAME:
        return qn_onnx_text(f, "node name", &p->name, err);
    case NODE_OP_TYPE:
        return qn_onnx_text(f, "op_type", &p->op_type, err);
    case NODE_DOMAIN:
        return qn_onnx_text(f, "domain", &p->domain, err);
    case NODE_OVERLOAD:
        return qn_onnx_text(f, "overload", &p->overload, err);
    }
    return QUERN_OK;
}

static quern_status take_apart(qn_span message, parts *p, quern_error *err)
{
    memset(p, 0, sizeof *p);
    p->message = message;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        QN_TRY(add_field(p, &f, err));
    }
    if (!p->op_type.n) return qn_fail(err, QUERN_FORMAT, "it has no op_type");
    if (p->n_in > INT_MAX / 4 || p->n_out > INT_MAX / 4 || p->n_attrs > INT_MAX / 4)
        return qn_fail(err, QUERN_LIMIT, "it has %zu inputs and %zu outputs", p->n_in,
                       p->n_out);
    if (qn_span_equal(&p->domain, "ai.onnx")) p->domain.n = 0;
    return QUERN_OK;
}

/* Puts "node 'conv1' (Conv): " before the sentence; without a name, its place in the
 * graph. */
static quern_status within(const qn_onnx_graph *x, const parts *p, quern_status status,
                           quern_error *err)
{
    enum { MOST = 200 };
    int n = (int)(p->name.n < MOST ? p->name.n : MOST);
    int m = (int)(p->op_type.n < MOST ? p->op_type.n : MOST);
    const char *op = m ? (const char *)p->op_type.p : "";
    if (status == QUERN_OK) return status;
    if (n)
        qn_within(err, "node '%.*s' (%.*s)", n, (const char *)p->name.p, m, op);
    else
        qn_within(err, "node #%d (%.*s)", x->n_nodes, m, op);
    return status;
}

static quern_status define_outputs(qn_onnx_graph *x, const parts *p, quern_error *err)
{
    qn_span message = p->message, name;
    for (;;) {
        qn_pb_field f;
        qn_value *v;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number != NODE_OUTPUT || !f.bytes.n) continue;
        QN_TRY(qn_onnx_text(&f, "output name", &name, err));
        if (qn_scope_own(&x->scope, &name))
            return qn_fail(err, QUERN_INVALID, "output '%.*s' is defined already",
                           (int)(name.n < 200 ? name.n : 200), (const char *)name.p);
        QN_TRY(qn_scope_define(&x->scope, &name, &v, err));
    }
}

quern_status qn_onnx_define_outputs(qn_onnx_graph *x, qn_span message, quern_error *err)
{
    parts p;
    quern_status status = take_apart(message, &p, err);
    if (status == QUERN_OK) status = define_outputs(x, &p, err);
    status = within(x, &p, status, err);
    x->n_nodes++;
    return status;
}

/* ---- the node itself ---- */

static quern_status read_attributes(qn_onnx_graph *x, const parts *p,
                                    qn_attr_value *attrs, qn_onnx_captures *captures,
                                    quern_error *err)
{
    qn_span message = p->message;
    for (size_t n = 0; n < p->n_attrs;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number != NODE_ATTRIBUTE) continue;
        QN_TRY(qn_onnx_attribute(x, f.bytes, &attrs[n], captures, err));
        n++;
    }
    return QUERN_OK;
}

static quern_status check_attributes(const qn_attr_value *attrs, size_t n,
                                     quern_error *err)
{
    enum { MOST = 256 }; /* compared pair by pair */
    if (n > MOST)
        return qn_fail(err, QUERN_LIMIT, "it has %zu attributes, at most %d", n, MOST);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(attrs[i].name, attrs[k].name))
                return qn_fail(err, QUERN_INVALID, "attribute '%s' is given twice",
                               attrs[i].name);
    return QUERN_OK;
}

/* The two lists of names. */
static quern_status link_names(qn_onnx_graph *x, const parts *p, qn_node *node,
                               quern_error *err)
{
    qn_span message = p->message, name;
    int i = 0, o = 0;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number == NODE_OUTPUT) {
            node->out[o++] = f.bytes.n ? qn_scope_own(&x->scope, &f.bytes) : NULL;
        } else if (f.number == NODE_INPUT) {
            qn_value **v = &node->in[i++];
            if (!f.bytes.n) continue; /* absent */
            QN_TRY(qn_onnx_text(&f, "input name", &name, err));
            QN_TRY(qn_scope_find(&x->scope, &name, v, err));
            if (!*v)
                return qn_fail(err, QUERN_INVALID,
                               "input '%.*s' is made by no node, input or initializer",
                               (int)(name.n < 200 ? name.n : 200),
                               (const char *)name.p);
        }
    }
}

static int64_t opset_of(const qn_onnx_reader *r, const char *domain)
{
    for (int i = 0; i < r->n_opsets; i++)
        if (!strcmp(r->opsets[i].domain, domain)) return r->opsets[i].version;
    return 0;
}

static quern_status read_node(qn_onnx_graph *x, const parts *p, quern_error *err)
{
    qn_arena *arena = x->graph->arena;
    qn_onnx_captures captures = {0};
    qn_node *node;
    void *attrs;
    const qn_span *from[] = {&p->name, &p->op_type, &p->domain, &p->overload};
    const char *text[4];
    for (int i = 0; i < 4; i++)
        QN_TRY(
            qn_arena_text(arena, (const char *)from[i]->p, from[i]->n, &text[i], err));
    QN_TRY(qn_arena_array(arena, p->n_attrs, sizeof(qn_attr_value), &attrs, err));
    x->is_constant_node = !strcmp(text[1], "Constant") && !*text[2];
    QN_TRY(read_attributes(x, p, attrs, &captures, err));
    QN_TRY(check_attributes(attrs, p->n_attrs, err));
    QN_TRY(qn_graph_new_node(x->graph, text[1], text[2], opset_of(x->r, text[2]),
                             (int)p->n_in + captures.n, (int)p->n_out, &node, err));
    node->name = text[0];
    node->overload = text[3];
    node->attrs = attrs;
    node->n_attrs = (int)p->n_attrs;
    node->n_captures = captures.n;
    QN_TRY(link_names(x, p, node, err));
    if (captures.n)
        memcpy(node->in + p->n_in, captures.v, (size_t)captures.n * sizeof *captures.v);
    qn_graph_insert(x->graph, node, NULL);
    return QUERN_OK;
}

quern_status qn_onnx_node(qn_onnx_graph *x, qn_span message, quern_error *err)
{
    parts p;
    quern_status status = take_apart(message, &p, err);
    if (status == QUERN_OK) status = read_node(x, &p, err);
    status = within(x, &p, status, err);
    x->n_nodes++;
    return status;
}
