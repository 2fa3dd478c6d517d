/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_head.c - other classes for a network: which layer is replaced, what the
 * output becomes, and what had to be untied or freed for it. */
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include "engine/head.h"
#include "formats/onnx.h"

#include <math.h>
#include <string.h>

/* ---- helpers ---- */

static quern_model *parse_raw(qn_test *t, qn_kit *k)
{
    quern_error err;
    quern_model *m = NULL;
    qn_kit_end(k);
    CHECK_OK(t, qn_onnx_parse_raw(k->buf.p, k->buf.n, NULL, &m, &err), &err);
    qn_kit_done(k);
    return m;
}

/* An initializer with numbers of the test's own. */
static void weight(qn_test *t, qn_kit *k, const char *name, const char *dims, size_t n)
{
    qn_kit_tensor(k, name, QUERN_FLOAT, dims, qn_random_floats(t, n),
                  n * sizeof(float));
}

static void ints(qn_kit *k, const char *name, const char *dims, const int64_t *v,
                 size_t n)
{
    qn_kit_tensor(k, name, QUERN_INT64, dims, v, n * sizeof *v);
}

static void begin(qn_kit *k, const char *dims)
{
    qn_kit_begin(k, 8, 17);
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, dims);
}

/* Writes, parses and runs on x; the shape of output 0 as text, its numbers in out. */
static const char *run(qn_test *t, const quern_model *raw, const quern_tensor *x,
                       char shape[QN_SHAPE_TEXT], float *out, size_t room)
{
    quern_session_options so = {.size = sizeof so, .n_threads = 1};
    qn_mem mem;
    qn_buf bytes;
    quern_model *m = NULL;
    quern_session *s = NULL;
    quern_tensor y;
    quern_error err;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&bytes, &mem);
    strcpy(shape, "failed");
    if (CHECK_OK(t, qn_onnx_write(&bytes, raw, &err), &err) &&
        CHECK_OK(t, quern_model_parse(bytes.p, bytes.n, NULL, &m, &err), &err) &&
        CHECK_OK(t, quern_session_create(m, &so, &s, &err), &err) &&
        CHECK_OK(t, quern_session_bind(s, 0, x, &err), &err) &&
        CHECK_OK(t, quern_run(s, &err), &err) &&
        CHECK_OK(t, quern_session_output(s, 0, &y, &err), &err)) {
        qn_tensor like = {.dtype = y.dtype, .rank = y.rank};
        memcpy(like.dim, y.dim, sizeof like.dim);
        qn_shape_text(shape, &like);
        const size_t n = (size_t)qn_tensor_count(&like);
        if (out && CHECK(t, n <= room)) memcpy(out, y.data, n * sizeof *out);
    }
    quern_session_free(s);
    quern_model_free(m);
    qn_buf_done(&bytes);
    return shape;
}

static quern_tensor picture(qn_test *t, int rank, const int64_t *dim)
{
    quern_tensor x = {.dtype = QUERN_FLOAT, .rank = rank};
    size_t n = 1;
    for (int d = 0; d < rank; d++)
        n *= (size_t)(x.dim[d] = dim[d]);
    x.data = qn_random_floats(t, n);
    return x;
}

static const qn_value *initializer(const quern_model *m, const char *name)
{
    for (int i = 0; i < m->graph->n_values; i++)
        if (m->graph->values[i]->constant && !strcmp(m->graph->values[i]->name, name))
            return m->graph->values[i];
    return NULL;
}

/* Replaces the head for 3 classes and checks what became of it. */
static void check_head(qn_test *t, quern_model *m, const char *w, const char *w_shape,
                       const char *bias, const quern_tensor *x)
{
    const qn_head_options opt = {.n_classes = 3, .seed = 1};
    char shape[QN_SHAPE_TEXT];
    float y[8] = {0};
    qn_head head;
    quern_error err;
    REQUIRE(t, m);
    REQUIRE_OK(t, qn_head_replace(m, &opt, &head, &err), &err);
    CHECK_STR(t, head.weight, w);
    CHECK_STR(t, head.bias ? head.bias : "-", bias);
    CHECK_EQ(t, head.had, 4);
    CHECK(t, !head.is_kept);
    const qn_value *v = initializer(m, w);
    if (CHECK(t, v)) CHECK_STR(t, QN_SHAPE(v->constant), w_shape);
    CHECK_EQ(t, m->graph->n_outputs, 1);
    CHECK_STR(t, m->graph->outputs[0]->name, "y");
    if (m->graph->outputs[0]->rank > 0) CHECK_EQ(t, m->graph->outputs[0]->dim[1], 3);
    CHECK_STR(t, run(t, m, x, shape, y, 8), "[2,3]");
    CHECK(t, y[0] != 0 && y[0] != y[1] && y[0] != y[3]);
    /* logits do not add up to 1 */
    CHECK(t, fabsf(y[0] + y[1] + y[2] - 1) > 1e-6F);
    quern_model_free(m);
}

/* ---- one head ---- */

void test_head_gemm(qn_test *t)
{
    qn_kit k;
    const quern_tensor x = picture(t, 2, (int64_t[]){2, 5});
    begin(&k, "N 5");
    weight(t, &k, "w", "4 5", 20);
    weight(t, &k, "b", "4", 4);
    size_t n = qn_kit_open(&k, GRAPH_NODE, "Gemm x w b -> s");
    qn_kit_int(&k, "transB", 1);
    qn_pb_end(&k.buf, n);
    qn_kit_node(&k, "Softmax s -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "N 4");
    check_head(t, parse_raw(t, &k), "w", "[3,5]", "b", &x);

    /* [F,C] without a bias, the name of the output on the scores themselves */
    begin(&k, "N 5");
    weight(t, &k, "w", "5 4", 20);
    qn_kit_node(&k, "Gemm x w -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "N 4");
    check_head(t, parse_raw(t, &k), "w", "[5,3]", "-", &x);
}

/* MatMul and the Add behind it; the weights also serve another layer, in front. */
void test_head_matmul(qn_test *t)
{
    qn_kit k;
    const quern_tensor x = picture(t, 2, (int64_t[]){2, 4});
    begin(&k, "N 4");
    weight(t, &k, "w", "4 4", 16);
    weight(t, &k, "b", "1 4", 4);
    qn_kit_node(&k, "MatMul x w -> m1");
    qn_kit_node(&k, "Relu m1 -> r");
    qn_kit_node(&k, "MatMul r w -> m2");
    qn_kit_node(&k, "Add b m2 -> s");
    qn_kit_node(&k, "LogSoftmax s -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "N 4");
    check_head(t, parse_raw(t, &k), "w", "[4,3]", "b", &x);
}

static void convolution(qn_test *t, qn_kit *k, const char *tail)
{
    begin(k, "N 2 3 3");
    weight(t, k, "w", "4 2 1 1", 8);
    weight(t, k, "b", "4", 4);
    ints(k, "flat", "2", (int64_t[]){-1, 4}, 2);
    qn_kit_node(k, "Conv x w b -> c");
    for (; *tail; tail += strlen(tail) + 1)
        qn_kit_node(k, tail);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

/* Convolutions as in SqueezeNet: with and without what makes their maps scores. */
void test_head_conv(qn_test *t)
{
    static const char *const tails[] = {
        "Relu c -> r\0GlobalAveragePool r -> p\0Flatten p -> y\0",
        "GlobalAveragePool c -> p\0Reshape p flat -> f\0Softmax f -> y\0",
        "Relu c -> r\0GlobalAveragePool r -> y\0", "Identity c -> y\0"};
    const quern_tensor x = picture(t, 4, (int64_t[]){2, 2, 3, 3});
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        qn_kit k;
        qn_note(t, "tail %zu", i);
        convolution(t, &k, tails[i]);
        check_head(t, parse_raw(t, &k), "w", "[3,2,1,1]", "b", &x);
    }
}

void test_head_kept(qn_test *t)
{
    const qn_head_options opt = {.n_classes = 4, .keep = true, .seed = 1};
    const quern_tensor x = picture(t, 4, (int64_t[]){2, 2, 3, 3});
    char shape[QN_SHAPE_TEXT];
    qn_kit k;
    qn_head head;
    quern_error err;
    convolution(t, &k, "GlobalAveragePool c -> p\0Flatten p -> f\0Softmax f -> y\0");
    quern_model *m = parse_raw(t, &k);
    REQUIRE(t, m);
    const void *before = initializer(m, "w")->constant->data;
    CHECK_OK(t, qn_head_replace(m, &opt, &head, &err), &err);
    CHECK(t, head.is_kept && initializer(m, "w")->constant->data == before);
    CHECK_STR(t, m->graph->last->op_type, "Flatten");
    CHECK_STR(t, m->graph->outputs[0]->name, "y");
    CHECK_STR(t, run(t, m, &x, shape, NULL, 0), "[2,4]");
    quern_model_free(m);
}

/* ---- which one ---- */

static quern_model *two_heads(qn_test *t)
{
    qn_kit k;
    begin(&k, "N 5");
    weight(t, &k, "w0", "5 5", 25);
    weight(t, &k, "w1", "5 4", 20);
    weight(t, &k, "w2", "5 4", 20);
    qn_kit_node(&k, "MatMul x w0 -> h");
    qn_kit_node(&k, "MatMul h w1 -> a");
    qn_kit_node(&k, "MatMul h w2 -> b");
    qn_kit_node(&k, "Softmax b -> pb");
    qn_kit_value(&k, GRAPH_OUTPUT, "a", QUERN_FLOAT, "N 4");
    qn_kit_value(&k, GRAPH_OUTPUT, "pb", QUERN_FLOAT, "N 4");
    return parse_raw(t, &k);
}

void test_head_choice(qn_test *t)
{
    qn_head_options opt = {.n_classes = 3};
    char shape[QN_SHAPE_TEXT];
    const quern_tensor x = picture(t, 2, (int64_t[]){2, 5});
    quern_error err;
    quern_model *m = two_heads(t);
    REQUIRE(t, m);
    CHECK_FAILS(t, qn_head_replace(m, &opt, NULL, &err), QUERN_INVALID, &err,
                "2 layers may be the head: 'MatMul -> a', 'MatMul -> b'");
    opt.node = "c";
    CHECK_FAILS(t, qn_head_replace(m, &opt, NULL, &err), QUERN_INVALID, &err,
                "no node is called 'c'");
    opt.node = "pb";
    CHECK_FAILS(t, qn_head_replace(m, &opt, NULL, &err), QUERN_INVALID, &err,
                "cannot be the head");
    opt.node = "b";
    CHECK_OK(t, qn_head_replace(m, &opt, NULL, &err), &err);
    CHECK_EQ(t, m->graph->n_outputs, 1);
    CHECK_STR(t, m->graph->outputs[0]->name, "pb");
    CHECK(t, !initializer(m, "w1")); /* of the other head */
    CHECK_STR(t, run(t, m, &x, shape, NULL, 0), "[2,3]");
    quern_model_free(m);

    m = two_heads(t); /* in the middle: the rest is cut off */
    opt.node = "h";
    CHECK_OK(t, qn_head_replace(m, &opt, NULL, &err), &err);
    CHECK_EQ(t, m->graph->n_nodes, 1);
    CHECK_STR(t, run(t, m, &x, shape, NULL, 0), "[2,3]");
    quern_model_free(m);
}

void test_head_none(qn_test *t)
{
    const qn_head_options opt = {.n_classes = 3}, one = {.n_classes = 1};
    qn_kit k;
    quern_error err;
    begin(&k, "N 5");
    weight(t, &k, "w", "5 4", 20);
    qn_kit_node(&k, "MatMul x w -> h");
    qn_kit_node(&k, "Tanh h -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "N 4");
    quern_model *m = parse_raw(t, &k);
    REQUIRE(t, m);
    CHECK_FAILS(t, qn_head_replace(m, &opt, NULL, &err), QUERN_INVALID, &err,
                "output 'y' comes from Tanh -> y, not from a linear layer");
    CHECK_FAILS(t, qn_head_replace(m, &one, NULL, &err), QUERN_INVALID, &err,
                "1 classes");
    quern_model_free(m);
}

/* ---- untying ---- */

/* Two normalisations of equal numbers, as exporters store them: once. */
void test_raw_untie(qn_test *t)
{
    const quern_tensor x = picture(t, 4, (int64_t[]){2, 2, 3, 3});
    float before[36], after[36];
    char shape[QN_SHAPE_TEXT];
    qn_kit k;
    quern_error err;
    begin(&k, "N 2 3 3");
    weight(t, &k, "zeros", "2", 2);
    qn_kit_tensor(&k, "ones", QUERN_FLOAT, "2", (float[]){1, 1}, 8);
    qn_kit_node(&k, "Identity zeros -> bias2");
    qn_kit_node(&k, "Identity bias2 -> mean2");
    qn_kit_node(&k, "BatchNormalization x ones zeros zeros ones -> a");
    qn_kit_node(&k, "BatchNormalization a ones bias2 mean2 ones -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "N 2 3 3");
    quern_model *m = parse_raw(t, &k);
    REQUIRE(t, m);
    run(t, m, &x, shape, before, 36);
    CHECK_OK(t, qn_raw_untie(m, &err), &err);
    run(t, m, &x, shape, after, 36);
    CHECK(t, !memcmp(before, after, sizeof before));
    CHECK_EQ(t, m->graph->n_nodes, 2);
    const qn_value *seen[8];
    for (int i = 0; i < 8; i++) {
        seen[i] = (i < 4 ? m->graph->first : m->graph->last)->in[1 + i % 4];
        CHECK(t, seen[i]->constant);
        for (int j = 0; j < i; j++)
            CHECK(t, seen[i] != seen[j] && strcmp(seen[i]->name, seen[j]->name));
    }
    CHECK_STR(t, seen[5]->name, "bias2");
    CHECK_STR(t, seen[6]->name, "mean2");
    quern_model_free(m);
}

/* ---- the batch ---- */

/* One picture [1,2,3,3] through a line of nodes. */
static quern_model *line(qn_test *t, const char *nodes)
{
    static const int64_t part[] = {1, -1}, whole[] = {1, 18}, heads[] = {1, 3, 6},
                         merged[] = {2, 9}, zero[] = {0};
    qn_kit k;
    begin(&k, "1 2 3 3");
    ints(&k, "part", "2", part, 2);
    ints(&k, "whole", "2", whole, 2);
    ints(&k, "heads", "3", heads, 3);
    ints(&k, "merged", "2", merged, 2);
    ints(&k, "zero", "1", zero, 1);
    weight(t, &k, "one", "1 2 3 3", 18);
    for (; *nodes; nodes += strlen(nodes) + 1)
        qn_kit_node(&k, nodes);
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "1 18");
    return parse_raw(t, &k);
}

void test_raw_free_batch(qn_test *t)
{
    static const char *const good[] = {
        "Flatten x -> y\0", "Reshape x part -> y\0", "Reshape x whole -> y\0",
        "Reshape x merged -> m\0Relu m -> r\0Reshape r whole -> y\0",
        "Add x one -> a\0Reshape a heads -> h\0Reshape h part -> y\0"};
    const quern_tensor x = picture(t, 4, (int64_t[]){3, 2, 3, 3});
    char shape[QN_SHAPE_TEXT];
    float y[54];
    quern_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        qn_note(t, "line %zu", i);
        quern_model *m = line(t, good[i]);
        REQUIRE(t, m);
        CHECK_OK(t, qn_raw_free_batch(m, &err), &err);
        CHECK_STR(t, m->graph->inputs[0]->symbol[0], "batch");
        CHECK_STR(t, m->graph->outputs[0]->symbol[0], "batch");
        CHECK_EQ(t, m->graph->outputs[0]->dim[1], 18);
        CHECK_STR(t, run(t, m, &x, shape, y, 54), "[3,18]");
        if (i < 4) CHECK(t, y[20] == ((const float *)x.data)[20] || i == 3);
        quern_model_free(m);
    }
}

void test_raw_batch_held(qn_test *t)
{
    static const char *const bad[][2] = {
        {"Concat x one -> c\0Flatten c -> y\0", "joins pictures to a longer batch"},
        {"Squeeze x zero -> s\0Reshape s whole -> y\0", "squeezes the batch"},
        {"ReduceSum x zero -> s\0Reshape s whole -> y\0", "reduces over the batch"},
        {"Gather x zero -> g\0Reshape g whole -> y\0", "picks from the batch"},
        {"Transpose x -> p\0Reshape p whole -> y\0", "reshapes to a fixed size"},
        {"Reshape x merged -> m\0Reshape m part -> y\0", "reshapes to a fixed size"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        quern_error err;
        quern_model *m = line(t, bad[i][0]);
        REQUIRE(t, m);
        if (i == 0)
            CHECK_OK(t, qn_node_set_int(m->graph->first, "axis", 0, &err), &err);
        CHECK_FAILS(t, qn_raw_free_batch(m, &err), QUERN_UNSUPPORTED, &err, bad[i][1]);
        quern_model_free(m);
    }
}

/* ---- bad input ---- */

/* Everything that may be done to a model, in a row; nothing may crash. */
static quern_status try_surgery(qn_test *t, const void *bytes, size_t n,
                                const quern_allocator *allocator, const char *node)
{
    const quern_model_options mo = {
        .size = sizeof mo, .allocator = allocator, .max_bytes = (size_t)64 << 20};
    const qn_head_options opt = {.n_classes = 5, .node = node};
    qn_mem mem;
    qn_buf out;
    quern_model *m;
    quern_error err = {0};
    quern_status status = qn_onnx_parse_raw(bytes, n, &mo, &m, &err);
    if (status != QUERN_OK) return status;
    status = qn_raw_free_batch(m, &err);
    if (status == QUERN_OK || status == QUERN_UNSUPPORTED)
        status = qn_head_replace(m, &opt, NULL, &err);
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    if (status == QUERN_OK) {
        CHECK_OK(t, qn_onnx_write(&out, m, &err), &err);
        qn_kit_try(out.p, out.n, &err);
    } else {
        CHECK(t, *err.text);
    }
    qn_buf_done(&out);
    quern_model_free(m);
    return status;
}

static void hostile_seed(qn_test *t, int i, const char *node)
{
    qn_kit k;
    qn_kit_seed(&k, i);
    for (size_t at = 0; at < k.buf.n; at++) {
        const int bit = (int)qn_test_int(t, 0, 7);
        k.buf.p[at] = (char)(k.buf.p[at] ^ 1 << bit);
        qn_note(t, "seed %d, bit %d of byte %zu", i, bit, at);
        try_surgery(t, k.buf.p, k.buf.n, NULL, node);
        k.buf.p[at] = (char)(k.buf.p[at] ^ 1 << bit);
    }
    qn_kit_done(&k);
}

/* A squeezenet in small, with what surgery looks at. */
static void make_target(qn_test *t, qn_kit *k)
{
    static const int64_t flat[] = {1, 4};
    begin(k, "1 2 3 3");
    weight(t, k, "w", "4 2 1 1", 8);
    weight(t, k, "b", "4", 4);
    ints(k, "flat", "2", flat, 2);
    qn_kit_node(k, "Identity b -> b2");
    qn_kit_node(k, "Conv x w b2 -> c");
    qn_kit_node(k, "GlobalAveragePool c -> p");
    qn_kit_node(k, "Reshape p flat -> f");
    qn_kit_node(k, "Add f b -> a");
    qn_kit_node(k, "Softmax a -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "1 4");
    qn_kit_end(k);
}

void test_head_hostile(qn_test *t)
{
    qn_kit k;
    for (int i = 0; i < qn_kit_seeds(); i++)
        hostile_seed(t, i, i % 2 ? "y" : NULL);
    make_target(t, &k);
    CHECK_EQ(t, try_surgery(t, k.buf.p, k.buf.n, NULL, NULL), QUERN_OK);
    for (size_t at = 0; at < 8 * k.buf.n; at++) {
        k.buf.p[at / 8] = (char)(k.buf.p[at / 8] ^ 1 << at % 8);
        qn_note(t, "bit %zu", at);
        try_surgery(t, k.buf.p, k.buf.n, NULL, at % 3 ? NULL : "c");
        k.buf.p[at / 8] = (char)(k.buf.p[at / 8] ^ 1 << at % 8);
    }
    qn_kit_done(&k);
}

void test_head_memory(qn_test *t)
{
    quern_status status = QUERN_MEMORY;
    qn_kit k;
    make_target(t, &k);
    for (int64_t n = 1; status != QUERN_OK; n++) {
        qn_heap heap = {.fail_at = n};
        quern_allocator a = qn_heap_allocator(&heap);
        qn_note(t, "allocation %lld fails", (long long)n);
        status = try_surgery(t, k.buf.p, k.buf.n, &a, NULL);
        if (status != QUERN_OK) CHECK_EQ(t, status, QUERN_MEMORY);
        CHECK_EQ(t, heap.blocks, 0);
    }
    qn_kit_done(&k);
}
