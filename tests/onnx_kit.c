/* SPDX-License-Identifier: Apache-2.0 */
/* tests/onnx_kit.c - a thin layer over the protobuf writer. */
#include "tests/onnx_kit.h"

#include <stdlib.h>
#include <string.h>

void qn_kit_begin(qn_kit *k, int ir_version, int opset)
{
    qn_mem_init(&k->mem, NULL, 0);
    qn_buf_init(&k->buf, &k->mem);
    qn_pb_put_varint(&k->buf, MODEL_IR_VERSION, (uint64_t)ir_version);
    qn_kit_opset(k, MODEL_OPSET_IMPORT, "", opset);
    k->graph = qn_pb_begin(&k->buf, MODEL_GRAPH);
    qn_pb_put_text(&k->buf, GRAPH_NAME, "kit");
}

void qn_kit_end(qn_kit *k)
{
    qn_pb_end(&k->buf, k->graph);
}

void qn_kit_done(qn_kit *k)
{
    qn_buf_done(&k->buf);
}

/* Length of the word that text begins with. */
static size_t word(const char *text)
{
    return strcspn(text, " ");
}

/* Behind the word and its blanks. */
static const char *next(const char *text)
{
    text += word(text);
    return text + strspn(text, " ");
}

static void put_dim(qn_kit *k, const char *dim)
{
    size_t begun = qn_pb_begin(&k->buf, SHAPE_DIM);
    if ((*dim >= '0' && *dim <= '9') || *dim == '-')
        qn_pb_put_varint(&k->buf, DIM_VALUE, (uint64_t)strtoll(dim, NULL, 10));
    else if (*dim != '?')
        qn_pb_put_bytes(&k->buf, DIM_PARAM, dim, word(dim));
    qn_pb_end(&k->buf, begun);
}

void qn_kit_value(qn_kit *k, uint32_t field, const char *name, quern_dtype dtype,
                  const char *dims)
{
    qn_buf *b = &k->buf;
    size_t value = qn_pb_begin(b, field);
    qn_pb_put_text(b, INFO_NAME, name);
    size_t type = qn_pb_begin(b, INFO_TYPE), tensor = qn_pb_begin(b, TYPE_TENSOR);
    qn_pb_put_varint(b, TYPE_ELEM_TYPE, (uint64_t)dtype);
    if (dims) {
        size_t shape = qn_pb_begin(b, TYPE_SHAPE);
        for (; *dims; dims = next(dims))
            put_dim(k, dims);
        qn_pb_end(b, shape);
    }
    qn_pb_end(b, tensor);
    qn_pb_end(b, type);
    qn_pb_end(b, value);
}

void qn_kit_tensor_head(qn_kit *k, const char *name, quern_dtype dtype,
                        const char *dims)
{
    for (; *dims; dims = next(dims))
        qn_pb_put_varint(&k->buf, TENSOR_DIMS, (uint64_t)strtoll(dims, NULL, 10));
    qn_pb_put_varint(&k->buf, TENSOR_DATA_TYPE, (uint64_t)dtype);
    if (name) qn_pb_put_text(&k->buf, TENSOR_NAME, name);
}

void qn_kit_tensor(qn_kit *k, const char *name, quern_dtype dtype, const char *dims,
                   const void *raw, size_t n)
{
    size_t begun = qn_pb_begin(&k->buf, GRAPH_INITIALIZER);
    qn_kit_tensor_head(k, name, dtype, dims);
    qn_pb_put_bytes(&k->buf, TENSOR_RAW_DATA, raw, n);
    qn_pb_end(&k->buf, begun);
}

size_t qn_kit_open(qn_kit *k, uint32_t field, const char *text)
{
    qn_buf *b = &k->buf;
    size_t begun = qn_pb_begin(b, field);
    uint32_t list = NODE_INPUT;
    qn_pb_put_bytes(b, NODE_OP_TYPE, text, word(text));
    for (text = next(text); *text; text = next(text)) {
        if (*text == '-')
            list = NODE_OUTPUT;
        else
            qn_pb_put_bytes(b, list, text, *text == '_' ? 0 : word(text));
    }
    return begun;
}

void qn_kit_node(qn_kit *k, const char *text)
{
    size_t begun = qn_kit_open(k, GRAPH_NODE, text);
    qn_pb_end(&k->buf, begun);
}

static size_t open_attribute(qn_kit *k, const char *name, int kind)
{
    size_t begun = qn_pb_begin(&k->buf, NODE_ATTRIBUTE);
    qn_pb_put_text(&k->buf, ATTRIBUTE_NAME, name);
    if (kind) qn_pb_put_varint(&k->buf, ATTRIBUTE_TYPE, (uint64_t)kind);
    return begun;
}

void qn_kit_int(qn_kit *k, const char *name, int64_t value)
{
    size_t begun = open_attribute(k, name, QN_ATTR_INT);
    qn_pb_put_varint(&k->buf, ATTRIBUTE_I, (uint64_t)value);
    qn_pb_end(&k->buf, begun);
}

void qn_kit_ints(qn_kit *k, const char *name, const char *values)
{
    size_t begun = open_attribute(k, name, QN_ATTR_INTS);
    for (; *values; values = next(values))
        qn_pb_put_varint(&k->buf, ATTRIBUTE_INTS, (uint64_t)strtoll(values, NULL, 10));
    qn_pb_end(&k->buf, begun);
}

void qn_kit_float(qn_kit *k, const char *name, float value)
{
    size_t begun = open_attribute(k, name, QN_ATTR_NONE); /* the type is optional */
    qn_pb_put_float(&k->buf, ATTRIBUTE_F, value);
    qn_pb_end(&k->buf, begun);
}

void qn_kit_string(qn_kit *k, const char *name, const char *value)
{
    size_t begun = open_attribute(k, name, QN_ATTR_STRING);
    qn_pb_put_text(&k->buf, ATTRIBUTE_S, value);
    qn_pb_end(&k->buf, begun);
}

void qn_kit_ref(qn_kit *k, const char *name, int kind, const char *of)
{
    size_t begun = open_attribute(k, name, kind);
    qn_pb_put_text(&k->buf, ATTRIBUTE_REF_ATTR_NAME, of);
    qn_pb_end(&k->buf, begun);
}

qn_kit_mark qn_kit_graph(qn_kit *k, const char *name)
{
    qn_kit_mark mark = {.attribute = open_attribute(k, name, QN_ATTR_GRAPH)};
    mark.graph = qn_pb_begin(&k->buf, ATTRIBUTE_G);
    qn_pb_put_text(&k->buf, GRAPH_NAME, name);
    return mark;
}

void qn_kit_graph_end(qn_kit *k, qn_kit_mark mark)
{
    qn_pb_end(&k->buf, mark.graph);
    qn_pb_end(&k->buf, mark.attribute);
}

void qn_kit_opset(qn_kit *k, uint32_t field, const char *domain, int version)
{
    size_t begun = qn_pb_begin(&k->buf, field);
    qn_pb_put_text(&k->buf, OPSET_DOMAIN, domain);
    qn_pb_put_varint(&k->buf, OPSET_VERSION, (uint64_t)version);
    qn_pb_end(&k->buf, begun);
}

void qn_kit_pair(qn_kit *k, uint32_t field, const char *key, const char *value)
{
    size_t begun = qn_pb_begin(&k->buf, field);
    qn_pb_put_text(&k->buf, ENTRY_KEY, key);
    qn_pb_put_text(&k->buf, ENTRY_VALUE, value);
    qn_pb_end(&k->buf, begun);
}

/* ---- trying ---- */

enum { BUDGET = 64 << 20, ZEROS = 1 << 20 };

/* Zeros for an input; free dims are 2.  False: it cannot be fed simply. */
static bool shape_of(const quern_info *info, quern_tensor *t)
{
    size_t bytes = quern_dtype_size(info->dtype);
    *t = (quern_tensor){.dtype = info->dtype, .rank = info->rank < 0 ? 1 : info->rank};
    if (!bytes || info->dtype == QUERN_STRING) return false;
    for (int d = 0; d < t->rank; d++) {
        t->dim[d] = info->rank < 0 || info->dim[d] < 0 ? 2 : info->dim[d];
        if (!qn_size_mul(bytes, (size_t)t->dim[d], &bytes)) return false;
    }
    return bytes <= ZEROS;
}

static quern_status bind(quern_session *s, const quern_info *info, int i, void *zeros,
                         quern_error *err)
{
    quern_tensor t;
    if (info->is_optional) return quern_session_bind_none(s, i, err);
    if (info->is_sequence)
        return quern_session_bind_sequence(s, i, NULL, 0, info->dtype, err);
    if (!shape_of(info, &t))
        return qn_fail(err, QUERN_LIMIT, "input %d is no small one", i);
    t.data = zeros;
    return quern_session_bind(s, i, &t, err);
}

/* Ends loops without end. */
static int enough(void *ctx)
{
    int *nodes = ctx;
    return ++*nodes > 5000;
}

static quern_status run(const quern_model *model, void *zeros, quern_error *err)
{
    int nodes = 0;
    quern_session_options opt = {.size = sizeof opt,
                                 .max_bytes = BUDGET,
                                 .n_threads = 1,
                                 .cancel = enough,
                                 .cancel_ctx = &nodes};
    quern_session *s;
    quern_info info;
    quern_status status = quern_session_create(model, &opt, &s, err);
    if (status != QUERN_OK) return status;
    for (int i = 0; status == QUERN_OK && quern_model_input(model, i, &info); i++)
        status = bind(s, &info, i, zeros, err);
    if (status == QUERN_OK) status = quern_run(s, err);
    quern_session_free(s);
    return status;
}

quern_status qn_kit_try(const void *bytes, size_t n, quern_error *err)
{
    quern_model_options opt = {.size = sizeof opt, .max_bytes = BUDGET};
    quern_model *model;
    quern_status status = quern_model_parse(bytes, n, &opt, &model, err);
    if (status != QUERN_OK) return status;
    void *zeros = calloc(1, ZEROS);
    status = zeros ? run(model, zeros, err) : QUERN_MEMORY;
    free(zeros);
    quern_model_free(model);
    return status;
}
