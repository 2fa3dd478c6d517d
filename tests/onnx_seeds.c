/* SPDX-License-Identifier: Apache-2.0 */
/* tests/onnx_seeds.c - small good models, each about one part of the format. */
#include "tests/onnx_kit.h"

#include <string.h>

static const float ramp[64] = {0.5f, -1, 2, -3, 4, -5, 6, -7, 8, -9, 10, -11, 12, -13};

static void add(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "N 3");
    qn_kit_tensor(k, "b", QUERN_FLOAT, "3", ramp, 12);
    qn_kit_node(k, "Add x b -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "N 3");
}

static void conv(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "1 2 5 5");
    qn_kit_tensor(k, "w", QUERN_FLOAT, "2 1 3 3", ramp, 72);
    qn_kit_tensor(k, "b", QUERN_FLOAT, "2", ramp, 8);
    size_t node = qn_kit_open(k, GRAPH_NODE, "Conv x w b -> c");
    qn_pb_put_text(&k->buf, NODE_NAME, "conv1");
    qn_kit_ints(k, "kernel_shape", "3 3");
    qn_kit_ints(k, "pads", "1 1 1 1");
    qn_kit_ints(k, "strides", "2 2");
    qn_kit_ints(k, "dilations", "1 1");
    qn_kit_int(k, "group", 2);
    qn_pb_end(&k->buf, node);
    qn_kit_node(k, "Relu c -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "1 2 3 3");
}

static void pool(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "1 1 5 5");
    size_t node = qn_kit_open(k, GRAPH_NODE, "MaxPool x -> p");
    qn_kit_ints(k, "kernel_shape", "2 2");
    qn_kit_ints(k, "strides", "2 2");
    qn_kit_int(k, "ceil_mode", 1);
    qn_kit_string(k, "auto_pad", "NOTSET");
    qn_pb_end(&k->buf, node);
    qn_kit_node(k, "GlobalAveragePool p -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

static void gemm(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2 4");
    qn_kit_tensor(k, "w", QUERN_FLOAT, "3 4", ramp, 48);
    size_t node = qn_kit_open(k, GRAPH_NODE, "Gemm x w _ -> g");
    qn_kit_int(k, "transB", 1);
    qn_kit_float(k, "alpha", 0.5f);
    qn_pb_end(&k->buf, node);
    node = qn_kit_open(k, GRAPH_NODE, "Softmax g -> y");
    qn_kit_int(k, "axis", -1);
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2 3");
}

static void shapes(qn_kit *k)
{
    static const int64_t to[] = {0, -1}, axes[] = {1};
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2 3 4");
    qn_kit_tensor(k, "to", QUERN_INT64, "2", to, 16);
    qn_kit_tensor(k, "axes", QUERN_INT64, "1", axes, 8);
    qn_kit_node(k, "Reshape x to -> r");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Transpose r -> t");
    qn_kit_ints(k, "perm", "1 0");
    qn_pb_end(&k->buf, node);
    qn_kit_node(k, "Unsqueeze t axes -> u");
    qn_kit_node(k, "Shape u -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "u", QUERN_FLOAT, NULL);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_INT64, "3");
}

static void slice(qn_kit *k)
{
    static const int64_t v[] = {3, -100, -1};
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "4 2");
    for (int i = 0; i < 3; i++)
        qn_kit_tensor(k, (const char *[]){"starts", "ends", "steps"}[i], QUERN_INT64,
                      "1", &v[i], 8);
    qn_kit_node(k, "Slice x starts ends _ steps -> s");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Concat s x -> y");
    qn_kit_int(k, "axis", -2);
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

static void gather(qn_kit *k)
{
    static const int64_t index[] = {1, -1};
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "3 2");
    qn_kit_tensor(k, "i", QUERN_INT64, "2", index, 16);
    size_t node = qn_kit_open(k, GRAPH_NODE, "Gather x i -> g");
    qn_kit_int(k, "axis", 0);
    qn_pb_end(&k->buf, node);
    qn_kit_node(k, "NonZero g -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_INT64, NULL);
}

/* Typed fields, packed and not, of several types. */
static void typed(qn_kit *k)
{
    qn_buf *b = &k->buf;
    size_t t = qn_pb_begin(b, GRAPH_INITIALIZER);
    qn_kit_tensor_head(k, "f", QUERN_FLOAT, "2");
    qn_pb_put_float(b, TENSOR_FLOAT_DATA, 1.5f);
    qn_pb_put_float(b, TENSOR_FLOAT_DATA, -2);
    qn_pb_end(b, t);
    t = qn_pb_begin(b, GRAPH_INITIALIZER);
    qn_kit_tensor_head(k, "h", QUERN_FLOAT16, "2");
    qn_pb_put_bytes(b, TENSOR_INT32_DATA, "\x80\x78\x00", 3); /* 0x3C00, 0 */
    qn_pb_end(b, t);
    t = qn_pb_begin(b, GRAPH_INITIALIZER);
    qn_kit_tensor_head(k, "n", QUERN_INT4, "3");
    qn_pb_put_bytes(b, TENSOR_INT32_DATA, "\x71\x0F", 2);
    qn_pb_end(b, t);
    size_t node = qn_kit_open(k, GRAPH_NODE, "Cast h -> c");
    qn_kit_int(k, "to", QUERN_FLOAT);
    qn_pb_end(b, node);
    qn_kit_node(k, "Mul f c -> y");
    node = qn_kit_open(k, GRAPH_NODE, "Cast n -> z");
    qn_kit_int(k, "to", QUERN_INT64);
    qn_pb_end(b, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
    qn_kit_value(k, GRAPH_OUTPUT, "z", QUERN_INT64, "3");
}

static void strings(qn_kit *k)
{
    qn_buf *b = &k->buf;
    size_t t = qn_pb_begin(b, GRAPH_INITIALIZER);
    qn_kit_tensor_head(k, "s", QUERN_STRING, "2");
    qn_pb_put_text(b, TENSOR_STRING_DATA, "grain");
    qn_pb_put_text(b, TENSOR_STRING_DATA, "");
    qn_pb_end(b, t);
    qn_kit_node(k, "Identity s -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_STRING, "2");
}

static void sparse(qn_kit *k)
{
    static const int64_t index[] = {1, 5};
    qn_buf *b = &k->buf;
    size_t s = qn_pb_begin(b, GRAPH_SPARSE_INITIALIZER);
    size_t t = qn_pb_begin(b, SPARSE_VALUES);
    qn_kit_tensor_head(k, "s", QUERN_FLOAT, "2");
    qn_pb_put_bytes(b, TENSOR_RAW_DATA, ramp, 8);
    qn_pb_end(b, t);
    t = qn_pb_begin(b, SPARSE_INDICES);
    qn_kit_tensor_head(k, NULL, QUERN_INT64, "2");
    qn_pb_put_bytes(b, TENSOR_RAW_DATA, index, 16);
    qn_pb_end(b, t);
    qn_pb_put_varint(b, SPARSE_DIMS, 2);
    qn_pb_put_varint(b, SPARSE_DIMS, 3);
    qn_pb_end(b, s);
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2 3");
    qn_kit_node(k, "Add x s -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2 3");
}

/* A branch of If: name -> out, reading outer values. */
static void branch(qn_kit *k, const char *name, const char *node)
{
    qn_kit_mark mark = qn_kit_graph(k, name);
    qn_kit_node(k, node);
    qn_kit_value(k, GRAPH_OUTPUT, "out", QUERN_FLOAT, NULL);
    qn_kit_graph_end(k, mark);
}

static void if_else(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "c", QUERN_BOOL, "");
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
    qn_kit_tensor(k, "w", QUERN_FLOAT, "2", ramp, 8);
    size_t node = qn_kit_open(k, GRAPH_NODE, "If c -> y");
    branch(k, "then_branch", "Add x w -> out");
    branch(k, "else_branch", "Neg x -> out");
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
}

static void loop(qn_kit *k)
{
    static const int64_t trips[] = {3};
    qn_kit_tensor(k, "m", QUERN_INT64, "", trips, 8);
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Loop m _ x -> y scan");
    qn_kit_mark mark = qn_kit_graph(k, "body");
    qn_kit_value(k, GRAPH_INPUT, "i", QUERN_INT64, "");
    qn_kit_value(k, GRAPH_INPUT, "go", QUERN_BOOL, "");
    qn_kit_value(k, GRAPH_INPUT, "v", QUERN_FLOAT, "2");
    qn_kit_node(k, "Identity go -> go2");
    qn_kit_node(k, "Add v x -> v2"); /* x: from outside */
    qn_kit_node(k, "Identity v2 -> s");
    qn_kit_value(k, GRAPH_OUTPUT, "go2", QUERN_BOOL, "");
    qn_kit_value(k, GRAPH_OUTPUT, "v2", QUERN_FLOAT, "2");
    qn_kit_value(k, GRAPH_OUTPUT, "s", QUERN_FLOAT, "2");
    qn_kit_graph_end(k, mark);
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
    qn_kit_value(k, GRAPH_OUTPUT, "scan", QUERN_FLOAT, NULL);
}

static void defaults(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "3");
    qn_kit_value(k, GRAPH_INPUT, "w", QUERN_FLOAT, "3");
    qn_kit_tensor(k, "w", QUERN_FLOAT, "3", ramp, 12);
    qn_kit_node(k, "Mul x w -> y");
    qn_kit_value(k, GRAPH_VALUE_INFO, "y", QUERN_FLOAT, "3");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "3");
}

static void quantize(qn_kit *k)
{
    static const uint8_t zero[] = {128};
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "4");
    qn_kit_tensor(k, "scale", QUERN_FLOAT, "", ramp, 4);
    qn_kit_tensor(k, "zero", QUERN_UINT8, "", zero, 1);
    qn_kit_node(k, "QuantizeLinear x scale zero -> q");
    qn_kit_node(k, "DequantizeLinear q scale zero -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "4");
}

static void pad(qn_kit *k)
{
    static const int64_t pads[] = {0, 1, 0, 2}, repeats[] = {2, 1};
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2 2");
    qn_kit_tensor(k, "p", QUERN_INT64, "4", pads, 32);
    qn_kit_tensor(k, "r", QUERN_INT64, "2", repeats, 16);
    size_t node = qn_kit_open(k, GRAPH_NODE, "Pad x p -> q");
    qn_kit_string(k, "mode", "edge");
    qn_pb_end(&k->buf, node);
    qn_kit_node(k, "Tile q r -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
}

static void reduce(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2 3 2");
    size_t node = qn_kit_open(k, GRAPH_NODE, "ReduceMean x -> r");
    qn_kit_ints(k, "axes", "-1 0"); /* an old form: lowered */
    qn_kit_int(k, "keepdims", 0);
    qn_pb_end(&k->buf, node);
    node = qn_kit_open(k, GRAPH_NODE, "TopK x two -> v i");
    qn_pb_end(&k->buf, node);
    qn_kit_tensor(k, "two", QUERN_INT64, "1", (int64_t[]){2}, 8);
    qn_kit_value(k, GRAPH_OUTPUT, "r", QUERN_FLOAT, NULL);
    qn_kit_value(k, GRAPH_OUTPUT, "i", QUERN_INT64, NULL);
}

static void constants(qn_kit *k)
{
    size_t node = qn_kit_open(k, GRAPH_NODE, "Constant -> shape");
    qn_kit_ints(k, "value_ints", "2 2");
    qn_pb_end(&k->buf, node);
    node = qn_kit_open(k, GRAPH_NODE, "ConstantOfShape shape -> y");
    size_t a = qn_pb_begin(&k->buf, NODE_ATTRIBUTE);
    qn_pb_put_text(&k->buf, ATTRIBUTE_NAME, "value");
    size_t t = qn_pb_begin(&k->buf, ATTRIBUTE_T);
    qn_kit_tensor_head(k, NULL, QUERN_FLOAT, "1");
    qn_pb_put_bytes(&k->buf, TENSOR_RAW_DATA, ramp, 4);
    qn_pb_end(&k->buf, t);
    qn_pb_end(&k->buf, a);
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2 2");
}

static void sequences(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2 3");
    qn_kit_node(k, "SequenceConstruct x x -> s");
    qn_kit_tensor(k, "i", QUERN_INT64, "", (int64_t[]){1}, 8);
    qn_kit_node(k, "SequenceAt s i -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2 3");
}

static void calls(qn_kit *k)
{
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Leak x -> y");
    qn_pb_put_text(&k->buf, NODE_DOMAIN, "mine");
    qn_pb_end(&k->buf, node);
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
}

/* What the model has besides its graph. */
static void function(qn_kit *k)
{
    qn_buf *b = &k->buf;
    qn_kit_opset(k, MODEL_OPSET_IMPORT, "mine", 1);
    size_t f = qn_pb_begin(b, MODEL_FUNCTIONS);
    qn_pb_put_text(b, FUNCTION_NAME, "Leak");
    qn_pb_put_text(b, FUNCTION_DOMAIN, "mine");
    qn_pb_put_text(b, FUNCTION_INPUT, "a");
    qn_pb_put_text(b, FUNCTION_OUTPUT, "c");
    size_t node = qn_kit_open(k, FUNCTION_NODE, "LeakyRelu a -> c");
    qn_kit_ref(k, "alpha", QN_ATTR_FLOAT, "slope");
    qn_pb_end(b, node);
    size_t a = qn_pb_begin(b, FUNCTION_ATTRIBUTE_PROTO);
    qn_pb_put_text(b, ATTRIBUTE_NAME, "slope");
    qn_pb_put_varint(b, ATTRIBUTE_TYPE, QN_ATTR_FLOAT);
    qn_pb_put_float(b, ATTRIBUTE_F, 0.25f);
    qn_pb_end(b, a);
    qn_kit_opset(k, FUNCTION_OPSET_IMPORT, "", 17);
    qn_pb_end(b, f);
}

static void metadata(qn_kit *k)
{
    qn_pb_put_text(&k->buf, MODEL_PRODUCER_NAME, "kit");
    qn_pb_put_text(&k->buf, MODEL_PRODUCER_VERSION, "1");
    qn_kit_pair(k, MODEL_METADATA_PROPS, "quern.mean", "0.5");
}

static const struct {
    void (*graph)(qn_kit *k);
    void (*rest)(qn_kit *k);
    int opset;
} seeds[] = {
    {add, metadata, 17},   {conv, NULL, 11},      {pool, NULL, 17},
    {gemm, NULL, 13},      {shapes, NULL, 17},    {slice, NULL, 17},
    {gather, NULL, 17},    {typed, NULL, 21},     {strings, NULL, 17},
    {sparse, NULL, 17},    {if_else, NULL, 17},   {loop, NULL, 17},
    {defaults, NULL, 6},   {quantize, NULL, 13},  {pad, NULL, 13},
    {reduce, NULL, 11},    {constants, NULL, 17}, {sequences, NULL, 17},
    {calls, function, 17},
};

int qn_kit_seeds(void)
{
    return (int)(sizeof seeds / sizeof *seeds);
}

void qn_kit_seed(qn_kit *k, int i)
{
    qn_kit_begin(k, 8, seeds[i].opset);
    seeds[i].graph(k);
    qn_kit_end(k);
    if (seeds[i].rest) seeds[i].rest(k);
}
