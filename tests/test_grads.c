/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_grads.c - gradients of rows made of other rows, against central
 * differences in double. */
#include "tests/grad_kit.h"

#include <string.h>

#define SIMPLE(t, node, inputs, y) CHECK_NODE_GRADIENTS(t, 21, node, inputs, y, NULL)

static const qn_grad_range positive = {0.5, 2, 0};

void test_grads_arithmetic(qn_test *t)
{
    SIMPLE(t, "Add a b -> y", "a 2 3; b 2 3", "2 3");
    SIMPLE(t, "Add a b -> y", "a 2 3 4; b 3 1", "2 3 4");
    SIMPLE(t, "Sub a b -> y", "a 3 1; b 2 1 4", "2 3 4");
    SIMPLE(t, "Mul a b -> y", "a 2 3; b", "2 3");
    SIMPLE(t, "Mul a a -> y", "a 2 3", "2 3");
    qn_check_node_gradients(t, QN_HERE, 21, "Div a b -> y", "a 2 3; b 3", "2 3", NULL,
                            &positive);
    qn_check_node_gradients(t, QN_HERE, 21, "Pow a b -> y", "a 2 3; b 3", "2 3", NULL,
                            &positive);
    SIMPLE(t, "Sum a b c -> y", "a 2 3; b 3; c 2 1", "2 3");
    SIMPLE(t, "Mean a b -> y", "a 2 3; b 3", "2 3");
    SIMPLE(t, "Mean a b c d -> y", "a 2 3; b 3; c; d 2 1", "2 3");
    SIMPLE(t, "Max a b -> y", "a 2 3; b 3", "2 3");
    SIMPLE(t, "Max a b c -> y", "a 4 3; b 3; c 4 1", "4 3");
    SIMPLE(t, "Min a b c d -> y", "a 4 3; b 3; c 4 1; d 4 3", "4 3");
    SIMPLE(t, "Min a b -> y", "a 2 3; b 2 1", "2 3");
}

static void transposed(qn_kit *k)
{
    qn_kit_int(k, "transA", 1);
    qn_kit_int(k, "transB", 1);
    qn_kit_float(k, "alpha", 0.5f);
    qn_kit_float(k, "beta", 2);
}

static void a_transposed(qn_kit *k)
{
    qn_kit_int(k, "transA", 1);
}

static void b_transposed(qn_kit *k)
{
    qn_kit_int(k, "transB", 1);
}

void test_grads_products(qn_test *t)
{
    SIMPLE(t, "Gemm a b c -> y", "a 3 4; b 4 2; c 2", "3 2");
    CHECK_NODE_GRADIENTS(t, 21, "Gemm a b c -> y", "a 4 3; b 2 4; c 3 1", "3 2",
                         transposed);
    CHECK_NODE_GRADIENTS(t, 21, "Gemm a b -> y", "a 4 3; b 4 2", "3 2", a_transposed);
    CHECK_NODE_GRADIENTS(t, 21, "Gemm a b -> y", "a 3 4; b 2 4", "3 2", b_transposed);
    SIMPLE(t, "MatMul a b -> y", "a 3 4; b 4 2", "3 2");
    SIMPLE(t, "MatMul a b -> y", "a 2 3 4; b 4 2", "2 3 2");
    SIMPLE(t, "MatMul a b -> y", "a 2 3 4; b 2 4 5", "2 3 5");
    SIMPLE(t, "MatMul a b -> y", "a 2 1 3 4; b 5 4 2", "2 5 3 2");
    SIMPLE(t, "MatMul a b -> y", "a 4; b 4 2", "2");
    SIMPLE(t, "MatMul a b -> y", "a 3 4; b 4", "3");
    SIMPLE(t, "MatMul a b -> y", "a 4; b 4", "");
}

static void perm(qn_kit *k)
{
    qn_kit_ints(k, "perm", "2 0 1");
}

static void axis_1(qn_kit *k)
{
    qn_kit_int(k, "axis", 1);
}

static void axis_minus_1(qn_kit *k)
{
    qn_kit_int(k, "axis", -1);
}

/* One node with an input x [dims] and int64 constants. */
#define WITH_INTS(t, text, dims, y, numbers, attributes)                               \
    CHECK_GRAD_NODE(t, .node = (text), .inputs = "x " dims, .constants = "i " numbers, \
                    .y_dims = (y), .attrs = (attributes))

void test_grads_movement(qn_test *t)
{
    CHECK_NODE_GRADIENTS(t, 21, "Transpose x -> y", "x 2 3 4", "4 2 3", perm);
    SIMPLE(t, "Transpose x -> y", "x 2 3 4", "4 3 2");
    SIMPLE(t, "Flatten x -> y", "x 2 3 4", "2 12");
    CHECK_NODE_GRADIENTS(t, 21, "Concat a b c -> y", "a 2 1 2; b 2 3 2; c 2 2 2",
                         "2 6 2", axis_1);
    CHECK_NODE_GRADIENTS(t, 21, "Concat a a -> y", "a 2 3", "2 6", axis_minus_1);
    WITH_INTS(t, "Reshape x i -> y", "2 6", "3 4", "3 4", NULL);
    WITH_INTS(t, "Expand x i -> y", "2 1", "3 2 4", "3 2 4", NULL);
    WITH_INTS(t, "Unsqueeze x i -> y", "2 3", "2 1 3", "1", NULL);
    WITH_INTS(t, "Squeeze x i -> y", "2 1 3", "2 3", "1", NULL);
    WITH_INTS(t, "Pad x i -> y", "2 3", "5 5", "1 0 2 2", NULL);
    WITH_INTS(t, "Pad x i -> y", "3 4", "2 5", "-1 1 0 0", NULL);
    WITH_INTS(t, "Gather x i -> y", "4 2", "5 2", "3 1 1 -1 0", NULL);
}

void test_grads_slices(qn_test *t)
{
    static const char *const slices[][2] = {
        {"starts 1 0; ends 3 2; axes 0 2", "2 4 2"},
        {"starts -3 1; ends -1 99; axes 1 0", "2 2 3"},
        {"starts 0 0; ends 1 1; axes 0 1", "1 1 3"},
        {"starts 1; ends 4; axes 1; steps 2", "3 2 3"},
        {"starts -1 2; ends 0 -9; axes 1 2; steps -2 -1", "3 2 3"},
    };
    for (int i = 0; i < 5; i++)
        CHECK_GRAD_NODE(t,
                        .node = i < 3 ? "Slice x starts ends axes -> y"
                                      : "Slice x starts ends axes steps -> y",
                        .inputs = "x 3 4 3", .constants = slices[i][0],
                        .y_dims = slices[i][1]);
}

/* The first part is not used: its gradient is zero. */
void test_grads_split(qn_test *t)
{
    static const int64_t parts[] = {1, 3, 2};
    qn_kit k;
    qn_kit_begin(&k, 10, 21);
    const size_t at = qn_kit_open(&k, GRAPH_NODE, "Split x parts -> a b c");
    qn_kit_int(&k, "axis", 1);
    qn_pb_end(&k.buf, at);
    qn_kit_node(&k, "Identity c -> d");
    const size_t join = qn_kit_open(&k, GRAPH_NODE, "Concat b d b -> y");
    qn_kit_int(&k, "axis", 1);
    qn_pb_end(&k.buf, join);
    qn_kit_tensor(&k, "parts", QUERN_INT64, "3", parts, sizeof parts);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_DOUBLE, "2 6");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_DOUBLE, "2 8");
    qn_kit_end(&k);
    CHECK_GRADIENTS(t, &k, NULL);
    qn_kit_done(&k);
}

static void squeezed(qn_kit *k)
{
    qn_kit_int(k, "keepdims", 0);
}

void test_grads_reductions(qn_test *t)
{
    SIMPLE(t, "ReduceSum x -> y", "x 2 3", "1 1");
    WITH_INTS(t, "ReduceSum x i -> y", "2 3 4", "2 1 4", "1", NULL);
    WITH_INTS(t, "ReduceSum x i -> y", "2 3 4", "3", "-1 0", squeezed);
    WITH_INTS(t, "ReduceMean x i -> y", "2 3 4", "2 3", "2", squeezed);
    WITH_INTS(t, "ReduceMax x i -> y", "2 3 4", "2 1 1", "1 2", NULL);
    WITH_INTS(t, "ReduceMin x i -> y", "2 3 4", "2 3", "2", squeezed);
    SIMPLE(t, "Softmax x -> y", "x 3 5", "3 5");
    CHECK_NODE_GRADIENTS(t, 21, "Softmax x -> y", "x 2 3 4", "2 3 4", axis_1);
    CHECK_NODE_GRADIENTS(t, 21, "LogSoftmax x -> y", "x 2 3 4", "2 3 4", axis_1);
}
