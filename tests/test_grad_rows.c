/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_grad_rows.c - gradients of normalisation, reduction, resampling, products
 * by index letters, attention and losses against central differences in double. */
#include "engine/grad.h"
#include "formats/onnx.h"
#include "tests/grad_kit.h"

#include <stdio.h>

#define GRAD(t, text, in, y, ...)                                     \
    CHECK_GRAD_NODE(t, .node = (text), .inputs = (in), .y_dims = (y), \
                    .with = (__VA_ARGS__))

void test_grad_layer_norm(qn_test *t)
{
    const char *all = "LayerNormalization x s b -> y";
    GRAD(t, all, "x 3 5; s 5; b 5", "3 5", NULL);
    GRAD(t, all, "x 2 3 4; s 3 4; b 3 4", "2 3 4", "axis=1 ~epsilon=0.1");
    GRAD(t, all, "x 2 3 4; s 4; b 1", "2 3 4", "axis=1");
    GRAD(t, "LayerNormalization x s -> y", "x 40 3; s 3", "40 3", NULL);
    CHECK_GRAD_NODE(t, .node = "RMSNormalization x s -> y", .inputs = "x 3 5; s 5",
                    .y_dims = "3 5", .opset = 23);
}

void test_grad_group_norm(qn_test *t)
{
    const char *group = "GroupNormalization x s b -> y";
    const char *instance = "InstanceNormalization x s b -> y";
    GRAD(t, group, "x 2 6 3; s 6; b 6", "2 6 3", "num_groups=3");
    GRAD(t, group, "x 3 4 2 2; s 4; b 4", "3 4 2 2", "num_groups=1");
    GRAD(t, instance, "x 2 3 5; s 3; b 3", "2 3 5", "~epsilon=0.01");
    GRAD(t, instance, "x 3 2 2 3; s 2; b 2", "3 2 2 3", NULL);
    CHECK_GRAD_NODE(t, .node = group, .inputs = "x 2 6 3; s 3; b 3", .y_dims = "2 6 3",
                    .with = "num_groups=3", .opset = 18);
}

void test_grad_reduce(qn_test *t)
{
    static const qn_grad_range positive = {0.5, 2, 0}, apart = {-1, 1, 0.05};
    static const char *const name[] = {"L1",     "L2",        "SumSquare",
                                       "LogSum", "LogSumExp", "Prod"};
    for (int i = 0; i < 6; i++)
        for (int form = 0; form < 3; form++) {
            char node[64];
            snprintf(node, sizeof node, "Reduce%s x%s -> y", name[i],
                     form == 2 ? "" : " axes");
            CHECK_GRAD_NODE(t, .node = node, .inputs = "x 2 3 4",
                            .constants = form == 0 ? "axes 1" : "axes 0 -1",
                            .y_dims = form == 0   ? "2 1 4"
                                      : form == 1 ? "3"
                                                  : "1 1 1",
                            .with = form == 1 ? "keepdims=0" : NULL,
                            .range = i == 3 ? &positive : &apart);
        }
    CHECK_GRAD_NODE(t, .node = "LpNormalization x -> y", .inputs = "x 3 4",
                    .y_dims = "3 4", .with = "p=1", .range = &apart);
    GRAD(t, "LpNormalization x -> y", "x 2 3 4", "2 3 4", "axis=1");
    CHECK_GRAD_NODE(t, .node = "Softmax x -> y", .inputs = "x 2 3 4", .y_dims = "2 3 4",
                    .with = "axis=1", .opset = 11);
    CHECK_GRAD_NODE(t, .node = "LogSoftmax x -> y", .inputs = "x 2 3 4",
                    .y_dims = "2 3 4", .opset = 11);
}

/* Each factor gets the product of the others, also beside a zero. */
void test_grad_product_of_zeros(qn_test *t)
{
    static const qn_grad_range zeros = {0, 0, 0};
    CHECK_GRAD_NODE(t, .node = "ReduceProd x -> y", .inputs = "x 1", .y_dims = "1",
                    .range = &zeros);
    CHECK_GRAD_NODE(t, .node = "ReduceL2 x -> y", .inputs = "x 2 0", .y_dims = "1 1");
}

void test_grad_resize(qn_test *t)
{
    static const char *const coords[] = {"half_pixel",    "half_pixel_symmetric",
                                         "align_corners", "pytorch_half_pixel",
                                         "asymmetric",    "tf_crop_and_resize"};
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    for (int c = 0; c < 6; c++)
        for (int m = 0; m < 3; m++) {
            char with[128];
            snprintf(with, sizeof with, "coordinate_transformation_mode=%s mode=%s",
                     coords[c], modes[m]);
            qn_note(t, "%s", with);
            CHECK_GRAD_NODE(t, .node = "Resize x r _ s -> y", .inputs = "x 1 2 3 4",
                            .constants = "~r 0 0 0 -0.2 1 1 1 1.3; s 1 2 5 7",
                            .y_dims = "1 2 5 7", .with = with);
            CHECK_GRAD_NODE(t, .node = "Resize x r _ s -> y", .inputs = "x 2 5 6",
                            .constants = "~r 0 0 0 1 1 1; s 2 3 2", .y_dims = "2 3 2",
                            .with = with);
        }
    CHECK_GRAD_NODE(t, .node = "Resize x _ s -> y", .inputs = "x 1 2 3 4",
                    .constants = "~s 1 1 2 2", .y_dims = "1 2 6 8");
    CHECK_GRAD_NODE(t, .node = "Resize x _ s -> y", .inputs = "x 1 1 9 7",
                    .constants = "~s 1 1 0.4 0.6", .y_dims = "1 1 3 4",
                    .with = "mode=linear antialias=1");
    CHECK_GRAD_NODE(t, .node = "Upsample x s -> y", .inputs = "x 1 2 3 2",
                    .constants = "~s 1 1 2 3", .y_dims = "1 2 6 6",
                    .with = "mode=linear", .opset = 9);
}

void test_grad_einsum(qn_test *t)
{
    GRAD(t, "Einsum a b -> y", "a 2 3; b 3 4", "2 4", "equation=ij,jk->ik");
    GRAD(t, "Einsum a b -> y", "a 2 3; b 3 4", "2 4", "equation=ij,jk");
    GRAD(t, "Einsum a b -> y", "a 2 5 3; b 2 4 3", "2 5 4",
         "equation=...id,...jd->...ij");
    GRAD(t, "Einsum a b c -> y", "a 2 3; b 3; c 3 2", "2", "equation=ij,j,ji->i");
    GRAD(t, "Einsum a -> y", "a 2 3 4", "4 2", "equation=ijk->ki");
    GRAD(t, "Einsum a b -> y", "a 2 3 2; b 4", "4 2", "equation=bhw,k->kb");
    GRAD(t, "Einsum a b -> y", "a 1 3 2; b 4 2 5", "4 3 5",
         "equation=...ij,...jk->...ik");
}

static void attention(qn_test *t, const char *inputs, const char *y, const char *with)
{
    CHECK_GRAD_NODE(t, .node = "Attention q k v -> y", .inputs = inputs, .y_dims = y,
                    .with = with, .opset = 23);
}

void test_grad_attention(qn_test *t)
{
    attention(t, "q 2 2 3 4; k 2 2 5 4; v 2 2 5 3", "2 2 3 3", NULL);
    attention(t, "q 1 3 8; k 1 3 8; v 1 3 4", "1 3 4",
              "q_num_heads=2 kv_num_heads=2 is_causal=1");
    attention(t, "q 1 4 3 2; k 1 2 5 2; v 1 2 5 2", "1 4 3 2",
              "~scale=0.7 ~softcap=1.5");
    attention(t, "q 1 3 8; k 1 4 4; v 1 4 6", "1 3 12", "q_num_heads=4 kv_num_heads=2");
    CHECK_GRAD_NODE(t, .node = "Attention q k v m -> y",
                    .inputs = "q 2 2 3 4; k 2 2 5 4; v 2 2 5 3; m 2 1 5",
                    .y_dims = "2 2 3 3", .opset = 23);
    CHECK_GRAD_NODE(t, .node = "Attention q k v m -> y",
                    .inputs = "q 1 2 2 4; k 1 2 3 4; v 1 2 3 3",
                    .constants = "?m:2x3 1 0 1 1 1 0", .y_dims = "1 2 2 3",
                    .opset = 23);
}

void test_grad_losses(qn_test *t)
{
    static const char *const name[] = {"NegativeLogLikelihoodLoss",
                                       "SoftmaxCrossEntropyLoss"};
    for (int i = 0; i < 2; i++) {
        char plain[64], weighted[64];
        snprintf(plain, sizeof plain, "%s x l -> y", name[i]);
        snprintf(weighted, sizeof weighted, "%s x l w -> y", name[i]);
        const char *labels = "l:2x4 0 2 1 1 2 -7 0 2", *short_list = "l 2 0 1 1";
        CHECK_GRAD_NODE(t, .node = plain, .inputs = "x 4 3", .constants = short_list,
                        .y_dims = "");
        CHECK_GRAD_NODE(t, .node = plain, .inputs = "x 4 3", .constants = short_list,
                        .y_dims = "", .with = "reduction=sum ignore_index=1");
        CHECK_GRAD_NODE(t, .node = plain, .inputs = "x 2 3 4", .constants = labels,
                        .y_dims = "2 4", .with = "reduction=none ignore_index=-7");
        CHECK_GRAD_NODE(t, .node = plain, .inputs = "x 2 3 4", .constants = labels,
                        .y_dims = "", .with = "ignore_index=-7");
    }
}

/* One draw drops the same elements on both ways; the seed is the run's, which the
 * session counts up, so the reference is the mask that comes out. */
void test_grad_dropout(qn_test *t)
{
    CHECK_GRAD_NODE(t, .node = "Dropout x -> y", .inputs = "x 3 4", .y_dims = "3 4");
    CHECK_GRAD_NODE(t, .node = "Dropout x _ on -> y", .inputs = "x 3 4",
                    .constants = "?on: 0", .y_dims = "3 4");
}

void test_grad_conv_transpose(qn_test *t)
{
    const char *all = "ConvTranspose x w b -> y";
    GRAD(t, all, "x 2 2 3 3; w 2 3 2 2; b 3", "2 3 6 6", "strides=2,2");
    GRAD(t, all, "x 1 4 3 4; w 4 1 3 2; b 2", "1 2 5 5", "group=2");
    GRAD(t, all, "x 1 2 3 3; w 2 2 3 3; b 2", "1 2 6 6",
         "strides=2,2 pads=1,1,1,1 output_padding=1,1");
    GRAD(t, all, "x 1 2 4; w 2 1 2; b 1", "1 1 6", "dilations=[2]");
}

static void put_node(qn_kit *k, const char *text, const char *name, const char *ints)
{
    const size_t at = qn_kit_open(k, GRAPH_NODE, text);
    qn_kit_ints(k, name, ints);
    qn_pb_end(&k->buf, at);
}

/* Down, up on two ways, and across. */
void test_grad_unet(qn_test *t)
{
    static const float scales[] = {1, 1, 2, 2};
    qn_kit k;
    qn_kit_begin(&k, 10, 21);
    put_node(&k, "Conv x w1 -> a", "pads", "1 1 1 1");
    const size_t group = qn_kit_open(&k, GRAPH_NODE, "GroupNormalization a s s -> g");
    qn_kit_int(&k, "num_groups", 2);
    qn_pb_end(&k.buf, group);
    qn_kit_node(&k, "Sigmoid g -> z");
    qn_kit_node(&k, "Mul g z -> act");
    const size_t pool = qn_kit_open(&k, GRAPH_NODE, "MaxPool act -> low");
    qn_kit_ints(&k, "kernel_shape", "2 2");
    qn_kit_ints(&k, "strides", "2 2");
    qn_pb_end(&k.buf, pool);
    put_node(&k, "Conv low w2 -> deep", "pads", "1 1 1 1");
    qn_kit_node(&k, "InstanceNormalization deep s s -> n");
    const size_t up = qn_kit_open(&k, GRAPH_NODE, "Resize n _ scales -> up");
    qn_kit_string(&k, "mode", "linear");
    qn_pb_end(&k.buf, up);
    put_node(&k, "ConvTranspose n w3 -> across", "strides", "2 2");
    const size_t join = qn_kit_open(&k, GRAPH_NODE, "Concat act up across -> all");
    qn_kit_int(&k, "axis", 1);
    qn_pb_end(&k.buf, join);
    qn_kit_node(&k, "Conv all w4 -> y");
    qn_kit_tensor(&k, "scales", QUERN_FLOAT, "4", scales, sizeof scales);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_DOUBLE, "2 2 4 6");
    qn_kit_value(&k, GRAPH_INPUT, "w1", QUERN_DOUBLE, "4 2 3 3");
    qn_kit_value(&k, GRAPH_INPUT, "w2", QUERN_DOUBLE, "4 4 3 3");
    qn_kit_value(&k, GRAPH_INPUT, "w3", QUERN_DOUBLE, "4 3 2 2");
    qn_kit_value(&k, GRAPH_INPUT, "w4", QUERN_DOUBLE, "2 11 1 1");
    qn_kit_value(&k, GRAPH_INPUT, "s", QUERN_DOUBLE, "4");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_DOUBLE, "2 2 4 6");
    qn_kit_end(&k);
    CHECK_GRADIENTS(t, &k, NULL);
    qn_kit_done(&k);
}

/* All that is missing is told at once, by node. */
void test_grad_missing(qn_test *t)
{
    qn_kit k;
    quern_model *model = NULL;
    quern_error err = {0};
    qn_kit_begin(&k, 10, 21);
    qn_kit_node(&k, "Det x -> a");
    qn_kit_node(&k, "Hardmax x -> b");
    qn_kit_node(&k, "ReduceSum b -> c");
    qn_kit_node(&k, "Add a c -> y");
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_DOUBLE, "3 3");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_DOUBLE, "1 1");
    qn_kit_end(&k);
    if (CHECK_OK(t, qn_onnx_parse_raw(k.buf.p, k.buf.n, NULL, &model, &err), &err)) {
        qn_value *loss, *grad;
        model->purpose = QN_FOR_GRADIENTS;
        CHECK_OK(t, qn_model_finish(model, &err), &err);
        CHECK_OK(t, qn_random_loss(model, model->graph->outputs[0], &loss, &err), &err);
        CHECK_FAILS(t, qn_grad_build(model, loss, model->graph->inputs, 1, &grad, &err),
                    QUERN_UNSUPPORTED, &err, "Det");
        CHECK_HAS(t, err.text, "Hardmax");
        quern_model_free(model);
    }
    qn_kit_done(&k);
}
