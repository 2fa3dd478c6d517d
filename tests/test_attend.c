/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_attend.c - attention written as product, softmax and product, with the
 * copies that exporters put around it, becomes one step (engine/fuse_attention.c). */
#include "tests/fusion_kit.h"

#include <stdio.h>

typedef struct heads {
    int keys, n, size;
} heads;

static void add_shape(qn_fusion *f, const char *name, const heads *h, bool packed)
{
    const int64_t whole[5] = {0, 0, 3, h->n, h->size}, one[4] = {0, 0, h->n, h->size};
    if (packed)
        qn_kit_tensor(&f->kit, name, QUERN_INT64, "5", whole, sizeof whole);
    else
        qn_kit_tensor(&f->kit, name, QUERN_INT64, "4", one, sizeof one);
}

static void add_number(qn_fusion *f, const char *name, float x)
{
    qn_kit_tensor(&f->kit, name, QUERN_FLOAT, "", &x, sizeof x);
}

static void add_turn(qn_fusion *f, const char *text, const char *perm)
{
    const size_t node = qn_kit_open(&f->kit, GRAPH_NODE, text);
    qn_kit_ints(&f->kit, "perm", perm);
    qn_pb_end(&f->kit.buf, node);
}

static void add_softmax(qn_fusion *f, const char *text, int axis)
{
    const size_t node = qn_kit_open(&f->kit, GRAPH_NODE, text);
    qn_kit_int(&f->kit, "axis", axis);
    qn_pb_end(&f->kit.buf, node);
}

/* x [N, keys, 3, n * size] -> q, k, v [N, n, keys, size], by one transposition and
 * three picks. */
static void begin_packed(qn_fusion *f, qn_test *t, const heads *h)
{
    static const char *const names[] = {"q", "k", "v"};
    char text[40];
    qn_fusion_begin(f, t, h->keys, 3, h->n * h->size);
    add_shape(f, "whole", h, true);
    qn_kit_node(&f->kit, "Reshape x whole -> r");
    add_turn(f, "Transpose r -> p", "2 0 3 1 4");
    for (int64_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "i%d", (int)i);
        qn_kit_tensor(&f->kit, text, QUERN_INT64, "", &i, sizeof i);
        snprintf(text, sizeof text, "Gather p i%d -> %s", (int)i, names[i]);
        qn_kit_node(&f->kit, text);
    }
}

/* y [N, keys, n * size] of o [N, n, keys, size]. */
static void end_packed(qn_fusion *f, const heads *h)
{
    const int64_t joined[3] = {0, 0, h->n * (int64_t)h->size};
    qn_kit_tensor(&f->kit, "joined", QUERN_INT64, "3", joined, sizeof joined);
    add_turn(f, "Transpose o -> w", "0 2 1 3");
    qn_kit_node(&f->kit, "Reshape w joined -> y");
    qn_fusion_end(f, "y");
}

/* Random numbers that broadcast to the scores: one each, of all heads, of all rows. */
static void add_bias(qn_fusion *f, const heads *h, int kind)
{
    const int n[3][3] = {
        {h->n, h->keys, h->keys}, {1, h->keys, h->keys}, {1, 1, h->keys}};
    const int *d = n[kind - 1];
    const size_t count = (size_t)d[0] * (size_t)d[1] * (size_t)d[2];
    char dims[40];
    if (kind == 3)
        snprintf(dims, sizeof dims, "%d", d[2]);
    else
        snprintf(dims, sizeof dims, "1 %d %d %d", d[0], d[1], d[2]);
    qn_kit_tensor(&f->kit, "m", QUERN_FLOAT, dims, qn_random_floats(f->t, count),
                  count * sizeof(float));
}

/* The factor in front of or behind the first product, a bias or none, more keys than a
 * block of scores has rows: one step is left. */
void test_attend_packed(qn_test *t)
{
    static const heads sizes[] = {{7, 2, 4}, {197, 3, 16}, {300, 1, 5}, {1, 2, 3}};
    for (int i = 0; i < 4; i++)
        for (int bias = 0; bias < 4; bias++) {
            qn_fusion f;
            begin_packed(&f, t, &sizes[i]);
            add_number(&f, "s", 0.25F);
            qn_kit_node(&f.kit, bias % 2 ? "Identity q -> q2" : "Mul q s -> q2");
            add_turn(&f, "Transpose k -> kt", "0 1 3 2");
            qn_kit_node(&f.kit, "MatMul q2 kt -> c");
            qn_kit_node(&f.kit, bias % 2 ? "Div c s -> d" : "Identity c -> d");
            if (bias) add_bias(&f, &sizes[i], bias);
            qn_kit_node(&f.kit, !bias       ? "Identity d -> e"
                                : bias == 2 ? "Add m d -> e"
                                            : "Add d m -> e");
            add_softmax(&f, "Softmax e -> z", -1);
            qn_kit_node(&f.kit, "MatMul z v -> o");
            end_packed(&f, &sizes[i]);
            qn_note(t, "%d keys, bias %d", sizes[i].keys, bias);
            CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, 1);
        }
}

/* Three parts of the last dim, as chunks of one projection; values times a number. */
void test_attend_split(qn_test *t)
{
    const heads h = {11, 4, 8};
    const int64_t all[3] = {0, 0, 3 * 32};
    qn_fusion f;
    qn_fusion_begin(&f, t, h.keys, 3, h.n * h.size);
    qn_kit_tensor(&f.kit, "all", QUERN_INT64, "3", all, sizeof all);
    add_shape(&f, "one", &h, false);
    add_number(&f, "s", 3);
    qn_kit_node(&f.kit, "Reshape x all -> r");
    const size_t node = qn_kit_open(&f.kit, GRAPH_NODE, "Split r -> a b c");
    qn_kit_int(&f.kit, "axis", 2);
    qn_kit_int(&f.kit, "num_outputs", 3);
    qn_pb_end(&f.kit.buf, node);
    qn_kit_node(&f.kit, "Mul c s -> c2");
    qn_kit_node(&f.kit, "Reshape a one -> a2");
    qn_kit_node(&f.kit, "Reshape b one -> b2");
    qn_kit_node(&f.kit, "Reshape c2 one -> c3");
    add_turn(&f, "Transpose a2 -> q", "0 2 1 3");
    add_turn(&f, "Transpose b2 -> k", "0 2 3 1");
    add_turn(&f, "Transpose c3 -> v", "0 2 1 3");
    qn_kit_node(&f.kit, "MatMul q k -> d");
    add_softmax(&f, "Softmax d -> z", 3);
    qn_kit_node(&f.kit, "MatMul z v -> o");
    end_packed(&f, &h);
    CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, 1);
}

/* Rows of all images side by side, as PyTorch's nn.MultiheadAttention has them: of more
 * than one image heads do not lie at fixed strides, and the slices stay copies. */
void test_attend_sequence(qn_test *t)
{
    static const char *const parts[] = {"q", "k", "v"};
    const heads h = {9, 2, 6};
    const int64_t rows[3] = {h.keys, -1, 3 * 12}, apart[3] = {h.keys, -1, h.size};
    const int64_t axis = 2;
    char text[60];
    qn_fusion f;
    qn_fusion_begin(&f, t, h.keys, 3, 12);
    qn_kit_tensor(&f.kit, "rows", QUERN_INT64, "3", rows, sizeof rows);
    qn_kit_tensor(&f.kit, "apart", QUERN_INT64, "3", apart, sizeof apart);
    qn_kit_tensor(&f.kit, "axis", QUERN_INT64, "1", &axis, sizeof axis);
    add_turn(&f, "Transpose x -> x2", "1 0 2 3");
    qn_kit_node(&f.kit, "Reshape x2 rows -> r");
    for (int64_t i = 0; i < 3; i++) {
        const int64_t ends[2] = {12 * i, 12 * (i + 1)};
        for (int e = 0; e < 2; e++) {
            snprintf(text, sizeof text, "e%d%d", (int)i, e);
            qn_kit_tensor(&f.kit, text, QUERN_INT64, "1", &ends[e], sizeof ends[e]);
        }
        snprintf(text, sizeof text, "Slice r e%d0 e%d1 axis -> %s1", (int)i, (int)i,
                 parts[i]);
        qn_kit_node(&f.kit, text);
        snprintf(text, sizeof text, "Reshape %s1 apart -> %s2", parts[i], parts[i]);
        qn_kit_node(&f.kit, text);
        snprintf(text, sizeof text, "Transpose %s2 -> %s", parts[i], parts[i]);
        add_turn(&f, text, i == 1 ? "1 2 0" : "1 0 2");
    }
    qn_kit_node(&f.kit, "MatMul q k -> d");
    add_softmax(&f, "Softmax d -> z", -1);
    qn_kit_node(&f.kit, "MatMul z v -> o");
    add_turn(&f, "Transpose o -> y", "0 2 1");
    qn_fusion_end(&f, "y");
    /* x turned, three slices, the step, the result turned */
    CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, 6);
}

/* What only looks alike keeps its steps: softmax along another dim, scores or shares
 * that are read again, something between. */
void test_attend_not(qn_test *t)
{
    static const struct {
        const char *between, *sum;
        int axis, instrs;
    } cases[] = {{"Identity d -> e", "Identity o -> o2", 2, 8},
                 {"Identity d -> e", "Add o z -> o2", -1, 8},
                 {"Identity d -> e", "Add o d -> o2", -1, 8},
                 {"Exp d -> e", "Identity o -> o2", -1, 9}};
    const heads h = {6, 2, 6};
    for (int i = 0; i < 4; i++) {
        qn_fusion f;
        begin_packed(&f, t, &h);
        add_turn(&f, "Transpose k -> kt", "0 1 3 2");
        qn_kit_node(&f.kit, "MatMul q kt -> d");
        qn_kit_node(&f.kit, cases[i].between);
        add_softmax(&f, "Softmax e -> z", cases[i].axis);
        qn_kit_node(&f.kit, "MatMul z v -> o");
        qn_kit_node(&f.kit, cases[i].sum);
        qn_kit_node(&f.kit, "Relu o2 -> y");
        qn_fusion_end(&f, "y");
        qn_note(t, "case %d", i);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, cases[i].instrs);
    }
}
