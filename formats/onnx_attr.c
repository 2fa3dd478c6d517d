/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_attr.c - AttributeProto.  Old writers leave the type out: then the first
 * field that is there tells it. */
#include "formats/onnx_attr.h"
#include "formats/onnx_fields.h"
#include "formats/onnx_type.h"

#include <string.h>

/* An AttributeProto taken apart; lists are only counted. */
typedef struct parts {
    qn_span message, name, ref, s, t, g, sparse, type;
    int n_t, n_g, n_sparse, n_type; /* pieces of each message */
    uint64_t kind;
    qn_attr_kind seen; /* what the first value field says */
    int64_t i;
    float f;
    size_t n_floats, n_ints, n_strings;
} parts;

static quern_status join(qn_arena *arena, qn_span *have, int *pieces,
                         const qn_pb_field *f, quern_error *err)
{
    QN_TRY(qn_pb_expect(f, QN_WIRE_BYTES, "value", err));
    return qn_pb_join(arena, have, pieces, &f->bytes, err);
}

static quern_status count_numbers(const qn_pb_field *f, qn_wire element,
                                  const char *what, size_t *n, quern_error *err)
{
    qn_pb_run run;
    QN_TRY(qn_pb_numbers(f, element, what, &run, err));
    *n += qn_pb_count(&run);
    return QUERN_OK;
}

/* The kind that a value field stands for. */
static qn_attr_kind kind_of_field(uint32_t number)
{
    static const struct {
        uint8_t number, kind;
    } map[] = {
        {ATTRIBUTE_F, QN_ATTR_FLOAT},
        {ATTRIBUTE_I, QN_ATTR_INT},
        {ATTRIBUTE_S, QN_ATTR_STRING},
        {ATTRIBUTE_T, QN_ATTR_TENSOR},
        {ATTRIBUTE_G, QN_ATTR_GRAPH},
        {ATTRIBUTE_FLOATS, QN_ATTR_FLOATS},
        {ATTRIBUTE_INTS, QN_ATTR_INTS},
        {ATTRIBUTE_STRINGS, QN_ATTR_STRINGS},
        {ATTRIBUTE_TENSORS, QN_ATTR_TENSORS},
        {ATTRIBUTE_GRAPHS, QN_ATTR_GRAPHS},
        {ATTRIBUTE_SPARSE_TENSOR, QN_ATTR_SPARSE},
        {ATTRIBUTE_TP, QN_ATTR_TYPE},
    };
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (map[i].number == number) return (qn_attr_kind)map[i].kind;
    return QN_ATTR_NONE;
}

static quern_status add_value(qn_arena *arena, parts *p, const qn_pb_field *f,
                              quern_error *err)
{
    uint32_t bits = (uint32_t)f->u;
    switch (f->number) {
    case ATTRIBUTE_F:
        memcpy(&p->f, &bits, sizeof p->f);
        return qn_pb_expect(f, QN_WIRE_I32, "f", err);
    case ATTRIBUTE_I:
        p->i = (int64_t)f->u;
        return qn_pb_expect(f, QN_WIRE_VARINT, "i", err);
    case ATTRIBUTE_S:
        p->s = f->bytes;
        return qn_pb_expect(f, QN_WIRE_BYTES, "s", err);
    case ATTRIBUTE_T:
        return join(arena, &p->t, &p->n_t, f, err);
    case ATTRIBUTE_G:
        return join(arena, &p->g, &p->n_g, f, err);
    case ATTRIBUTE_SPARSE_TENSOR:
        return join(arena, &p->sparse, &p->n_sparse, f, err);
    case ATTRIBUTE_TP:
        return join(arena, &p->type, &p->n_type, f, err);
    case ATTRIBUTE_FLOATS:
        return count_numbers(f, QN_WIRE_I32, "floats", &p->n_floats, err);
    case ATTRIBUTE_INTS:
        return count_numbers(f, QN_WIRE_VARINT, "ints", &p->n_ints, err);
    case ATTRIBUTE_STRINGS:
        p->n_strings++;
        return qn_pb_expect(f, QN_WIRE_BYTES, "strings", err);
    }
    return QUERN_OK;
}

static quern_status take_apart(qn_arena *arena, qn_span message, parts *p,
                               quern_error *err)
{
    memset(p, 0, sizeof *p);
    p->message = message;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number == ATTRIBUTE_NAME) {
            QN_TRY(qn_onnx_text(&f, "attribute name", &p->name, err));
        } else if (f.number == ATTRIBUTE_REF_ATTR_NAME) {
            QN_TRY(qn_onnx_text(&f, "ref_attr_name", &p->ref, err));
        } else if (f.number == ATTRIBUTE_TYPE) {
            QN_TRY(qn_pb_expect(&f, QN_WIRE_VARINT, "type", err));
            p->kind = f.u;
        } else {
            qn_attr_kind kind = kind_of_field(f.number);
            if (p->seen == QN_ATTR_NONE) p->seen = kind;
            QN_TRY(add_value(arena, p, &f, err));
        }
    }
}

/* ---- values ---- */

static quern_status read_floats(qn_arena *arena, const parts *p, qn_floats *out,
                                quern_error *err)
{
    void *list;
    size_t n = 0;
    qn_span message = p->message;
    QN_TRY(qn_arena_array(arena, p->n_floats, sizeof(float), &list, err));
    *out = (qn_floats){(int64_t)p->n_floats, list};
    while (n < p->n_floats) {
        qn_pb_field f;
        qn_pb_run run;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number != ATTRIBUTE_FLOATS) continue;
        QN_TRY(qn_pb_numbers(&f, QN_WIRE_I32, "floats", &run, err));
        for (bool more = true; more;) {
            uint64_t v = 0;
            QN_TRY(qn_pb_take(&run, &v, &more, err));
            if (more) memcpy((float *)list + n++, &v, sizeof(float));
        }
    }
    return QUERN_OK;
}

static quern_status read_ints(qn_arena *arena, const parts *p, qn_ints *out,
                              quern_error *err)
{
    void *list;
    size_t n = 0;
    qn_span message = p->message;
    QN_TRY(qn_arena_array(arena, p->n_ints, sizeof(int64_t), &list, err));
    *out = (qn_ints){(int64_t)p->n_ints, list};
    while (n < p->n_ints) {
        qn_pb_field f;
        qn_pb_run run;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number != ATTRIBUTE_INTS) continue;
        QN_TRY(qn_pb_numbers(&f, QN_WIRE_VARINT, "ints", &run, err));
        for (bool more = true; more;) {
            uint64_t v = 0;
            QN_TRY(qn_pb_take(&run, &v, &more, err));
            if (more) memcpy((int64_t *)list + n++, &v, sizeof v);
        }
    }
    return QUERN_OK;
}

static quern_status copy_text(qn_arena *arena, const qn_span *from, qn_str *to,
                              quern_error *err)
{
    to->n = from->n;
    return qn_arena_text(arena, (const char *)from->p, from->n, &to->p, err);
}

static quern_status read_strings(qn_arena *arena, const parts *p, qn_strs *out,
                                 quern_error *err)
{
    void *list;
    size_t n = 0;
    qn_span message = p->message;
    QN_TRY(qn_arena_array(arena, p->n_strings, sizeof(qn_str), &list, err));
    *out = (qn_strs){(int64_t)p->n_strings, list};
    while (n < p->n_strings) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == ATTRIBUTE_STRINGS)
            QN_TRY(copy_text(arena, &f.bytes, (qn_str *)list + n++, err));
    }
    return QUERN_OK;
}

static quern_status read_tensor(const qn_onnx_graph *x, const parts *p,
                                qn_attr_value *out, quern_error *err)
{
    qn_onnx_sink kept = x->r->sink, *sink = &kept;
    if (!x->is_constant_node) kept.place = QN_ONNX_ALIGNED; /* read by the operator */
    bool sparse = out->kind == QN_ATTR_SPARSE;
    void *t;
    if (!(sparse ? p->n_sparse : p->n_t))
        return qn_fail(err, QUERN_FORMAT, "it has no tensor");
    QN_TRY(qn_arena_alloc(sink->arena, sizeof(qn_tensor), &t, err));
    out->tensor = t;
    if (sparse) return qn_onnx_sparse(sink, p->sparse, t, NULL, err);
    return qn_onnx_tensor(sink, p->t, t, NULL, err);
}

static quern_status append(qn_arena *arena, qn_onnx_captures *list, qn_value *const *v,
                           int n, quern_error *err)
{
    if (list->n + n > list->cap) {
        int cap = list->n + n > 2 * list->cap ? list->n + n : 2 * list->cap;
        void *p;
        QN_TRY(qn_arena_array(arena, (size_t)cap, sizeof *v, &p, err));
        if (list->n) memcpy(p, list->v, (size_t)list->n * sizeof *v);
        list->v = p;
        list->cap = cap;
    }
    if (n) memcpy(list->v + list->n, v, (size_t)n * sizeof *v);
    list->n += n;
    return QUERN_OK;
}

static quern_status read_graph(qn_onnx_graph *x, const parts *p, qn_attr_value *out,
                               qn_onnx_captures *captures, quern_error *err)
{
    qn_value **captured;
    if (!p->n_g) return qn_fail(err, QUERN_FORMAT, "it has no graph");
    if (!captures)
        return qn_fail(err, QUERN_UNSUPPORTED, "a graph cannot be a default value");
    QN_TRY(qn_onnx_subgraph(x, p->g, &out->graph, &captured, err));
    return append(x->graph->arena, captures, captured, out->graph->n_captures, err);
}

static quern_status read_value(qn_onnx_graph *x, const parts *p, qn_attr_value *out,
                               qn_onnx_captures *captures, quern_error *err)
{
    qn_arena *arena = x->graph->arena;
    qn_onnx_type type;
    switch (out->kind) {
    case QN_ATTR_FLOAT:
        out->f = p->f;
        return QUERN_OK;
    case QN_ATTR_INT:
        out->i = p->i;
        return QUERN_OK;
    case QN_ATTR_STRING:
        return copy_text(arena, &p->s, &out->s, err);
    case QN_ATTR_TENSOR:
    case QN_ATTR_SPARSE:
        return read_tensor(x, p, out, err);
    case QN_ATTR_GRAPH:
        return read_graph(x, p, out, captures, err);
    case QN_ATTR_FLOATS:
        return read_floats(arena, p, &out->floats, err);
    case QN_ATTR_INTS:
        return read_ints(arena, p, &out->ints, err);
    case QN_ATTR_STRINGS:
        return read_strings(arena, p, &out->strs, err);
    case QN_ATTR_TYPE:
        QN_TRY(qn_onnx_type_read(arena, p->type, &type, err));
        out->i = type.dtype;
        return QUERN_OK;
    default: /* lists of tensors, graphs, types: no operator takes them */
        return QUERN_OK;
    }
}

static quern_status read_attribute(qn_onnx_graph *x, const parts *p, qn_attr_value *out,
                                   qn_onnx_captures *captures, quern_error *err)
{
    enum { LAST_KIND = 14 };
    qn_arena *arena = x->graph->arena;
    memset(out, 0, sizeof *out);
    if (!p->name.n) return qn_fail(err, QUERN_FORMAT, "it has no name");
    QN_TRY(qn_arena_text(arena, (const char *)p->name.p, p->name.n, &out->name, err));
    if (p->kind > LAST_KIND)
        return qn_fail(err, QUERN_UNSUPPORTED, "type %llu is not known",
                       (unsigned long long)p->kind);
    out->kind = p->kind ? (qn_attr_kind)p->kind : p->seen;
    if (!p->ref.n) return read_value(x, p, out, captures, err);
    if (!x->r->in_function)
        return qn_fail(err, QUERN_INVALID,
                       "it refers to an attribute of a function, but is in none");
    return qn_arena_text(arena, (const char *)p->ref.p, p->ref.n, &out->ref, err);
}

quern_status qn_onnx_attribute(qn_onnx_graph *x, qn_span message, qn_attr_value *out,
                               qn_onnx_captures *captures, quern_error *err)
{
    parts p;
    quern_status status = take_apart(x->graph->arena, message, &p, err);
    if (status == QUERN_OK) status = read_attribute(x, &p, out, captures, err);
    if (status != QUERN_OK)
        qn_within(err, "attribute '%.*s'", (int)(p.name.n < 200 ? p.name.n : 200),
                  p.name.n ? (const char *)p.name.p : "");
    return status;
}
