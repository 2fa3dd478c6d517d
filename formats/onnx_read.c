/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_read.c - ModelProto.  Opsets, functions and the graph may come in any
 * order, so the first walk only notes where they lie. */
#include "formats/onnx.h"
#include "formats/onnx_fields.h"
#include "formats/onnx_graph.h"
#include "formats/onnx_type.h"

#include <limits.h>
#include <string.h>

enum { OLDEST_IR = 3, NEWEST_IR = 13 };

typedef struct heading {
    qn_span graph, producer, version;
    int n_graph;
    size_t n_opsets, n_functions, n_metadata;
} heading;

static quern_status read_heading(quern_model *model, qn_span message, heading *h,
                                 quern_error *err)
{
    memset(h, 0, sizeof *h);
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number == MODEL_IR_VERSION) {
            QN_TRY(qn_pb_expect(&f, QN_WIRE_VARINT, "ir_version", err));
            model->ir_version = (int64_t)f.u;
        } else if (f.number == MODEL_PRODUCER_NAME) {
            QN_TRY(qn_onnx_text(&f, "producer_name", &h->producer, err));
        } else if (f.number == MODEL_PRODUCER_VERSION) {
            QN_TRY(qn_onnx_text(&f, "producer_version", &h->version, err));
        } else if (f.number == MODEL_GRAPH) {
            QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "graph", err));
            QN_TRY(qn_pb_join(&model->arena, &h->graph, &h->n_graph, &f.bytes, err));
        }
        h->n_opsets += f.number == MODEL_OPSET_IMPORT;
        h->n_functions += f.number == MODEL_FUNCTIONS;
        h->n_metadata += f.number == MODEL_METADATA_PROPS;
    }
}

static quern_status check_heading(quern_model *model, const heading *h,
                                  quern_error *err)
{
    long long ir = model->ir_version;
    if (!h->n_graph && !ir)
        return qn_fail(err, QUERN_FORMAT,
                       "it is no ONNX model: no ir_version, no graph");
    if (!h->n_graph) return qn_fail(err, QUERN_FORMAT, "the model has no graph");
    if (ir < OLDEST_IR)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "ir_version is %lld, at least %d is needed", ir, OLDEST_IR);
    if (ir > NEWEST_IR)
        qn_model_log(model, "ir_version is %lld, newer than %d: reading it as %d", ir,
                     NEWEST_IR, NEWEST_IR);
    if (h->n_opsets > INT_MAX / 4 || h->n_functions > INT_MAX / 4 ||
        h->n_metadata > INT_MAX / 4)
        return qn_fail(err, QUERN_LIMIT, "%zu functions are too many", h->n_functions);
    return QUERN_OK;
}

static quern_status read_producer(quern_model *model, const heading *h,
                                  quern_error *err)
{
    size_t n = h->producer.n, m = h->version.n;
    void *text;
    QN_TRY(qn_arena_alloc(&model->arena, n + m + 2, &text, err));
    if (n) memcpy(text, h->producer.p, n);
    if (n && m) ((char *)text)[n++] = ' ';
    if (m) memcpy((char *)text + n, h->version.p, m);
    model->producer = text;
    return QUERN_OK;
}

static quern_status read_metadata(qn_arena *arena, qn_span message, qn_pair *out,
                                  quern_error *err)
{
    *out = (qn_pair){"", ""};
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number == ENTRY_KEY)
            QN_TRY(qn_onnx_name(arena, &f, "metadata key", &out->key, err));
        else if (f.number == ENTRY_VALUE)
            QN_TRY(qn_onnx_name(arena, &f, "metadata value", &out->value, err));
    }
}

static quern_status add_opset(quern_model *model, qn_span message, quern_error *err)
{
    qn_opset *o = &model->opsets[model->n_opsets];
    QN_TRY(qn_onnx_opset(&model->arena, message, o, err));
    for (int i = 0; i < model->n_opsets; i++)
        if (!strcmp(model->opsets[i].domain, o->domain))
            return qn_fail(err, QUERN_INVALID, "opset of domain '%s' is given twice",
                           o->domain);
    model->n_opsets++;
    return QUERN_OK;
}

/* What is small: opsets and metadata. */
static quern_status read_lists(quern_model *model, qn_span message, const heading *h,
                               quern_error *err)
{
    enum { MOST_OPSETS = 1024 }; /* looked up one by one */
    void *p;
    if (h->n_opsets > MOST_OPSETS)
        return qn_fail(err, QUERN_LIMIT, "%zu opset imports, at most %d", h->n_opsets,
                       MOST_OPSETS);
    QN_TRY(qn_arena_array(&model->arena, h->n_opsets + 1, sizeof(qn_opset), &p, err));
    model->opsets = p;
    QN_TRY(qn_arena_array(&model->arena, h->n_metadata, sizeof(qn_pair), &p, err));
    model->metadata = p;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        if (f.number != MODEL_OPSET_IMPORT && f.number != MODEL_METADATA_PROPS)
            continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "opset_import or metadata_props", err));
        if (f.number == MODEL_OPSET_IMPORT)
            QN_TRY(add_opset(model, f.bytes, err));
        else
            QN_TRY(read_metadata(&model->arena, f.bytes,
                                 &model->metadata[model->n_metadata++], err));
    }
    if (model->n_opsets == 0) model->opsets[model->n_opsets++] = (qn_opset){"", 1};
    return QUERN_OK;
}

static bool same_function(const qn_function *a, const qn_function *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->domain, b->domain) &&
           !strcmp(a->overload, b->overload);
}

static quern_status read_functions(qn_onnx_reader *r, qn_span message, const heading *h,
                                   quern_error *err)
{
    enum { MOST = 4096 }; /* compared pair by pair */
    quern_model *model = r->model;
    void *p;
    if (h->n_functions > MOST)
        return qn_fail(err, QUERN_LIMIT, "%zu functions, at most %d", h->n_functions,
                       MOST);
    QN_TRY(qn_arena_array(&model->arena, h->n_functions, sizeof(qn_function), &p, err));
    model->functions = p;
    while (model->n_functions < (int)h->n_functions) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number != MODEL_FUNCTIONS) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "functions", err));
        qn_function *made = &model->functions[model->n_functions];
        QN_TRY(qn_onnx_function(r, f.bytes, made, err));
        for (int i = 0; i < model->n_functions; i++)
            if (same_function(&model->functions[i], made))
                return qn_fail(err, QUERN_INVALID,
                               "function '%s' of '%s' is given twice", made->name,
                               made->domain);
        model->n_functions++;
    }
    return QUERN_OK;
}

quern_status qn_onnx_read(quern_model *model, qn_span bytes, qn_external *external,
                          quern_error *err)
{
    heading h;
    QN_TRY(read_heading(model, bytes, &h, err));
    QN_TRY(check_heading(model, &h, err));
    QN_TRY(read_producer(model, &h, err));
    QN_TRY(read_lists(model, bytes, &h, err));
    qn_onnx_reader r = {.model = model,
                        .sink = {&model->arena, QN_ONNX_LAZY, external},
                        .opsets = model->opsets,
                        .n_opsets = model->n_opsets};
    QN_TRY(read_functions(&r, bytes, &h, err));
    return qn_onnx_main_graph(&r, h.graph, err);
}
