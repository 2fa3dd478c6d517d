/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_qlinear.c - quantised operators that are lowered give what their
 * spelled-out form gives; inputs with a default may be left alone. */
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include <string.h>

static const uint8_t pixels[12] = {0, 3, 9, 40, 77, 120, 121, 140, 180, 200, 250, 255};

static void parameters(qn_kit *k)
{
    static const float xs = 0.02f, ys = 0.03f;
    static const uint8_t xz = 120, yz = 100;
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_UINT8, "1 2 2 3");
    qn_kit_tensor(k, "xs", QUERN_FLOAT, "", &xs, sizeof xs);
    qn_kit_tensor(k, "ys", QUERN_FLOAT, "", &ys, sizeof ys);
    qn_kit_tensor(k, "xz", QUERN_UINT8, "", &xz, 1);
    qn_kit_tensor(k, "yz", QUERN_UINT8, "", &yz, 1);
}

static void microsoft(qn_kit *k, const char *text)
{
    size_t node = qn_kit_open(k, GRAPH_NODE, text);
    qn_pb_put_text(&k->buf, NODE_DOMAIN, "com.microsoft");
    if (strstr(text, "Concat")) qn_kit_int(k, "axis", 1);
    qn_pb_end(&k->buf, node);
}

static void finish(qn_kit *k)
{
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_UINT8, NULL);
    qn_kit_end(k);
    qn_kit_opset(k, MODEL_OPSET_IMPORT, "com.microsoft", 1);
}

static int run(qn_test *t, qn_kit *k, uint8_t *y)
{
    quern_model *model;
    quern_session *s = NULL;
    quern_error err;
    quern_tensor out = {0}, x = {.dtype = QUERN_UINT8,
                                 .rank = 4,
                                 .dim = {1, 2, 2, 3},
                                 .data = (void *)(uintptr_t)pixels};
    int n = 0;
    if (!CHECK_OK(t, quern_model_parse(k->buf.p, k->buf.n, NULL, &model, &err), &err))
        return 0;
    if (CHECK_OK(t, quern_session_create(model, NULL, &s, &err), &err) &&
        CHECK_OK(t, quern_session_bind(s, 0, &x, &err), &err) &&
        CHECK_OK(t, quern_run(s, &err), &err) &&
        CHECK_OK(t, quern_session_output(s, 0, &out, &err), &err)) {
        n = (int)(out.dim[0] * out.dim[1] * out.dim[2] * out.dim[3]);
        memcpy(y, out.data, (size_t)n);
    }
    quern_session_free(s);
    quern_model_free(model);
    return n;
}

static void same(qn_test *t, qn_kit *lowered, qn_kit *spelled)
{
    uint8_t a[64] = {0}, b[64] = {0};
    int n = run(t, lowered, a);
    CHECK(t, n > 0);
    CHECK_EQ(t, run(t, spelled, b), n);
    CHECK(t, memcmp(a, b, sizeof a) == 0);
    qn_kit_done(lowered);
    qn_kit_done(spelled);
}

void test_qlinear_lowered(qn_test *t)
{
    qn_kit a, b;
    qn_kit_begin(&a, 8, 17);
    parameters(&a);
    microsoft(&a, "QLinearGlobalAveragePool x xs xz ys yz -> y");
    finish(&a);
    qn_kit_begin(&b, 8, 17);
    parameters(&b);
    qn_kit_node(&b, "DequantizeLinear x xs xz -> f");
    qn_kit_node(&b, "GlobalAveragePool f -> g");
    qn_kit_node(&b, "QuantizeLinear g ys yz -> y");
    finish(&b);
    same(t, &a, &b);

    qn_kit_begin(&a, 8, 17);
    parameters(&a);
    microsoft(&a, "QLinearConcat ys yz x xs xz x ys yz -> y");
    finish(&a);
    qn_kit_begin(&b, 8, 17);
    parameters(&b);
    qn_kit_node(&b, "DequantizeLinear x xs xz -> f");
    qn_kit_node(&b, "DequantizeLinear x ys yz -> g");
    size_t node = qn_kit_open(&b, GRAPH_NODE, "Concat f g -> h");
    qn_kit_int(&b, "axis", 1);
    qn_pb_end(&b.buf, node);
    qn_kit_node(&b, "QuantizeLinear h ys yz -> y");
    finish(&b);
    same(t, &a, &b);
}

/* y = x + b where b is an initializer and an input: bound, or left alone. */
void test_input_default(qn_test *t)
{
    static const float two = 2;
    float one = 1, ten = 10;
    qn_kit k;
    quern_model *model;
    quern_session *s = NULL;
    quern_error err;
    quern_tensor in = {.dtype = QUERN_FLOAT, .data = &one}, out = {0};
    quern_model_options opt = {.size = sizeof opt, .keep_overridable = 1};
    qn_kit_begin(&k, 8, 17);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "");
    qn_kit_value(&k, GRAPH_INPUT, "b", QUERN_FLOAT, "");
    qn_kit_tensor(&k, "b", QUERN_FLOAT, "", &two, sizeof two);
    qn_kit_node(&k, "Add x b -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "");
    qn_kit_end(&k);
    REQUIRE_OK(t, quern_model_parse(k.buf.p, k.buf.n, &opt, &model, &err), &err);
    CHECK_EQ(t, quern_model_n_inputs(model), 2);
    CHECK_OK(t, quern_session_create(model, NULL, &s, &err), &err);
    for (int bound = 0; s && bound < 2; bound++) {
        in.data = &one;
        CHECK_OK(t, quern_session_bind(s, 0, &in, &err), &err);
        in.data = &ten;
        if (bound) CHECK_OK(t, quern_session_bind(s, 1, &in, &err), &err);
        CHECK_OK(t, quern_run(s, &err), &err);
        if (CHECK_OK(t, quern_session_output(s, 0, &out, &err), &err))
            CHECK_WITHIN(t, *(const float *)out.data, bound ? 11 : 3, 0);
    }
    quern_session_free(s);
    quern_model_free(model);
    qn_kit_done(&k);
}
