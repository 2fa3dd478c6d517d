/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_layout.c - one small network with everything that runs blocked in it: both
 * layouts agree, bits do not depend on threads, batch, memory reuse or the cut of the
 * work, and reorders stand only where they must. */
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CLASSES 10
#define SIDE    28

static void weight(qn_test *t, qn_kit *k, const char *name, const char *dims, size_t n,
                   double size)
{
    float *w = qn_random_floats(t, n);
    for (size_t i = 0; i < n; i++)
        w[i] = (float)((double)w[i] * size);
    qn_kit_tensor(k, name, QUERN_FLOAT, dims, w, n * sizeof *w);
}

/* A convolution with a bias; dims of the weight, pads and strides as text. */
typedef struct conv {
    const char *text, *w, *dims, *b, *bias_dims, *pads, *strides;
    int64_t group;
    size_t n, oc;
} conv;

static void add_conv(qn_test *t, qn_kit *k, const conv *c)
{
    double fan = (double)c->n / (double)c->oc;
    weight(t, k, c->w, c->dims, c->n, sqrt(6 / fan));
    weight(t, k, c->b, c->bias_dims, c->oc, 0.1);
    size_t node = qn_kit_open(k, GRAPH_NODE, c->text);
    qn_kit_ints(k, "pads", c->pads);
    qn_kit_ints(k, "strides", c->strides);
    qn_kit_int(k, "group", c->group);
    qn_pb_end(&k->buf, node);
}

static const conv convs[] = {
    {"Conv x w0 b0 -> c0", "w0", "20 3 3 3", "b0", "20", "1 1 1 1", "1 1", 1, 540, 20},
    {"Conv r0 w1 b1 -> c1", "w1", "20 20 3 3", "b1", "20", "1 1 1 1", "1 1", 1, 3600,
     20},
    {"Conv r1 w2 b2 -> c2", "w2", "20 1 5 5", "b2", "20", "2 2 2 2", "2 2", 20, 500,
     20},
    {"Conv c2 w3 b3 -> c3", "w3", "24 20 1 1", "b3", "24", "0 0 0 0", "1 1", 1, 480,
     24},
    {"Conv s0 w4 b4 -> s1", "w4", "24 24 1 1", "b4", "24", "0 0 0 0", "1 1", 1, 576,
     24},
    {"Conv q0 w5 b5 -> c5", "w5", "32 24 3 3", "b5", "32", "1 1 1 1", "1 1", 1, 6912,
     32},
    {"Conv n0 w6 b6 -> c6", "w6", "16 56 3 3", "b6", "16", "1 1 1 1", "2 2", 1, 8064,
     16},
};

static void batch_norm(qn_test *t, qn_kit *k)
{
    weight(t, k, "scale", "56", 56, 1);
    weight(t, k, "shift", "56", 56, 1);
    weight(t, k, "mean", "56", 56, 1);
    float *v = qn_random_floats(t, 56);
    for (int i = 0; i < 56; i++)
        v[i] = v[i] * v[i] + 0.5f;
    qn_kit_tensor(k, "var", QUERN_FLOAT, "56", v, 56 * sizeof *v);
    qn_kit_node(k, "BatchNormalization cat scale shift mean var -> bn");
}

/* Residual addition, depthwise, squeeze and excite, concatenation, batch norm before an
 * activation, pooling both ways. */
static void network(qn_test *t, qn_kit *k)
{
    char input[40];
    snprintf(input, sizeof input, "N 3 %d %d", SIDE, SIDE);
    qn_kit_begin(k, 8, 17);
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, input);
    add_conv(t, k, &convs[0]);
    qn_kit_node(k, "Relu c0 -> r0");
    add_conv(t, k, &convs[1]);
    qn_kit_node(k, "Add c1 r0 -> a1");
    qn_kit_node(k, "Relu a1 -> r1");
    add_conv(t, k, &convs[2]);
    add_conv(t, k, &convs[3]);
    qn_kit_node(k, "GlobalAveragePool c3 -> s0");
    add_conv(t, k, &convs[4]);
    qn_kit_node(k, "Sigmoid s1 -> s2");
    qn_kit_node(k, "Mul c3 s2 -> q0");
    add_conv(t, k, &convs[5]);
    qn_kit_node(k, "HardSwish c5 -> h5");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Concat q0 h5 -> cat");
    qn_kit_int(k, "axis", 1);
    qn_pb_end(&k->buf, node);
    batch_norm(t, k);
    qn_kit_node(k, "Relu bn -> n1");
    float scales[4] = {1, 1, 2, 2};
    qn_kit_tensor(k, "scales", QUERN_FLOAT, "4", scales, sizeof scales);
    node = qn_kit_open(k, GRAPH_NODE, "Resize n1 _ scales -> n0");
    qn_kit_string(k, "mode", "linear");
    qn_pb_end(&k->buf, node);
    add_conv(t, k, &convs[6]);
    node = qn_kit_open(k, GRAPH_NODE, "MaxPool c6 -> p6");
    qn_kit_ints(k, "kernel_shape", "3 3");
    qn_kit_ints(k, "strides", "2 2");
    qn_kit_ints(k, "pads", "1 1 1 1");
    qn_pb_end(&k->buf, node);
    qn_kit_node(k, "GlobalAveragePool p6 -> g");
    qn_kit_node(k, "Flatten g -> f");
    weight(t, k, "w7", "16 10", 160, 1);
    qn_kit_node(k, "MatMul f w7 -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
    qn_kit_end(k);
}

typedef struct fixture {
    qn_kit kit;
    quern_model *model;
    quern_error err;
    float *x; /* [4,3,SIDE,SIDE] */
} fixture;

static bool open_fixture(qn_test *t, fixture *f)
{
    network(t, &f->kit);
    f->x = qn_random_floats(t, 4 * 3 * SIDE * SIDE);
    return CHECK_OK(
        t, quern_model_parse(f->kit.buf.p, f->kit.buf.n, NULL, &f->model, &f->err),
        &f->err);
}

static void close_fixture(fixture *f)
{
    quern_model_free(f->model);
    qn_kit_done(&f->kit);
}

/* Logits of images [first, first + n); false after a failed check. */
static bool logits(qn_test *t, fixture *f, const quern_session_options *opt, int first,
                   int n, float *y, quern_session_stats *stats)
{
    quern_session *s;
    quern_tensor in = {.dtype = QUERN_FLOAT,
                       .rank = 4,
                       .dim = {n, 3, SIDE, SIDE},
                       .data = f->x + (size_t)first * 3 * SIDE * SIDE};
    quern_tensor out = {0};
    if (!CHECK_OK(t, quern_session_create(f->model, opt, &s, &f->err), &f->err))
        return false;
    bool ok = CHECK_OK(t, quern_session_bind(s, 0, &in, &f->err), &f->err) &&
              CHECK_OK(t, quern_run(s, &f->err), &f->err) &&
              CHECK_OK(t, quern_run(s, &f->err), &f->err) && /* over a used slab */
              CHECK_OK(t, quern_session_output(s, 0, &out, &f->err), &f->err) &&
              CHECK_EQ(t, out.dim[0], n) && CHECK_EQ(t, out.dim[1], CLASSES);
    if (ok) memcpy(y, out.data, (size_t)n * CLASSES * sizeof *y);
    if (stats) quern_session_get_stats(s, stats);
    quern_session_free(s);
    return ok;
}

static double worst(const float *a, const float *b, int n)
{
    double most = 0, diff = 0;
    for (int i = 0; i < n; i++) {
        const double size = fabs((double)b[i]), d = fabs((double)a[i] - (double)b[i]);
        if (size > most) most = size;
        if (isnan(d)) return d;
        if (d > diff) diff = d;
    }
    return diff / most;
}

static quern_session_options options(const char *layout, int threads)
{
    return (quern_session_options){.size = sizeof(quern_session_options),
                                   .layout = layout,
                                   .gemm = "own",
                                   .n_threads = threads};
}

void test_layout_agrees(qn_test *t)
{
    fixture f;
    quern_session_stats plain, blocked;
    float a[2 * CLASSES], b[2 * CLASSES];
    REQUIRE(t, open_fixture(t, &f));
    quern_session_options opt = options("plain", 1);
    if (logits(t, &f, &opt, 0, 2, a, &plain)) {
        CHECK_EQ(t, plain.reorders, 0);
        opt = options("blocked", 1);
        if (logits(t, &f, &opt, 0, 2, b, &blocked)) {
            CHECK_WITHIN(t, worst(b, a, 2 * CLASSES), 0, 1e-4);
            CHECK_EQ(t, blocked.reorders, 1); /* in front of Flatten */
            CHECK_EQ(t, blocked.run_allocs, 0);
        }
        opt.no_winograd = 1;
        if (logits(t, &f, &opt, 0, 2, b, NULL))
            CHECK_WITHIN(t, worst(b, a, 2 * CLASSES), 0, 1e-5);
        opt.isa = "ref";
        if (logits(t, &f, &opt, 0, 2, b, NULL))
            CHECK_WITHIN(t, worst(b, a, 2 * CLASSES), 0, 1e-5);
    }
    close_fixture(&f);
}

/* Threads, memory reuse and the batch around an image leave its bits alone. */
void test_layout_same_bits(qn_test *t)
{
    static const int threads[] = {2, 3, 8};
    fixture f;
    float want[4 * CLASSES], got[4 * CLASSES];
    REQUIRE(t, open_fixture(t, &f));
    quern_session_options opt = options("blocked", 1);
    if (!logits(t, &f, &opt, 0, 4, want, NULL)) {
        close_fixture(&f);
        return;
    }
    for (int i = 0; i < 3; i++) {
        opt.n_threads = threads[i];
        if (logits(t, &f, &opt, 0, 4, got, NULL))
            CHECK(t, memcmp(got, want, sizeof want) == 0);
    }
    opt.n_threads = 1;
    opt.no_reuse = 1;
    if (logits(t, &f, &opt, 0, 4, got, NULL))
        CHECK(t, memcmp(got, want, sizeof want) == 0);
    opt.no_reuse = 0;
    opt.poison = 1;
    if (logits(t, &f, &opt, 0, 4, got, NULL))
        CHECK(t, memcmp(got, want, sizeof want) == 0);
    opt.poison = 0;
    for (int n = 0; n < 4; n++)
        if (logits(t, &f, &opt, n, 1, got, NULL))
            CHECK(t, worst(got, want + n * CLASSES, CLASSES) < 1e-6);
    close_fixture(&f);
}
