/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_export.c - trained numbers and the recipe of the pictures end up in a file
 * that loads as it is. */
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include "engine/head.h"
#include "engine/nets.h"
#include "formats/onnx_export.h"
#include "tools/recipe.h"

#include <math.h>
#include <string.h>

static quern_model *build(qn_test *t, const char *net, int channels)
{
    const qn_net_options opt = {
        .height = 28, .width = 28, .channels = channels, .n_classes = 3, .seed = 4};
    quern_model *m = NULL;
    quern_error err;
    CHECK_OK(t, qn_net_build(qn_net_find(net), &opt, NULL, &m, &err), &err);
    return m;
}

/* A file of the model, opened to run. */
static quern_model *exported(qn_test *t, const quern_model *raw)
{
    const char *path = qn_temp(t, "m.onnx");
    quern_model *m = NULL;
    quern_error err;
    CHECK_OK(t, qn_onnx_save(raw, path, &err), &err);
    CHECK_OK(t, quern_model_open(path, NULL, &m, &err), &err);
    return m;
}

static void scores(qn_test *t, const quern_model *m, const quern_tensor *x,
                   float out[3])
{
    quern_session_options so = {.size = sizeof so, .n_threads = 1};
    quern_session *s;
    quern_tensor y;
    quern_error err;
    REQUIRE_OK(t, quern_session_create(m, &so, &s, &err), &err);
    if (CHECK_OK(t, quern_session_bind(s, 0, x, &err), &err) &&
        CHECK_OK(t, quern_run(s, &err), &err) &&
        CHECK_OK(t, quern_session_output(s, 0, &y, &err), &err))
        memcpy(out, y.data, 3 * sizeof *out);
    quern_session_free(s);
}

/* The weights of another seed, given by name, make the network of that seed. */
void test_export_weights(qn_test *t)
{
    const quern_tensor x = {.dtype = QUERN_FLOAT,
                            .rank = 4,
                            .dim = {1, 1, 28, 28},
                            .data = qn_random_floats(t, 28 * 28)};
    enum { MOST = 64 };
    qn_export_weight w[MOST];
    int n = 0;
    float want[3] = {0}, got[3] = {1}, before[3] = {2};
    quern_error err;
    quern_model *from = build(t, "fast16", 1), *to = build(t, "fast16", 1);
    REQUIRE(t, from && to);
    for (int i = from->graph->n_values - 1; i >= 0 && n < MOST; i--) {
        const qn_value *v = from->graph->values[i];
        if (!v->constant) continue;
        const int64_t count = qn_tensor_count(v->constant);
        float *p = v->constant->data;
        for (int64_t k = 0; k < count; k++)
            p[k] = (float)qn_test_uniform(t, 0.01, 0.5); /* variances stay positive */
        w[n++] = (qn_export_weight){v->name, p, count};
    }
    quern_model *a = exported(t, from), *b = exported(t, to);
    scores(t, a, &x, want);
    scores(t, b, &x, before);
    quern_model_free(b);
    CHECK_OK(t, qn_export_weights(to, w, n, &err), &err);
    const size_t used = to->arena.used;
    CHECK_OK(t, qn_export_weights(to, w, n, &err), &err);
    CHECK_EQ(t, to->arena.used, used); /* exports need no more memory each */
    b = exported(t, to);
    scores(t, b, &x, got);
    CHECK(t, !memcmp(want, got, sizeof want));
    CHECK(t, memcmp(want, before, sizeof want) != 0);
    quern_model_free(a);
    quern_model_free(b);
    quern_model_free(from);
    quern_model_free(to);
}

void test_export_refuses(qn_test *t)
{
    const float x[3] = {7, 7, 7};
    const qn_export_weight missing[] = {{"fc.bias", x, 3}, {"fc.bia", x, 3}},
                           short_one[] = {{"fc.bias", x, 3}, {"fc.weight", x, 3}};
    quern_error err;
    quern_model *m = build(t, "tiny", 1);
    REQUIRE(t, m);
    CHECK_FAILS(t, qn_export_weights(m, missing, 2, &err), QUERN_INVALID, &err,
                "the model has no initializer 'fc.bia'");
    CHECK_FAILS(t, qn_export_weights(m, short_one, 2, &err), QUERN_SHAPE, &err,
                "initializer 'fc.weight' is float32 [3,64], not 3 floats");
    const qn_tensor *bias = m->graph->last->in[2]->constant;
    CHECK(t, ((const float *)bias->data)[0] == 0); /* nothing was changed */
    quern_model_free(m);
}

/* What is written is what classify reads. */
void test_export_metadata(qn_test *t)
{
    static const char *const names[] = {"a \"cat\"", "d\xc3\xb6g", "b\\c"};
    const qn_export_recipe say = {.height = 28,
                                  .width = 28,
                                  .resize = "crop",
                                  .channels = "bgr",
                                  .n_channels = 3,
                                  .mean = {0.1, 0.2, 1.0 / 3},
                                  .std = {0.25, 0.5, 1},
                                  .temperature = 1.25,
                                  .classes = names,
                                  .n_classes = 3};
    qn_mem mem;
    qn_arena arena;
    qn_recipe r;
    quern_info input;
    quern_error err;
    quern_model *raw = build(t, "tiny", 3);
    REQUIRE(t, raw);
    CHECK_OK(t, qn_export_metadata(raw, &say, &err), &err);
    CHECK_OK(t, qn_export_metadata(raw, &say, &err), &err); /* replaces */
    CHECK_EQ(t, raw->n_metadata, 8);
    quern_model *m = exported(t, raw);
    REQUIRE(t, m);
    CHECK_STR(t, quern_model_metadata(m, "quern.classes"),
              "[\"a \\\"cat\\\"\",\"d\xc3\xb6g\",\"b\\\\c\"]");
    CHECK_STR(t, quern_model_metadata(m, "quern.mean"), "0.1,0.2,0.3333333333333333");
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    quern_model_input(m, 0, &input);
    CHECK_OK(t, qn_recipe_read(&r, m, &input, NULL, &arena, &err), &err);
    CHECK(t, r.height == 28 && r.width == 28 && r.fitting == QN_CROP && r.is_bgr);
    CHECK(t, !memcmp(r.mean, say.mean, sizeof r.mean));
    CHECK(t, !memcmp(r.std, say.std, sizeof r.std) && r.temperature == 1.25);
    for (int i = 0; i < r.n_classes; i++)
        CHECK_STR(t, r.classes[i], names[i]);
    qn_arena_done(&arena);
    quern_model_free(m);
    quern_model_free(raw);
}

/* Files from training mode: statistics of the batch go, unless somebody reads them. */
void test_raw_inference(qn_test *t)
{
    for (int is_read = 0; is_read < 2; is_read++) {
        qn_kit k;
        quern_error err;
        quern_model *m;
        qn_kit_begin(&k, 8, 17);
        qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "N 2");
        qn_kit_tensor(&k, "s", QUERN_FLOAT, "2", (float[]){1, 2}, 8);
        qn_kit_tensor(&k, "yes", QUERN_BOOL, "", "\1", 1);
        size_t n = qn_kit_open(&k, GRAPH_NODE, "BatchNormalization x s s s s -> b m v");
        qn_kit_int(&k, "training_mode", 1);
        qn_pb_end(&k.buf, n);
        qn_kit_node(&k, "Dropout b _ yes -> y");
        qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
        if (is_read) qn_kit_value(&k, GRAPH_OUTPUT, "v", QUERN_FLOAT, NULL);
        qn_kit_end(&k);
        REQUIRE_OK(t, qn_onnx_parse_raw(k.buf.p, k.buf.n, NULL, &m, &err), &err);
        if (is_read) {
            CHECK_FAILS(t, qn_raw_inference(m, &err), QUERN_UNSUPPORTED, &err,
                        "output 2 of node");
        } else {
            CHECK_OK(t, qn_raw_inference(m, &err), &err);
            CHECK_EQ(t, m->graph->first->n_attrs, 0);
            CHECK_EQ(t, m->graph->first->n_out, 1);
            CHECK_EQ(t, m->graph->last->n_in, 1);
        }
        quern_model_free(m);
        qn_kit_done(&k);
    }
}
