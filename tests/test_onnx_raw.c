/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_onnx_raw.c - a raw model is what its file says: reading and writing it
 * loses nothing, and edits show up where they were made. */
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include "formats/onnx.h"

#include <string.h>

static void same_tensor(qn_test *t, const qn_tensor *a, const qn_tensor *b)
{
    CHECK_EQ(t, a->dtype, b->dtype);
    REQUIRE(t, qn_same_shape(a, b));
    if (a->dtype != QUERN_STRING)
        CHECK(t, !memcmp(a->data, b->data, qn_tensor_bytes(a)));
}

static void same_graph(qn_test *t, const qn_graph *a, const qn_graph *b);

static void same_attr(qn_test *t, const qn_attr_value *a, const qn_attr_value *b)
{
    CHECK_STR(t, a->name, b->name);
    /* sparse tensors are written dense */
    CHECK_EQ(t, a->kind, b->kind == QN_ATTR_TENSOR ? a->kind : b->kind);
    CHECK_STR(t, a->ref ? a->ref : "", b->ref ? b->ref : "");
    CHECK_EQ(t, a->i, b->i);
    CHECK(t, a->f == b->f);
    CHECK_EQ(t, a->s.n, b->s.n);
    CHECK_EQ(t, a->ints.n, b->ints.n);
    CHECK_EQ(t, a->floats.n, b->floats.n);
    CHECK_EQ(t, a->strs.n, b->strs.n);
    for (int64_t i = 0; i < a->ints.n && i < b->ints.n; i++)
        CHECK_EQ(t, a->ints.v[i], b->ints.v[i]);
    if (a->tensor && CHECK(t, b->tensor)) same_tensor(t, a->tensor, b->tensor);
    if (a->graph && CHECK(t, b->graph)) same_graph(t, a->graph, b->graph);
}

static const char *name_of(const qn_value *v)
{
    return v ? v->name : "-";
}

static void same_node(qn_test *t, const qn_node *a, const qn_node *b)
{
    CHECK_STR(t, a->name, b->name);
    CHECK_STR(t, a->op_type, b->op_type);
    CHECK_STR(t, a->domain, b->domain);
    CHECK_EQ(t, a->opset, b->opset);
    REQUIRE(t, a->n_in == b->n_in && a->n_out == b->n_out && a->n_attrs == b->n_attrs);
    for (int i = 0; i < a->n_in; i++)
        CHECK_STR(t, name_of(a->in[i]), name_of(b->in[i]));
    for (int i = 0; i < a->n_out; i++)
        CHECK_STR(t, name_of(a->out[i]), name_of(b->out[i]));
    for (int i = 0; i < a->n_attrs; i++)
        same_attr(t, &a->attrs[i], &b->attrs[i]);
}

static void same_value(qn_test *t, const qn_value *a, const qn_value *b)
{
    CHECK_STR(t, a->name, b->name);
    CHECK_EQ(t, a->dtype, b->dtype);
    REQUIRE(t, a->rank == b->rank);
    for (int d = 0; d < a->rank; d++) {
        CHECK_EQ(t, a->dim[d], b->dim[d]);
        CHECK_STR(t, a->symbol[d] ? a->symbol[d] : "",
                  b->symbol[d] ? b->symbol[d] : "");
    }
}

static const qn_value *constant(const qn_graph *g, const char *name)
{
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i]->constant && !strcmp(g->values[i]->name, name))
            return g->values[i];
    return NULL;
}

static void same_graph(qn_test *t, const qn_graph *a, const qn_graph *b)
{
    REQUIRE(t, a->n_nodes == b->n_nodes && a->n_inputs == b->n_inputs &&
                   a->n_outputs == b->n_outputs);
    for (const qn_node *x = a->first, *y = b->first; x; x = x->next, y = y->next)
        same_node(t, x, y);
    for (int i = 0; i < a->n_inputs; i++)
        same_value(t, a->inputs[i], b->inputs[i]);
    for (int i = 0; i < a->n_outputs; i++)
        same_value(t, a->outputs[i], b->outputs[i]);
    for (int i = 0; i < a->n_values; i++) {
        if (!a->values[i]->constant) continue;
        const qn_value *v = constant(b, a->values[i]->name);
        if (CHECK(t, v)) same_tensor(t, a->values[i]->constant, v->constant);
    }
}

static void same_model(qn_test *t, const quern_model *a, const quern_model *b)
{
    CHECK_EQ(t, a->ir_version, b->ir_version);
    CHECK_EQ(t, a->n_functions, b->n_functions);
    REQUIRE(t, a->n_opsets == b->n_opsets && a->n_metadata == b->n_metadata);
    for (int i = 0; i < a->n_opsets; i++) {
        CHECK_STR(t, a->opsets[i].domain, b->opsets[i].domain);
        CHECK_EQ(t, a->opsets[i].version, b->opsets[i].version);
    }
    for (int i = 0; i < a->n_metadata; i++) {
        CHECK_STR(t, a->metadata[i].key, b->metadata[i].key);
        CHECK_STR(t, a->metadata[i].value, b->metadata[i].value);
    }
    same_graph(t, a->graph, b->graph);
}

/* The bytes of a model go to `to`, whose memory the caller frees. */
static bool write_model(qn_test *t, const quern_model *m, qn_mem *mem, qn_buf *to)
{
    quern_error err;
    qn_mem_init(mem, NULL, 0);
    qn_buf_init(to, mem);
    return CHECK_OK(t, qn_onnx_write(to, m, &err), &err);
}

static quern_model *parse_raw(qn_test *t, const qn_buf *bytes)
{
    quern_error err;
    quern_model *m = NULL;
    void *exact = qn_exact(t, bytes->n);
    memcpy(exact, bytes->p, bytes->n);
    CHECK_OK(t, qn_onnx_parse_raw(exact, bytes->n, NULL, &m, &err), &err);
    return m;
}

/* Read, written, read again: the same; it runs as before. */
static void round_trip(qn_test *t, const qn_buf *bytes)
{
    qn_mem mem;
    qn_buf again;
    quern_error e1, e2;
    quern_model *a = parse_raw(t, bytes), *b;
    REQUIRE(t, a);
    if (write_model(t, a, &mem, &again)) {
        if ((b = parse_raw(t, &again))) same_model(t, a, b);
        CHECK_EQ(t, qn_kit_try(again.p, again.n, &e2),
                 qn_kit_try(bytes->p, bytes->n, &e1));
        quern_model_free(b);
    }
    qn_buf_done(&again);
    quern_model_free(a);
}

void test_raw_round_trip(qn_test *t)
{
    for (int i = 0; i < qn_kit_seeds(); i++) {
        qn_kit k;
        qn_note(t, "seed %d", i);
        qn_kit_seed(&k, i);
        round_trip(t, &k.buf);
        qn_kit_done(&k);
    }
}

/* Initializers that old files had to list as inputs are none. */
void test_raw_old_inputs(qn_test *t)
{
    static const float w[] = {1, 2};
    qn_kit k;
    qn_kit_begin(&k, 3, 8);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
    qn_kit_value(&k, GRAPH_INPUT, "w", QUERN_FLOAT, "2");
    qn_kit_tensor(&k, "w", QUERN_FLOAT, "2", w, sizeof w);
    qn_kit_node(&k, "Add x w -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
    qn_kit_end(&k);
    quern_model *m = parse_raw(t, &k.buf);
    REQUIRE(t, m);
    CHECK_EQ(t, m->ir_version, 4);
    CHECK_EQ(t, m->graph->n_inputs, 1);
    CHECK_EQ(t, m->graph->first->opset, 8);
    round_trip(t, &k.buf);
    quern_model_free(m);
    qn_kit_done(&k);
}

/* Numbers and metadata that are changed are what the written file has. */
void test_raw_edit(qn_test *t)
{
    qn_kit k;
    qn_mem mem;
    qn_buf out;
    quern_error err;
    qn_kit_begin(&k, 8, 17);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
    qn_kit_tensor(&k, "w", QUERN_FLOAT, "2", (float[]){1, 2}, 8);
    qn_kit_node(&k, "Add x w -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
    qn_kit_end(&k);
    qn_kit_pair(&k, MODEL_METADATA_PROPS, "a", "old");
    quern_model *m = parse_raw(t, &k.buf);
    REQUIRE(t, m);
    m->graph->first->in[1]->constant->data = (float[]){5, 6};
    CHECK_OK(t, qn_model_set_metadata(m, "a", "new", &err), &err);
    CHECK_OK(t, qn_model_set_metadata(m, "b", "", &err), &err);
    CHECK_EQ(t, m->n_metadata, 2);
    if (write_model(t, m, &mem, &out)) {
        quern_model *n = parse_raw(t, &out);
        REQUIRE(t, n);
        CHECK(t, ((float *)n->graph->first->in[1]->constant->data)[1] == 6);
        CHECK_STR(t, quern_model_metadata(n, "a"), "new");
        CHECK_STR(t, quern_model_metadata(n, "b"), "");
        quern_model_free(n);
    }
    qn_buf_done(&out);
    quern_model_free(m);
    qn_kit_done(&k);
}

/* A tensor that says it is huge has no data to lie about, except outside the file. */
void test_raw_too_big(qn_test *t)
{
    qn_kit k;
    qn_mem mem;
    qn_buf out;
    quern_error err;
    qn_kit_begin(&k, 8, 17);
    qn_kit_tensor(&k, "w", QUERN_FLOAT, "2", (float[]){1, 2}, 8);
    qn_kit_node(&k, "Identity w -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
    qn_kit_end(&k);
    quern_model *m = parse_raw(t, &k.buf);
    REQUIRE(t, m);
    m->graph->first->in[0]->constant->dim[0] = 1 << 29; /* 2^31 bytes */
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    CHECK_FAILS(t, qn_onnx_write(&out, m, &err), QUERN_LIMIT, &err,
                "takes 2147483648 bytes, an ONNX file holds at most 2147483647");
    qn_buf_done(&out);
    quern_model_free(m);
    qn_kit_done(&k);
}

/* Whatever is accepted can be written, and that is accepted again. */
static void try_bytes(qn_test *t, const void *bytes, size_t n)
{
    quern_model_options opt = {.size = sizeof opt, .max_bytes = 64 << 20};
    qn_mem mem;
    qn_buf out;
    quern_error err;
    quern_model *m, *again;
    if (qn_onnx_parse_raw(bytes, n, &opt, &m, &err) != QUERN_OK) {
        CHECK(t, *err.text);
        return;
    }
    if (write_model(t, m, &mem, &out) &&
        CHECK_OK(t, qn_onnx_parse_raw(out.p, out.n, &opt, &again, &err), &err))
        quern_model_free(again);
    qn_buf_done(&out);
    quern_model_free(m);
}

void test_raw_hostile(qn_test *t)
{
    for (int i = 0; i < qn_kit_seeds(); i++) {
        qn_kit k;
        qn_kit_seed(&k, i);
        for (size_t n = 0; n <= k.buf.n; n++) {
            void *cut = qn_exact(t, n);
            if (n) memcpy(cut, k.buf.p, n);
            qn_note(t, "seed %d cut at %zu", i, n);
            try_bytes(t, cut, n);
        }
        for (size_t at = 0; at < k.buf.n; at++) {
            const int bit = (int)qn_test_int(t, 0, 7);
            k.buf.p[at] = (char)(k.buf.p[at] ^ 1 << bit);
            qn_note(t, "seed %d, bit %d of byte %zu", i, bit, at);
            try_bytes(t, k.buf.p, k.buf.n);
            k.buf.p[at] = (char)(k.buf.p[at] ^ 1 << bit);
        }
        qn_kit_done(&k);
    }
}
