/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_train_net.c - a network with every kind of layer between convolutions,
 * forward and back: layouts, threads and fusions agree, bits do not depend on threads.
 */
#include "tests/grad_kit.h"
#include "tests/net_grads.h"

#include <stdio.h>

/* BatchNormalization in -> out with weights of that suffix. */
static void put_norm(qn_kit *k, quern_dtype dtype, const char *in_out,
                     const char *suffix, const char *channels, int training)
{
    static const char *const names[] = {"scale", "bias", "mean", "var"};
    char name[16], node[96], in[8], out[8];
    sscanf(in_out, "%7s %7s", in, out);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", names[i], suffix);
        qn_put_weight(k, dtype, name, channels, i % 3 == 0 ? 0.5 : -0.5);
    }
    snprintf(node, sizeof node,
             "BatchNormalization %s scale%s bias%s mean%s var%s -> %s", in, suffix,
             suffix, suffix, suffix, out);
    const size_t at = qn_kit_open(k, GRAPH_NODE, node);
    qn_kit_int(k, "training_mode", training);
    qn_pb_end(&k->buf, at);
}

static void put_conv(qn_kit *k, const char *node, const char *pads)
{
    const size_t at = qn_kit_open(k, GRAPH_NODE, node);
    qn_kit_ints(k, "pads", pads);
    qn_pb_end(&k->buf, at);
}

static void put_pool(qn_kit *k, const char *node, const char *kernel, const char *pads)
{
    const size_t at = qn_kit_open(k, GRAPH_NODE, node);
    qn_kit_ints(k, "kernel_shape", kernel);
    qn_kit_ints(k, "strides", "2 2");
    qn_kit_ints(k, "pads", pads);
    qn_pb_end(&k->buf, at);
}

/* Residual, two kinds of activation, both kinds of window, statistics of both kinds. */
static void network(qn_kit *k, quern_dtype dtype)
{
    qn_kit_value(k, GRAPH_INPUT, "x", dtype, "4 3 12 12");
    qn_put_weight(k, dtype, "w0", "20 3 3 3", -0.5);
    qn_put_weight(k, dtype, "w1", "20 20 3 3", -0.5);
    qn_put_weight(k, dtype, "w2", "11 20 1 1", -0.5);
    qn_put_weight(k, dtype, "w3", "11 5", -0.5);
    put_conv(k, "Conv x w0 -> c0", "1 1 1 1");
    put_norm(k, dtype, "c0 n0", "0", "20", 1);
    qn_kit_node(k, "Relu n0 -> r0");
    put_pool(k, "MaxPool r0 -> p0", "2 2", "0 0 0 0");
    put_conv(k, "Conv p0 w1 -> c1", "1 1 1 1");
    put_norm(k, dtype, "c1 n1", "1", "20", 1);
    qn_kit_node(k, "HardSwish n1 -> h1");
    qn_kit_node(k, "Add h1 p0 -> a1");
    qn_kit_node(k, "Relu a1 -> r1");
    qn_put_weight(k, dtype, "w4", "20 20 1 1", -0.5);
    put_conv(k, "Conv r1 w4 -> c4", "0 0 0 0");
    qn_kit_node(k, "Add c4 r1 -> a4");
    qn_put_weight(k, dtype, "b2", "11", -0.5);
    put_conv(k, "Conv a4 w2 b2 -> c2", "0 0 0 0");
    put_norm(k, dtype, "c2 n2", "2", "11", 0);
    qn_kit_node(k, "Sigmoid n2 -> s2");
    qn_kit_node(k, "Mul n2 s2 -> m2");
    put_pool(k, "AveragePool m2 -> p2", "3 3", "1 1 1 1");
    qn_kit_node(k, "GlobalAveragePool p2 -> g");
    qn_kit_node(k, "Flatten g -> f");
    qn_kit_node(k, "MatMul f w3 -> y");
}

static qn_test_net net_of(quern_dtype dtype, const char *layout, int threads)
{
    return (qn_test_net){
        .build = network,
        .y_dims = "4 5",
        .dtype = dtype,
        .options = {.layout = layout, .gemm = "own", .n_threads = threads}};
}

void test_train_net_layouts(qn_test *t)
{
    qn_test_net_result exact, plain, blocked, apart;
    qn_test_net net = net_of(QUERN_DOUBLE, "plain", 1);
    REQUIRE(t, qn_test_net_run(t, &net, &exact));
    net = net_of(QUERN_FLOAT, "plain", 1);
    REQUIRE(t, qn_test_net_run(t, &net, &plain));
    net = net_of(QUERN_FLOAT, "blocked", 1);
    REQUIRE(t, qn_test_net_run(t, &net, &blocked));
    CHECK_EQ(t, plain.n_reorders, 0);
    CHECK(t, blocked.n_reorders > 0);
    CHECK_WITHIN(t, qn_test_net_distance(&plain, &exact), 0, 2e-5);
    CHECK_WITHIN(t, qn_test_net_distance(&blocked, &exact), 0, 2e-5);
    net.disable_passes = "fuse_grad_sum";
    REQUIRE(t, qn_test_net_run(t, &net, &apart));
    CHECK_EQ(t, apart.n_nodes, blocked.n_nodes + 1);
    CHECK(t, qn_test_net_same_bits(&apart, &blocked));
    net.disable_passes = "fold_batchnorm,fuse_bias,fold_scale,"
                         "fuse_norm_grad,fuse_grad_sum,"
                         "fuse_activation";
    REQUIRE(t, qn_test_net_run(t, &net, &apart));
    CHECK(t, apart.n_nodes > blocked.n_nodes);
    CHECK_EQ(t, apart.n_unary, 4);
    CHECK_EQ(t, blocked.n_unary, 1); /* behind the residual sum */
    CHECK_WITHIN(t, qn_test_net_distance(&apart, &exact), 0, 2e-5);
}

void test_train_net_same_bits(qn_test *t)
{
    static const int threads[] = {2, 3, 8};
    static const char *const layouts[] = {"plain", "blocked"};
    for (int l = 0; l < 2; l++) {
        qn_test_net_result one, more;
        qn_test_net net = net_of(QUERN_FLOAT, layouts[l], 1);
        REQUIRE(t, qn_test_net_run(t, &net, &one));
        for (int i = 0; i < 3; i++) {
            net.options.n_threads = threads[i];
            qn_note(t, "%s, %d threads", layouts[l], threads[i]);
            if (qn_test_net_run(t, &net, &more))
                CHECK(t, qn_test_net_same_bits(&more, &one));
        }
        net.options.n_threads = 1;
        net.options.poison = 1;
        qn_note(t, "%s, poisoned", layouts[l]);
        if (qn_test_net_run(t, &net, &more))
            CHECK(t, qn_test_net_same_bits(&more, &one));
    }
}

/* ---- activations made of several nodes ------------------------------------------ */

static void put_scalars(qn_kit *k, quern_dtype dtype)
{
    static const char *const names[] = {"zero", "three", "six", "sixth"};
    static const double v[] = {0, 3, 6, 1.0 / 6};
    for (int i = 0; i < 4; i++) {
        const float f = (float)v[i];
        if (dtype == QUERN_DOUBLE)
            qn_kit_tensor(k, names[i], dtype, "", &v[i], sizeof v[i]);
        else
            qn_kit_tensor(k, names[i], dtype, "", &f, sizeof f);
    }
}

/* Every way to write it, once: y = h5 behind each other. */
static void chain(qn_kit *k, quern_dtype dtype)
{
    put_scalars(k, dtype);
    qn_kit_value(k, GRAPH_INPUT, "x", dtype, "3 7");
    qn_kit_node(k, "Sigmoid x -> s0");
    qn_kit_node(k, "Mul s0 x -> h0");
    qn_kit_node(k, "Add h0 three -> a1");
    qn_kit_node(k, "Clip a1 zero six -> c1");
    qn_kit_node(k, "Mul h0 c1 -> m1");
    qn_kit_node(k, "Div m1 six -> h1");
    qn_kit_node(k, "Add three h1 -> a2");
    qn_kit_node(k, "Clip a2 zero six -> c2");
    qn_kit_node(k, "Div c2 six -> d2");
    qn_kit_node(k, "Mul d2 h1 -> h2");
    qn_kit_node(k, "Add h2 three -> a3");
    qn_kit_node(k, "Clip a3 zero six -> c3");
    qn_kit_node(k, "Mul sixth c3 -> y");
}

void test_train_net_chains(qn_test *t)
{
    qn_test_net_result whole, apart;
    qn_test_net net = {.build = chain, .y_dims = "3 7", .dtype = QUERN_DOUBLE};
    REQUIRE(t, qn_test_net_run(t, &net, &whole));
    net.disable_passes = "fuse_swish";
    REQUIRE(t, qn_test_net_run(t, &net, &apart));
    CHECK_EQ(t, whole.n_unary, 4);
    CHECK_EQ(t, whole.n_nodes, 2 + 4 + 4); /* loss, functions, gradients */
    CHECK(t, apart.n_nodes > whole.n_nodes + 9);
    CHECK_WITHIN(t, qn_test_net_distance(&whole, &apart), 0, 1e-6);
}

/* ---- one layer at a time, in double ---------------------------------------------- */

static void training(qn_kit *k)
{
    qn_kit_int(k, "training_mode", 1);
}

static void window(qn_kit *k)
{
    qn_kit_ints(k, "kernel_shape", "3 2");
    qn_kit_ints(k, "strides", "2 2");
    qn_kit_ints(k, "pads", "1 0 1 0");
    qn_kit_int(k, "ceil_mode", 1);
}

static void window_with_padding(qn_kit *k)
{
    window(k);
    qn_kit_int(k, "count_include_pad", 1);
}

static void by_tanh(qn_kit *k)
{
    qn_kit_string(k, "approximate", "tanh");
}

void test_train_net_rows(qn_test *t)
{
    static const char *const unary[] = {
        "Relu",     "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh",
        "Gelu",     "Erf",       "Elu",     "Selu",        "Softplus",  "Mish",
        "Exp",      "Neg",       "Abs",     "Sin",         "Cos",       "Atan",
        "Softsign", "Celu",      "Sinh",    "Cosh",        "Asinh",     "Tan",
    };
    for (size_t i = 0; i < sizeof unary / sizeof *unary; i++) {
        char node[32];
        snprintf(node, sizeof node, "%s x -> y", unary[i]);
        qn_note(t, "%s", unary[i]);
        CHECK_NODE_GRADIENTS(t, 22, node, "x 3 5", "3 5", NULL);
    }
    qn_note(t, "Gelu, tanh");
    CHECK_NODE_GRADIENTS(t, 22, "Gelu x -> y", "x 3 5", "3 5", by_tanh);
    qn_note(t, "PRelu");
    CHECK_NODE_GRADIENTS(t, 22, "PRelu x s -> y", "x 2 3 4; s 3 1", "2 3 4", NULL);
    qn_note(t, "Clip");
    CHECK_NODE_GRADIENTS(t, 22, "Clip x -> y", "x 3 5", "3 5", NULL);
    qn_note(t, "windows");
    CHECK_NODE_GRADIENTS(t, 22, "MaxPool x -> y", "x 1 2 7 5", "1 2 4 3", window);
    CHECK_NODE_GRADIENTS(t, 22, "AveragePool x -> y", "x 1 2 7 5", "1 2 4 3",
                         window_with_padding);
    CHECK_NODE_GRADIENTS(t, 22, "GlobalMaxPool x -> y", "x 2 2 3 4", "2 2 1 1", NULL);
    CHECK_NODE_GRADIENTS(t, 22, "GlobalAveragePool x -> y", "x 2 2 3 4", "2 2 1 1",
                         NULL);
    qn_note(t, "BatchNormalization");
    CHECK_NODE_GRADIENTS(t, 22, "BatchNormalization x s b s s -> y",
                         "x 3 4 2 3; s 4; b 4", "3 4 2 3", training);
}
