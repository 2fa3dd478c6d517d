/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_pass_order.c - passes that change the order of what is done: normalisation
 * into the convolution behind it, pools before pixelwise convolutions, upsampling
 * behind what treats all pixels alike. */
#include "tests/fusion_kit.h"

static qn_fusion_conv conv_of(const char *in, const char *out, int oc, int ic, int side)
{
    return (qn_fusion_conv){in, out, oc, ic, side, side / 2, 1, 1};
}

void test_pass_fold_norm_ahead(qn_test *t)
{
    static const struct {
        int side, pad, group, relu, left;
    } cases[] = {{1, 0, 1, 0, 1},  {3, 0, 1, 0, 1}, {1, 0, 2, 0, 1},
                 {3, 0, 12, 0, 1}, {3, 1, 1, 0, 2}, {1, 0, 1, 1, 2}};
    for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
        qn_fusion f;
        qn_fusion_begin(&f, t, 12, 9, 7);
        qn_fusion_add_norm(&f, "x", "n", 12);
        if (cases[i].relu) qn_kit_node(&f.kit, "Relu n -> r");
        qn_fusion_add_conv(&f, &(qn_fusion_conv){cases[i].relu ? "r" : "n", "y", 24, 12,
                                                 cases[i].side, cases[i].pad, 1,
                                                 cases[i].group});
        qn_fusion_end(&f, "y");
        qn_note(t, "case %d", i);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-5).nodes, cases[i].left);
    }
}

/* Two read what is normalised: it stays. */
void test_pass_fold_norm_shared(qn_test *t)
{
    qn_fusion f;
    qn_fusion_begin(&f, t, 10, 6, 5);
    qn_fusion_add_norm(&f, "x", "n", 10);
    const qn_fusion_conv c = conv_of("n", "c", 10, 10, 1);
    qn_fusion_add_conv(&f, &c);
    qn_kit_node(&f.kit, "Mul c n -> y");
    qn_fusion_end(&f, "y");
    CHECK_EQ(t, qn_fusion_check(&f, 1e-5).nodes, 3);
}

/* A 1x1 convolution, then means of windows with these attributes. */
static int64_t pooled(qn_test *t, const char *pads, const char *strides,
                      int64_t ceil_mode, int64_t count_pad)
{
    qn_fusion f;
    qn_fusion_begin(&f, t, 20, 11, 8);
    const qn_fusion_conv c = conv_of("x", "c", 12, 20, 1);
    qn_fusion_add_conv(&f, &c);
    const size_t node = qn_kit_open(&f.kit, GRAPH_NODE, "AveragePool c -> y");
    qn_kit_ints(&f.kit, "kernel_shape", "2 3");
    qn_kit_ints(&f.kit, "strides", strides);
    qn_kit_ints(&f.kit, "pads", pads);
    qn_kit_int(&f.kit, "ceil_mode", ceil_mode);
    qn_kit_int(&f.kit, "count_include_pad", count_pad);
    qn_pb_end(&f.kit.buf, node);
    qn_fusion_end(&f, "y");
    return qn_fusion_check(&f, 1e-5).macs / (12 * 20);
}

void test_pass_pool_before_conv(qn_test *t)
{
    /* pixels that the convolution makes */
    CHECK_EQ(t, pooled(t, "0 0 0 0", "2 2", 0, 0), 5 * 3);
    CHECK_EQ(t, pooled(t, "1 1 1 1", "2 2", 0, 0), 6 * 4);
    CHECK_EQ(t, pooled(t, "0 1 1 0", "2 3", 1, 0), 6 * 3);
    CHECK_EQ(t, pooled(t, "0 0 0 0", "2 2", 0, 1), 5 * 3);
    CHECK_EQ(t, pooled(t, "1 1 1 1", "2 2", 0, 1), 11 * 8); /* zeros count */
    CHECK_EQ(t, pooled(t, "0 0 0 0", "1 1", 0, 1), 11 * 8); /* as many windows */
}

/* The decoder of a U-Net: two branches of an upsampled value. */
void test_pass_sink_upsample(qn_test *t)
{
    static const float factors[][2] = {{2, 2}, {3, 1}, {1, 2}, {2.5f, 1.5f}};
    for (int i = 0; i < 4; i++) {
        qn_fusion f;
        qn_fusion_begin(&f, t, 24, 7, 5);
        qn_fusion_add_resize(&f, "x", "u", factors[i][0], factors[i][1]);
        qn_fusion_add_norm(&f, "u", "n", 24);
        qn_kit_node(&f.kit, "Relu n -> r");
        qn_fusion_conv c = conv_of("r", "a", 16, 24, 3);
        qn_fusion_add_conv(&f, &c);
        qn_fusion_add_norm(&f, "u", "m", 24);
        c = conv_of("m", "p", 16, 24, 1);
        qn_fusion_add_conv(&f, &c);
        qn_kit_node(&f.kit, "Add a p -> y");
        qn_fusion_end(&f, "y");
        qn_note(t, "factors %d", i);
        /* norm, conv 1x1, two resizes, conv 3x3, add */
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).nodes, 6);
    }
}

/* One reader is no pixelwise node, or the value is a result: nothing moves. */
void test_pass_sink_upsample_not(qn_test *t)
{
    for (int i = 0; i < 2; i++) {
        qn_fusion f;
        qn_fusion_begin(&f, t, 16, 5, 6);
        qn_fusion_add_resize(&f, "x", "u", 2, 2);
        qn_kit_node(&f.kit, "Relu u -> r");
        if (i == 0) qn_kit_node(&f.kit, "Mul u r -> y");
        const qn_fusion_conv c = conv_of("r", "y", 16, 16, 3);
        if (i == 1) qn_fusion_add_conv(&f, &c);
        qn_fusion_end(&f, i == 1 ? "u" : "y");
        CHECK_EQ(t, qn_fusion_check(&f, 1e-5).nodes, i == 1 ? 1 : 3);
    }
}
