/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_onnx_read.c - ONNX messages become the right graphs and tensors. */
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include "formats/onnx.h"
#include "formats/onnx_tensor.h"

#include <string.h>

/* ---- helpers ---- */

static void arena_of(qn_mem *mem, qn_arena *arena)
{
    qn_mem_init(mem, NULL, 0);
    qn_arena_init(arena, mem);
}

static void start(qn_kit *k)
{
    qn_mem_init(&k->mem, NULL, 0);
    qn_buf_init(&k->buf, &k->mem);
}

static void *exact_copy(qn_test *t, const qn_kit *k)
{
    void *exact = qn_exact(t, k->buf.n);
    memcpy(exact, k->buf.p, k->buf.n);
    return exact;
}

/* Read, but neither lowered nor simplified: the graph is the file's.  NULL: failed. */
static quern_model *parse(qn_test *t, const qn_kit *k)
{
    quern_model *m = NULL;
    quern_error err;
    qn_span all = {exact_copy(t, k), k->buf.n, 0};
    if (!CHECK_OK(t, qn_model_create(NULL, &m, &err), &err)) return NULL;
    if (CHECK_OK(t, qn_onnx_read(m, all, NULL, &err), &err)) return m;
    quern_model_free(m);
    return NULL;
}

/* Ready to run. */
static quern_model *load(qn_test *t, qn_kit *k, int keep_overridable)
{
    quern_model_options opt = {.size = sizeof opt,
                               .keep_overridable = keep_overridable};
    quern_model *m = NULL;
    quern_error err;
    CHECK_OK(t, quern_model_parse(exact_copy(t, k), k->buf.n, &opt, &m, &err), &err);
    return m;
}

/* Runs the model on one float input and returns the floats of output 0. */
static void run(qn_test *t, quern_model *model, const quern_tensor *in, int n_in,
                float *out, int n_out)
{
    quern_session_options opt = {.size = sizeof opt, .n_threads = 1};
    quern_session *s;
    quern_tensor y;
    quern_error err;
    REQUIRE_OK(t, quern_session_create(model, &opt, &s, &err), &err);
    for (int i = 0; i < n_in; i++)
        CHECK_OK(t, quern_session_bind(s, i, &in[i], &err), &err);
    if (CHECK_OK(t, quern_run(s, &err), &err) &&
        CHECK_OK(t, quern_session_output(s, 0, &y, &err), &err))
        memcpy(out, y.data, (size_t)n_out * sizeof *out);
    quern_session_free(s);
}

static const qn_value *value(const quern_model *m, const char *name)
{
    for (int i = 0; i < m->graph->n_values; i++)
        if (!strcmp(m->graph->values[i]->name, name)) return m->graph->values[i];
    return NULL;
}

/* ---- graphs ---- */

/* Nodes out of order, names used before they are made, declared shapes with symbols. */
void test_onnx_unsorted(qn_test *t)
{
    qn_kit k;
    qn_kit_begin(&k, 8, 17);
    qn_kit_node(&k, "Relu a -> y");
    qn_kit_node(&k, "Add x w -> a");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "batch 2");
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "batch ? 2");
    qn_kit_tensor(&k, "w", QUERN_FLOAT, "2", (float[]){1, 2}, 8);
    qn_kit_end(&k);
    quern_model *m = parse(t, &k);
    REQUIRE(t, m != NULL);
    CHECK_EQ(t, m->graph->n_nodes, 2);
    CHECK_EQ(t, m->graph->first->opset, 17);
    CHECK_STR(t, m->graph->first->in[0]->producer->op_type, "Add");
    quern_model_free(m);
    m = load(t, &k, 0);
    qn_kit_done(&k);
    REQUIRE(t, m != NULL);
    CHECK_STR(t, m->graph->first->op_type, "Add");
    quern_info info;
    CHECK(t, quern_model_input(m, 0, &info) && info.rank == 3);
    CHECK_STR(t, info.symbol[0], "batch");
    CHECK(t, info.dim[0] == -1 && info.dim[1] == -1 && !info.symbol[1]);
    CHECK_EQ(t, info.dim[2], 2);
    CHECK(t, quern_model_output(m, 0, &info) && info.rank == 2 && info.dim[1] == 2);
    quern_model_free(m);
}

/* A message given twice is merged; the last of a scalar counts; the rest is skipped. */
void test_onnx_merged(qn_test *t)
{
    qn_kit k;
    qn_kit_begin(&k, 8, 17);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
    qn_pb_put_text(&k.buf, 10, "a comment");
    qn_kit_end(&k);
    qn_pb_put_varint(&k.buf, 999, 7);
    k.graph = qn_pb_begin(&k.buf, MODEL_GRAPH);
    qn_pb_put_text(&k.buf, GRAPH_NAME, "second");
    qn_kit_node(&k, "Neg x -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
    qn_kit_end(&k);
    qn_pb_put_varint(&k.buf, MODEL_IR_VERSION, 7);
    quern_model *m = parse(t, &k);
    qn_kit_done(&k);
    REQUIRE(t, m != NULL);
    CHECK_STR(t, m->graph->name, "second");
    CHECK_EQ(t, m->ir_version, 7);
    CHECK_EQ(t, m->graph->n_inputs, 1);
    CHECK_EQ(t, m->graph->n_nodes, 1);
    quern_model_free(m);
}

/* An initializer that is an input, too: its default, or a constant. */
void test_onnx_default_input(qn_test *t)
{
    float x[] = {1, 2, 3}, w[] = {10, 10, 10}, y[3] = {0};
    quern_tensor in[] = {{.dtype = QUERN_FLOAT, .rank = 1, .dim = {3}, .data = x},
                         {.dtype = QUERN_FLOAT, .rank = 1, .dim = {3}, .data = w}};
    qn_kit k;
    qn_kit_begin(&k, 3, 7);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "3");
    qn_kit_value(&k, GRAPH_INPUT, "w", QUERN_FLOAT, "3");
    qn_kit_tensor(&k, "w", QUERN_FLOAT, "3", (float[]){2, 2, 2}, 12);
    qn_kit_node(&k, "Mul x w -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "3");
    qn_kit_end(&k);
    quern_model *m = parse(t, &k);
    REQUIRE(t, m != NULL);
    const qn_value *v = value(m, "w");
    REQUIRE(t, v != NULL);
    CHECK(t, v->is_input && v->constant);
    CHECK_EQ(t, m->graph->n_inputs, 2);
    quern_model_free(m);
    m = load(t, &k, 1);
    REQUIRE(t, m != NULL);
    CHECK_EQ(t, quern_model_n_inputs(m), 2);
    run(t, m, in, 2, y, 3);
    CHECK(t, y[0] == 10 && y[2] == 30);
    quern_model_free(m);
    m = load(t, &k, 0);
    qn_kit_done(&k);
    REQUIRE(t, m != NULL);
    CHECK_EQ(t, quern_model_n_inputs(m), 1);
    run(t, m, in, 1, y, 3);
    CHECK(t, y[0] == 2 && y[2] == 6);
    quern_model_free(m);
}

/* A body two levels down reads a value of the main graph: every level captures it. */
void test_onnx_captures(qn_test *t)
{
    qn_kit k;
    qn_kit_begin(&k, 8, 17);
    qn_kit_value(&k, GRAPH_INPUT, "c", QUERN_BOOL, "");
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
    size_t node = qn_kit_open(&k, GRAPH_NODE, "If c -> y");
    qn_kit_mark outer = qn_kit_graph(&k, "then_branch");
    size_t inner_if = qn_kit_open(&k, GRAPH_NODE, "If c -> out");
    qn_kit_mark inner = qn_kit_graph(&k, "then_branch");
    qn_kit_node(&k, "Add x late -> out2"); /* late comes after this node */
    qn_kit_value(&k, GRAPH_OUTPUT, "out2", QUERN_FLOAT, NULL);
    qn_kit_graph_end(&k, inner);
    inner = qn_kit_graph(&k, "else_branch");
    qn_kit_value(&k, GRAPH_OUTPUT, "x", QUERN_FLOAT, NULL); /* an outer value */
    qn_kit_graph_end(&k, inner);
    qn_pb_end(&k.buf, inner_if);
    qn_kit_value(&k, GRAPH_OUTPUT, "out", QUERN_FLOAT, NULL);
    qn_kit_graph_end(&k, outer);
    outer = qn_kit_graph(&k, "else_branch");
    qn_kit_value(&k, GRAPH_OUTPUT, "late", QUERN_FLOAT, NULL);
    qn_kit_graph_end(&k, outer);
    qn_pb_end(&k.buf, node);
    qn_kit_node(&k, "Neg x -> late");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
    qn_kit_end(&k);
    quern_model *m = parse(t, &k);
    REQUIRE(t, m != NULL);
    const qn_node *n = m->graph->first;
    /* then: x, late (of the innermost), c; else: late */
    CHECK_EQ(t, n->n_captures, 4);
    CHECK_EQ(t, n->n_in, 5);
    CHECK(t, n->in[1] == value(m, "x") && n->in[2] == value(m, "late"));
    CHECK(t, n->in[3] == value(m, "c") && n->in[4] == value(m, "late"));
    qn_graph *then = qn_node_subgraph(n, 0);
    REQUIRE(t, then && then->n_captures == 3);
    CHECK(t, then->parent == m->graph && then->captures[0]->is_capture);
    CHECK_EQ(t, then->captures[0]->rank, 1);
    CHECK_EQ(t, qn_node_subgraph(n, 1)->n_captures, 1);
    CHECK_EQ(t, then->first->n_captures, 3); /* x, late; x */
    quern_model_free(m);
    m = load(t, &k, 0);
    qn_kit_done(&k);
    REQUIRE(t, m != NULL);
    float x[] = {1, 2}, y[2] = {7, 7};
    uint8_t c = 1;
    quern_tensor in[] = {{.dtype = QUERN_BOOL, .data = &c},
                         {.dtype = QUERN_FLOAT, .rank = 1, .dim = {2}, .data = x}};
    run(t, m, in, 2, y, 2);
    CHECK(t, y[0] == 0 && y[1] == 0);
    c = 0;
    run(t, m, in, 2, y, 2);
    CHECK(t, y[0] == -1 && y[1] == -2);
    quern_model_free(m);
}

/* A function of the model with a default attribute, called with and without it. */
void test_onnx_function(qn_test *t)
{
    float x[] = {-1, 2}, y[2] = {0};
    quern_tensor in = {.dtype = QUERN_FLOAT, .rank = 1, .dim = {2}, .data = x};
    qn_kit k;
    qn_kit_seed(&k, qn_kit_seeds() - 1);
    quern_model *m = parse(t, &k);
    REQUIRE(t, m != NULL);
    CHECK_EQ(t, m->n_functions, 1);
    CHECK_STR(t, m->functions[0].name, "Leak");
    CHECK_EQ(t, m->functions[0].n_defaults, 1);
    quern_model_free(m);
    m = load(t, &k, 0);
    qn_kit_done(&k);
    REQUIRE(t, m != NULL);
    run(t, m, &in, 1, y, 2);
    CHECK(t, y[0] == -0.25f && y[1] == 2);
    quern_model_free(m);
}

/* Every seed opens, survives writing and reading again, and runs. */
void test_onnx_seeds(qn_test *t)
{
    for (int i = 0; i < qn_kit_seeds(); i++) {
        qn_kit k;
        quern_error err;
        qn_note(t, "seed %d", i);
        qn_kit_seed(&k, i);
        CHECK_OK(t, qn_kit_try(k.buf.p, k.buf.n, &err), &err);
        quern_model *m = parse(t, &k);
        qn_kit_done(&k);
        if (!m) continue;
        start(&k);
        CHECK_OK(t, qn_onnx_write(&k.buf, m, &err), &err);
        CHECK_OK(t, qn_kit_try(k.buf.p, k.buf.n, &err), &err);
        const char *path = qn_temp(t, "copy.onnx");
        CHECK_OK(t, qn_onnx_save(m, path, &err), &err);
        size_t n = 0;
        char *copy = qn_get_file(t, path, &n);
        CHECK(t, copy && n == k.buf.n && !memcmp(copy, k.buf.p, n));
        qn_kit_done(&k);
        quern_model_free(m);
    }
}

/* ---- tensors ---- */

/* Decodes the TensorProto in k; on failure out->data is NULL. */
static quern_status decode(qn_test *t, qn_kit *k, qn_arena *arena, qn_onnx_place place,
                           qn_tensor *out, quern_error *err)
{
    qn_onnx_sink sink = {arena, place, NULL};
    uint8_t *exact = qn_exact(t, k->buf.n);
    memcpy(exact, k->buf.p, k->buf.n);
    *out = (qn_tensor){0};
    quern_status status =
        qn_onnx_tensor(&sink, (qn_span){exact, k->buf.n, 0}, out, NULL, err);
    qn_kit_done(k);
    return status;
}

static void check_bytes(qn_test *t, const qn_tensor *got, const void *want, size_t n)
{
    CHECK_EQ(t, (int64_t)qn_tensor_bytes(got), (int64_t)n);
    CHECK(t, got->data && !memcmp(got->data, want, n));
}

/* Numbers lie where they lie only if they are aligned; the rest is copied. */
void test_onnx_alignment(qn_test *t)
{
    static const double want[] = {1, -2.5};
    int copied = 0;
    for (int pad = 0; pad < 8; pad++) {
        qn_kit k;
        qn_mem mem;
        qn_arena arena;
        qn_tensor x;
        quern_error err;
        arena_of(&mem, &arena);
        start(&k);
        qn_pb_put_bytes(&k.buf, 12, "comments", (size_t)pad);
        qn_kit_tensor_head(&k, "w", QUERN_DOUBLE, "2");
        qn_pb_put_bytes(&k.buf, TENSOR_RAW_DATA, want, sizeof want);
        CHECK_OK(t, decode(t, &k, &arena, QN_ONNX_ALIGNED, &x, &err), &err);
        check_bytes(t, &x, want, sizeof want);
        CHECK_EQ(t, (int64_t)((uintptr_t)x.data % 8), 0);
        copied += arena.used > 0;
        qn_arena_done(&arena);
    }
    CHECK_EQ(t, copied, 7);
}

void test_onnx_small_types(qn_test *t)
{
    static const struct {
        quern_dtype dtype;
        const char *dims, *packed, *want;
        size_t n_packed, n;
    } cases[] = {
        {QUERN_INT4, "3", "\x81\x0F", "\x01\xF8\xFF", 2, 3},
        {QUERN_UINT4, "1 3", "\x81\x0F", "\x01\x08\x0F", 2, 3},
        {QUERN_FLOAT4E2M1, "2", "\xF1", "\x01\x0F", 1, 2},
        {QUERN_INT2, "5", "\xE4\x02", "\x00\x01\xFE\xFF\xFE", 2, 5},
        {QUERN_UINT2, "5", "\xE4\x02", "\x00\x01\x02\x03\x02", 2, 5},
        {QUERN_INT4, "0 7", "", "", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int typed = 0; typed < 2; typed++) {
            qn_kit k;
            qn_mem mem;
            qn_arena arena;
            qn_tensor x;
            quern_error err;
            qn_note(t, "case %zu %s", i, typed ? "int32_data" : "raw_data");
            arena_of(&mem, &arena);
            start(&k);
            qn_kit_tensor_head(&k, "w", cases[i].dtype, cases[i].dims);
            for (size_t b = 0; typed && b < cases[i].n_packed; b++)
                qn_pb_put_varint(&k.buf, TENSOR_INT32_DATA,
                                 (uint8_t)cases[i].packed[b]);
            if (!typed)
                qn_pb_put_bytes(&k.buf, TENSOR_RAW_DATA, cases[i].packed,
                                cases[i].n_packed);
            CHECK_OK(t, decode(t, &k, &arena, QN_ONNX_ALIGNED, &x, &err), &err);
            check_bytes(t, &x, cases[i].want, cases[i].n);
            qn_arena_done(&arena);
        }
}

/* One typed field per row: the element 1, or its bits. */
void test_onnx_typed_fields(qn_test *t)
{
    static const struct {
        quern_dtype dtype;
        uint32_t field;
        uint64_t entry;
        const char *want;
    } cases[] = {
        {QUERN_INT32, TENSOR_INT32_DATA, UINT64_MAX, "\xFF\xFF\xFF\xFF"},
        {QUERN_INT32, TENSOR_INT32_DATA, 0xFFFFFFFE, "\xFE\xFF\xFF\xFF"},
        {QUERN_INT16, TENSOR_INT32_DATA, (uint64_t)-2, "\xFE\xFF"},
        {QUERN_INT8, TENSOR_INT32_DATA, (uint64_t)-3, "\xFD"},
        {QUERN_UINT16, TENSOR_INT32_DATA, 65535, "\xFF\xFF"},
        {QUERN_UINT8, TENSOR_INT32_DATA, 200, "\xC8"},
        {QUERN_BOOL, TENSOR_INT32_DATA, 1, "\x01"},
        {QUERN_FLOAT16, TENSOR_INT32_DATA, 0xBC00, "\x00\xBC"},
        {QUERN_BFLOAT16, TENSOR_INT32_DATA, 0x3F80, "\x80\x3F"},
        {QUERN_FLOAT8E5M2, TENSOR_INT32_DATA, 0xBC, "\xBC"},
        {QUERN_INT64, TENSOR_INT64_DATA, (uint64_t)INT64_MIN, "\0\0\0\0\0\0\0\x80"},
        {QUERN_UINT64, TENSOR_UINT64_DATA, UINT64_MAX,
         "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
        {QUERN_UINT32, TENSOR_UINT64_DATA, UINT32_MAX, "\xFF\xFF\xFF\xFF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_kit k;
        qn_mem mem;
        qn_arena arena;
        qn_tensor x;
        quern_error err;
        qn_note(t, "case %zu", i);
        arena_of(&mem, &arena);
        start(&k);
        qn_pb_put_varint(&k.buf, cases[i].field, cases[i].entry); /* before the dims */
        qn_kit_tensor_head(&k, "w", cases[i].dtype, "1");
        CHECK_OK(t, decode(t, &k, &arena, QN_ONNX_ALIGNED, &x, &err), &err);
        check_bytes(t, &x, cases[i].want, qn_dtype_size(cases[i].dtype));
        qn_arena_done(&arena);
    }
}

void test_onnx_strings_and_bools(qn_test *t)
{
    qn_kit k;
    qn_mem mem;
    qn_arena arena;
    qn_tensor x;
    quern_error err;
    arena_of(&mem, &arena);
    start(&k);
    qn_pb_put_bytes(&k.buf, TENSOR_STRING_DATA, "a\0b", 3);
    qn_kit_tensor_head(&k, "w", QUERN_STRING, "2");
    qn_pb_put_text(&k.buf, TENSOR_STRING_DATA, "");
    CHECK_OK(t, decode(t, &k, &arena, QN_ONNX_ALIGNED, &x, &err), &err);
    const qn_str *s = x.data;
    CHECK(t, s && s[0].n == 3 && !memcmp(s[0].p, "a\0b", 3) && s[1].n == 0);
    start(&k);
    qn_kit_tensor_head(&k, "w", QUERN_BOOL, "3");
    qn_pb_put_bytes(&k.buf, TENSOR_RAW_DATA, "\x00\x02\xFF", 3);
    CHECK_OK(t, decode(t, &k, &arena, QN_ONNX_ALIGNED, &x, &err), &err);
    check_bytes(t, &x, "\x00\x01\x01", 3); /* a bool is 0 or 1 in memory */
    qn_arena_done(&arena);
}

/* What sizes and fields a TensorProto refuses, with both numbers. */
void test_onnx_tensor_refused(qn_test *t)
{
    static const struct {
        quern_dtype dtype;
        const char *dims;
        uint32_t field; /* 0: no data */
        int entries;
        quern_status status;
        const char *part;
    } cases[] = {
        {QUERN_FLOAT, "2 3", TENSOR_RAW_DATA, 23, QUERN_FORMAT,
         "raw_data has 23 bytes but [2,3] of float32 needs 24"},
        {QUERN_FLOAT, "2", 0, 0, QUERN_FORMAT, "data has 0 bytes but [2]"},
        {QUERN_INT4, "3", TENSOR_RAW_DATA, 3, QUERN_FORMAT, "needs 2"},
        {QUERN_INT64, "2", TENSOR_INT64_DATA, 3, QUERN_FORMAT,
         "int64_data has 3 entries but [2] of int64 needs 2"},
        {QUERN_FLOAT, "2", TENSOR_INT64_DATA, 2, QUERN_FORMAT,
         "int64_data does not go with element type float32"},
        {QUERN_STRING, "2", TENSOR_RAW_DATA, 2, QUERN_FORMAT, "must be in string_data"},
        {QUERN_STRING, "2", 0, 0, QUERN_FORMAT, "string_data has 0 entries"},
        {QUERN_UNDEFINED, "2", TENSOR_RAW_DATA, 8, QUERN_FORMAT, "type is not given"},
        {(quern_dtype)27, "2", TENSOR_RAW_DATA, 8, QUERN_UNSUPPORTED, "type 27"},
        {QUERN_FLOAT, "-1", TENSOR_RAW_DATA, 4, QUERN_SHAPE, "-1"},
        {QUERN_FLOAT, "4294967296 4294967296", TENSOR_RAW_DATA, 4, QUERN_LIMIT, ""},
        {QUERN_DOUBLE, "1152921504606846977 8", TENSOR_RAW_DATA, 8, QUERN_LIMIT, ""},
        {QUERN_FLOAT, "1 1 1 1 1 1 1 1 1", TENSOR_RAW_DATA, 4, QUERN_LIMIT, "above 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_kit k;
        qn_mem mem;
        qn_arena arena;
        qn_tensor x;
        quern_error err = {0};
        char zeros[32] = {0};
        qn_note(t, "case %zu", i);
        arena_of(&mem, &arena);
        start(&k);
        qn_kit_tensor_head(&k, "w", cases[i].dtype, cases[i].dims);
        if (cases[i].field)
            qn_pb_put_bytes(&k.buf, cases[i].field, zeros, (size_t)cases[i].entries);
        CHECK_FAILS(t, decode(t, &k, &arena, QN_ONNX_ALIGNED, &x, &err),
                    cases[i].status, &err, cases[i].part);
        qn_arena_done(&arena);
    }
}

/* ---- value files ---- */

void test_onnx_value_files(qn_test *t)
{
    qn_kit k;
    qn_mem mem;
    qn_arena arena;
    quern_error err;
    float f[] = {1, 2, 3};
    uint8_t n4[] = {1, 0xFF, 7};
    arena_of(&mem, &arena);
    qn_tensor items[] = {
        {.dtype = QUERN_FLOAT, .rank = 1, .dim = {3}, .data = f},
        {.dtype = QUERN_FLOAT, .rank = 2, .dim = {2, 1}, .data = f},
    };
    qn_tensor small = {.dtype = QUERN_INT4, .rank = 1, .dim = {3}, .data = n4};
    qn_tensor sequence = {.dtype = QUERN_FLOAT,
                          .kind = QN_SEQUENCE,
                          .rank = 1,
                          .dim = {2},
                          .data = items};
    qn_tensor none = {.kind = QN_NONE}, out;
    const struct {
        qn_tensor *value;
        quern_info info;
    } cases[] = {
        {&items[0], {.dtype = QUERN_FLOAT}},
        {&small, {.dtype = QUERN_INT4}},
        {&sequence, {.dtype = QUERN_FLOAT, .is_sequence = 1}},
        {&items[1], {.dtype = QUERN_FLOAT, .is_optional = 1}},
        {&sequence, {.dtype = QUERN_FLOAT, .is_sequence = 1, .is_optional = 1}},
        {&none, {.dtype = QUERN_FLOAT, .is_optional = 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const qn_tensor *want = cases[i].value;
        const quern_info *info = &cases[i].info;
        qn_note(t, "case %zu", i);
        start(&k);
        CHECK_OK(t, qn_onnx_value_write(&k.buf, want, info->is_optional, &err), &err);
        CHECK_OK(t, qn_onnx_value_parse(&arena, k.buf.p, k.buf.n, info, &out, &err),
                 &err);
        qn_kit_done(&k);
        CHECK_EQ(t, out.kind, want->kind);
        CHECK(t, want->kind == QN_NONE || out.dim[0] == want->dim[0]);
        if (out.kind == QN_TENSOR)
            check_bytes(t, &out, want->data, qn_tensor_bytes(want));
        if (out.kind == QN_SEQUENCE) check_bytes(t, (qn_tensor *)out.data + 1, f, 8);
    }
    start(&k);
    CHECK_FAILS(t, qn_onnx_value_write(&k.buf, &none, false, &err), QUERN_INVALID, &err,
                "only an optional");
    qn_kit_done(&k);
    qn_arena_done(&arena);
}
