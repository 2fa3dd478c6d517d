/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_onnx_bad.c - models that lie: wrong sizes, names, graphs, attributes, and
 * requests for terabytes.  Each gives its error within a second and 64 MB. */
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include "engine/os.h"

#include <string.h>

/* ---- one line of the checklist each ---- */

static void input_output(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
}

static void empty_node(qn_kit *k)
{
    input_output(k);
    qn_pb_put_bytes(&k->buf, GRAPH_NODE, "", 0);
}

static void unknown_input(qn_kit *k)
{
    input_output(k);
    qn_kit_node(k, "Add x nowhere -> y");
}

static void unknown_output(qn_kit *k)
{
    input_output(k);
    qn_kit_node(k, "Neg x -> z");
}

static void made_twice(qn_kit *k)
{
    input_output(k);
    qn_kit_node(k, "Neg x -> y");
    qn_kit_node(k, "Abs x -> y");
}

static void overwrites_input(qn_kit *k)
{
    input_output(k);
    qn_kit_node(k, "Neg x -> x");
}

static void input_twice(qn_kit *k)
{
    input_output(k);
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
}

static void cycle(qn_kit *k)
{
    input_output(k);
    qn_kit_node(k, "Add x b -> a");
    qn_kit_node(k, "Add a x -> b");
    qn_kit_node(k, "Neg b -> y");
}

static void attribute_twice(qn_kit *k)
{
    input_output(k);
    size_t node = qn_kit_open(k, GRAPH_NODE, "Softmax x -> y");
    qn_kit_int(k, "axis", 0);
    qn_kit_int(k, "axis", 0);
    qn_pb_end(&k->buf, node);
}

static void stray_ref(qn_kit *k)
{
    input_output(k);
    size_t node = qn_kit_open(k, GRAPH_NODE, "Softmax x -> y");
    qn_kit_ref(k, "axis", QN_ATTR_INT, "elsewhere");
    qn_pb_end(&k->buf, node);
}

static void bad_name(qn_kit *k)
{
    input_output(k);
    qn_kit_node(k, "Neg \xC3\x28 -> y");
}

static void terminal_name(qn_kit *k)
{
    input_output(k);
    qn_kit_node(k, "Neg \x1B[2J -> y");
}

static void wrong_weight(qn_kit *k)
{
    input_output(k);
    qn_kit_tensor(k, "w", QUERN_FLOAT, "3", "0123456789", 10);
}

static void huge_weight(qn_kit *k)
{
    input_output(k);
    qn_kit_tensor(k, "w", QUERN_FLOAT, "9223372036854775807 4", "", 0);
}

static void raw_and_typed(qn_kit *k)
{
    input_output(k);
    size_t w = qn_pb_begin(&k->buf, GRAPH_INITIALIZER);
    qn_kit_tensor_head(k, "w", QUERN_FLOAT, "1");
    qn_pb_put_float(&k->buf, TENSOR_FLOAT_DATA, 1);
    qn_pb_put_bytes(&k->buf, TENSOR_RAW_DATA, "\0\0\0\0", 4);
    qn_pb_end(&k->buf, w);
}

static void two_typed(qn_kit *k)
{
    input_output(k);
    size_t w = qn_pb_begin(&k->buf, GRAPH_INITIALIZER);
    qn_kit_tensor_head(k, "w", QUERN_FLOAT, "1");
    qn_pb_put_float(&k->buf, TENSOR_FLOAT_DATA, 1);
    qn_pb_put_varint(&k->buf, TENSOR_INT64_DATA, 1);
    qn_pb_end(&k->buf, w);
}

static void sparse_of(qn_kit *k, int64_t index, uint64_t dim)
{
    input_output(k);
    size_t s = qn_pb_begin(&k->buf, GRAPH_SPARSE_INITIALIZER);
    size_t v = qn_pb_begin(&k->buf, SPARSE_VALUES);
    qn_kit_tensor_head(k, "s", QUERN_FLOAT, "1");
    qn_pb_put_bytes(&k->buf, TENSOR_RAW_DATA, "\0\0\0\0", 4);
    qn_pb_end(&k->buf, v);
    v = qn_pb_begin(&k->buf, SPARSE_INDICES);
    qn_kit_tensor_head(k, NULL, QUERN_INT64, "1");
    qn_pb_put_bytes(&k->buf, TENSOR_RAW_DATA, &index, 8);
    qn_pb_end(&k->buf, v);
    qn_pb_put_varint(&k->buf, SPARSE_DIMS, dim);
    qn_pb_end(&k->buf, s);
}

static void sparse_outside(qn_kit *k)
{
    sparse_of(k, 5, 5);
}

static void sparse_negative(qn_kit *k)
{
    sparse_of(k, -1, 5);
}

static void sparse_huge(qn_kit *k)
{
    sparse_of(k, 5, UINT64_C(1) << 40);
}

/* If in If in If ...: depth levels. */
static void nest(qn_kit *k, int depth)
{
    size_t node = qn_kit_open(k, GRAPH_NODE, "If c -> out");
    qn_kit_mark mark = qn_kit_graph(k, "then_branch");
    if (depth) nest(k, depth - 1);
    qn_kit_graph_end(k, mark);
    qn_pb_end(&k->buf, node);
}

static void deep_graphs(qn_kit *k)
{
    input_output(k);
    qn_kit_value(k, GRAPH_INPUT, "c", QUERN_BOOL, "");
    nest(k, 40);
}

static void deep_type(qn_kit *k)
{
    size_t begun[200], n = 0;
    begun[n++] = qn_pb_begin(&k->buf, GRAPH_INPUT);
    qn_pb_put_text(&k->buf, INFO_NAME, "deep");
    begun[n++] = qn_pb_begin(&k->buf, INFO_TYPE);
    while (n < 200) {
        begun[n++] = qn_pb_begin(&k->buf, TYPE_SEQUENCE);
        begun[n++] = qn_pb_begin(&k->buf, TYPE_ELEM_TYPE);
    }
    while (n > 0)
        qn_pb_end(&k->buf, begun[--n]);
}

static void rank_nine(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "1 1 1 1 1 1 1 1 1");
}

static void many_pieces(qn_kit *k)
{
    size_t node = qn_kit_open(k, GRAPH_NODE, "Constant -> y");
    size_t a = qn_pb_begin(&k->buf, NODE_ATTRIBUTE);
    qn_pb_put_text(&k->buf, ATTRIBUTE_NAME, "value");
    for (int i = 0; i < 1000; i++)
        qn_pb_put_bytes(&k->buf, ATTRIBUTE_T, "", 0);
    qn_pb_end(&k->buf, a);
    qn_pb_end(&k->buf, node);
}

static void group_in_node(qn_kit *k)
{
    input_output(k);
    qn_pb_put_bytes(&k->buf, GRAPH_NODE, "\x0B\x0C", 2);
}

static void external(qn_kit *k)
{
    input_output(k);
    size_t w = qn_pb_begin(&k->buf, GRAPH_INITIALIZER);
    qn_kit_tensor_head(k, "w", QUERN_FLOAT, "1");
    qn_kit_pair(k, TENSOR_EXTERNAL_DATA, "location", "passwd");
    qn_pb_put_varint(&k->buf, TENSOR_DATA_LOCATION, 1);
    qn_pb_end(&k->buf, w);
}

/* Terabytes from a few bytes. */
static void huge_shape(qn_kit *k)
{
    static const int64_t dims[] = {1 << 20, 1 << 20, 8};
    qn_kit_tensor(k, "s", QUERN_INT64, "3", dims, sizeof dims);
    qn_kit_node(k, "ConstantOfShape s -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

static void overflowing_shape(qn_kit *k)
{
    static const int64_t dims[] = {INT64_MAX, INT64_MAX};
    qn_kit_tensor(k, "s", QUERN_INT64, "2", dims, sizeof dims);
    qn_kit_node(k, "ConstantOfShape s -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

static void huge_expand(qn_kit *k)
{
    static const int64_t dims[] = {1 << 30, 1 << 10, 2};
    input_output(k);
    qn_kit_tensor(k, "s", QUERN_INT64, "3", dims, sizeof dims);
    qn_kit_node(k, "Expand x s -> y");
}

static void huge_tile(qn_kit *k)
{
    static const int64_t times[] = {INT64_MAX / 2};
    input_output(k);
    qn_kit_tensor(k, "s", QUERN_INT64, "1", times, sizeof times);
    qn_kit_node(k, "Tile x s -> y");
}

static void huge_pad(qn_kit *k)
{
    static const int64_t pads[] = {INT64_MAX, INT64_MAX};
    input_output(k);
    qn_kit_tensor(k, "s", QUERN_INT64, "2", pads, sizeof pads);
    qn_kit_node(k, "Pad x s -> y");
}

static void huge_range(qn_kit *k)
{
    static const int64_t v[] = {0, INT64_MAX, 1};
    for (int i = 0; i < 3; i++)
        qn_kit_tensor(k, (const char *[]){"a", "b", "d"}[i], QUERN_INT64, "", &v[i], 8);
    qn_kit_node(k, "Range a b d -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_INT64, NULL);
}

static void endless_range(qn_kit *k)
{
    static const int64_t v[] = {0, 1, 0};
    for (int i = 0; i < 3; i++)
        qn_kit_tensor(k, (const char *[]){"a", "b", "d"}[i], QUERN_INT64, "", &v[i], 8);
    qn_kit_node(k, "Range a b d -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_INT64, NULL);
}

static void huge_one_hot(qn_kit *k)
{
    static const int64_t depth[] = {INT64_MAX / 8};
    qn_kit_tensor(k, "d", QUERN_INT64, "", depth, 8);
    qn_kit_tensor(k, "i", QUERN_INT64, "1", "\0\0\0\0\0\0\0\0", 8);
    qn_kit_tensor(k, "v", QUERN_FLOAT, "2", "\0\0\0\0\0\0\0\0", 8);
    qn_kit_node(k, "OneHot i d v -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

static void conv_of(qn_kit *k, const char *name, const char *ints, int group)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "1 2 4 4");
    qn_kit_value(k, GRAPH_INPUT, "w", QUERN_FLOAT, "2 2 3 3");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Conv x w -> y");
    if (name) qn_kit_ints(k, name, ints);
    if (group != 1) qn_kit_int(k, "group", group);
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

static void conv_group_zero(qn_kit *k)
{
    conv_of(k, NULL, NULL, 0);
}

static void conv_group_three(qn_kit *k)
{
    conv_of(k, NULL, NULL, 3);
}

static void conv_stride_zero(qn_kit *k)
{
    conv_of(k, "strides", "0 1", 1);
}

static void conv_short_strides(qn_kit *k)
{
    conv_of(k, "strides", "1", 1);
}

static void conv_dilation_huge(qn_kit *k)
{
    conv_of(k, "dilations", "4611686018427387904 1", 1);
}

static void conv_pads_huge(qn_kit *k)
{
    conv_of(k, "pads", "9223372036854775807 1 9223372036854775807 1", 1);
}

static void conv_pads_short(qn_kit *k)
{
    conv_of(k, "pads", "1 1", 1);
}

static void conv_kernel_wrong(qn_kit *k)
{
    conv_of(k, "kernel_shape", "5 5", 1);
}

static void perm_twice(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2 3");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Transpose x -> y");
    qn_kit_ints(k, "perm", "1 1");
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

static void perm_outside(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2 3");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Transpose x -> y");
    qn_kit_ints(k, "perm", "0 9");
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

static void gather_outside(qn_kit *k)
{
    static const int64_t index[] = {2};
    input_output(k);
    qn_kit_tensor(k, "i", QUERN_INT64, "1", index, 8);
    qn_kit_node(k, "Gather x i -> y");
}

static void reshape_wrong(qn_kit *k)
{
    static const int64_t to[] = {3, -1};
    input_output(k);
    qn_kit_tensor(k, "s", QUERN_INT64, "2", to, 16);
    qn_kit_node(k, "Reshape x s -> y");
}

static void reshape_two_free(qn_kit *k)
{
    static const int64_t to[] = {-1, -1};
    input_output(k);
    qn_kit_tensor(k, "s", QUERN_INT64, "2", to, 16);
    qn_kit_node(k, "Reshape x s -> y");
}

static void div_by_zero(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_INT32, "2");
    qn_kit_node(k, "Div x x -> y"); /* zeros are fed */
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_INT32, "2");
}

static void topk_too_many(qn_kit *k)
{
    static const int64_t n[] = {1000};
    input_output(k);
    qn_kit_tensor(k, "k", QUERN_INT64, "1", n, 8);
    qn_kit_node(k, "TopK x k -> y i");
}

static void split_wrong(qn_kit *k)
{
    static const int64_t parts[] = {1, 5};
    input_output(k);
    qn_kit_tensor(k, "s", QUERN_INT64, "2", parts, 16);
    qn_kit_node(k, "Split x s -> y z");
}

static void slice_step_zero(qn_kit *k)
{
    static const int64_t v[] = {0, 2, 0, 0};
    input_output(k);
    for (int i = 0; i < 4; i++)
        qn_kit_tensor(k, (const char *[]){"a", "b", "c", "d"}[i], QUERN_INT64, "1",
                      &v[i], 8);
    qn_kit_node(k, "Slice x a b c d -> y");
}

static void recursive_call(qn_kit *k)
{
    input_output(k);
    size_t node = qn_kit_open(k, GRAPH_NODE, "Again x -> y");
    qn_pb_put_text(&k->buf, NODE_DOMAIN, "mine");
    qn_pb_end(&k->buf, node);
}

static void endless_loop(qn_kit *k)
{
    static const int64_t trips[] = {INT64_MAX};
    qn_kit_tensor(k, "m", QUERN_INT64, "", trips, 8);
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "16384");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Loop m _ x -> y scan");
    qn_kit_mark mark = qn_kit_graph(k, "body");
    qn_kit_value(k, GRAPH_INPUT, "i", QUERN_INT64, "");
    qn_kit_value(k, GRAPH_INPUT, "go", QUERN_BOOL, "");
    qn_kit_value(k, GRAPH_INPUT, "v", QUERN_FLOAT, "16384");
    qn_kit_node(k, "Identity go -> go2");
    qn_kit_node(k, "Neg v -> v2");
    qn_kit_value(k, GRAPH_OUTPUT, "go2", QUERN_BOOL, "");
    qn_kit_value(k, GRAPH_OUTPUT, "v2", QUERN_FLOAT, "16384");
    qn_kit_value(k, GRAPH_OUTPUT, "v2", QUERN_FLOAT, "16384");
    qn_kit_graph_end(k, mark);
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "16384");
    qn_kit_value(k, GRAPH_OUTPUT, "scan", QUERN_FLOAT, NULL);
}

static const struct {
    void (*graph)(qn_kit *k);
    quern_status status;
    const char *part;
} models[] = {
    {empty_node, QUERN_FORMAT, "node #0 (): it has no op_type"},
    {unknown_input, QUERN_INVALID, "node #0 (Add): input 'nowhere' is made by no node"},
    {unknown_output, QUERN_INVALID, "output 'y': it is made by no node"},
    {made_twice, QUERN_INVALID, "node #1 (Abs): output 'y' is defined already"},
    {overwrites_input, QUERN_INVALID, "output 'x' is defined already"},
    {input_twice, QUERN_INVALID, "input 'x': it is given twice"},
    {cycle, QUERN_INVALID, "'Add -> a' depends on its own output"},
    {attribute_twice, QUERN_INVALID, "attribute 'axis' is given twice"},
    {stray_ref, QUERN_INVALID,
     "attribute 'axis': it refers to an attribute of a function"},
    {bad_name, QUERN_FORMAT, "is not valid UTF-8"},
    {terminal_name, QUERN_INVALID, "input '\\x1b[2J' is made by no node"},
    {wrong_weight, QUERN_FORMAT,
     "initializer 'w': raw_data has 10 bytes but [3] of float32 needs 12"},
    {huge_weight, QUERN_LIMIT, "initializer 'w'"},
    {raw_and_typed, QUERN_FORMAT, "both raw_data and float_data are given"},
    {two_typed, QUERN_FORMAT, "both float_data and int64_data are given"},
    {sparse_outside, QUERN_FORMAT, "sparse index 0 lies outside [5]"},
    {sparse_negative, QUERN_FORMAT, "sparse index 0 lies outside [5]"},
    {sparse_huge, QUERN_LIMIT, "takes 4398046511104 bytes"},
    {deep_graphs, QUERN_LIMIT, "graphs are nested deeper than 16"},
    {deep_type, QUERN_LIMIT, "type is nested deeper than 16"},
    {rank_nine, QUERN_LIMIT, "declared rank is above 8"},
    {many_pieces, QUERN_LIMIT, "more than 16 pieces"},
    {group_in_node, QUERN_FORMAT, "wire type 3"},
    {external, QUERN_INVALID, "the model comes from memory"},
    {huge_shape, QUERN_LIMIT, "node"},
    {overflowing_shape, QUERN_LIMIT, "node"},
    {huge_expand, QUERN_LIMIT, "node"},
    {huge_tile, QUERN_LIMIT, "node"},
    {huge_pad, QUERN_OK, "node"},
    {huge_range, QUERN_LIMIT, "node"},
    {endless_range, QUERN_OK, "Range"},
    {huge_one_hot, QUERN_LIMIT, "node"},
    {conv_group_zero, QUERN_OK, "group"},
    {conv_group_three, QUERN_OK, "group"},
    {conv_stride_zero, QUERN_OK, "strides"},
    {conv_short_strides, QUERN_OK, "strides"},
    {conv_dilation_huge, QUERN_OK, "Conv"},
    {conv_pads_huge, QUERN_OK, "Conv"},
    {conv_pads_short, QUERN_OK, "pads"},
    {conv_kernel_wrong, QUERN_OK, "kernel_shape"},
    {perm_twice, QUERN_OK, "perm"},
    {perm_outside, QUERN_OK, "perm"},
    {gather_outside, QUERN_OK, "2"},
    {reshape_wrong, QUERN_OK, "Reshape"},
    {reshape_two_free, QUERN_OK, "Reshape"},
    {div_by_zero, QUERN_DATA, "zero"},
    {topk_too_many, QUERN_OK, "1000"},
    {split_wrong, QUERN_OK, "Split"},
    {slice_step_zero, QUERN_OK, "step"},
    {endless_loop, QUERN_LIMIT, "Loop"},
};

/* Status OK in the table: any error that says so will do. */
void test_bad_models(qn_test *t)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        qn_kit k;
        quern_error err = {0};
        qn_note(t, "model %zu", i);
        qn_kit_begin(&k, 8, 17);
        models[i].graph(&k);
        qn_kit_end(&k);
        uint8_t *exact = memcpy(qn_exact(t, k.buf.n), k.buf.p, k.buf.n);
        double start = qn_effort();
        quern_status status = qn_kit_try(exact, k.buf.n, &err);
        CHECK(t, qn_effort() - start < 1);
        if (models[i].status != QUERN_OK)
            CHECK_EQ(t, status, models[i].status);
        else
            CHECK(t, status != QUERN_OK);
        CHECK_HAS(t, err.text, models[i].part);
        qn_kit_done(&k);
    }
}

/* A function that calls itself. */
void test_bad_recursion(qn_test *t)
{
    qn_kit k;
    quern_error err;
    qn_kit_begin(&k, 8, 17);
    recursive_call(&k);
    qn_kit_end(&k);
    qn_kit_opset(&k, MODEL_OPSET_IMPORT, "mine", 1);
    size_t f = qn_pb_begin(&k.buf, MODEL_FUNCTIONS);
    qn_pb_put_text(&k.buf, FUNCTION_NAME, "Again");
    qn_pb_put_text(&k.buf, FUNCTION_DOMAIN, "mine");
    qn_pb_put_text(&k.buf, FUNCTION_INPUT, "a");
    qn_pb_put_text(&k.buf, FUNCTION_OUTPUT, "b");
    size_t node = qn_kit_open(&k, FUNCTION_NODE, "Again a -> b");
    qn_pb_put_text(&k.buf, NODE_DOMAIN, "mine");
    qn_pb_end(&k.buf, node);
    qn_pb_end(&k.buf, f);
    CHECK(t, qn_kit_try(k.buf.p, k.buf.n, &err) != QUERN_OK);
    CHECK_HAS(t, err.text, "functions call each other");
    qn_kit_done(&k);
}
