/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_fusions.c - what moves into a convolution while a plan is made: upsampling
 * in front of it and of its residual. */
#include "tests/fusion_kit.h"

static qn_fusion_conv conv_of(const char *in, const char *out, int oc, int ic, int side)
{
    return (qn_fusion_conv){in, out, oc, ic, side, side / 2, 1, 1};
}

static void begin_upsampled(qn_fusion *f, qn_test *t, int c, const int size[2])
{
    qn_fusion_begin(f, t, c, size[0], size[1]);
    qn_fusion_conv first = conv_of("x", "a", 24, c, 3);
    qn_fusion_add_conv(f, &first);
}

/* Doubled pixels into a 3x3 convolution: the Resize is gone.  Reorder in, two
 * convolutions, reorder out. */
void test_fuse_upsample_conv(qn_test *t)
{
    static const int sizes[][2] = {{5, 7}, {4, 4}, {1, 9}, {13, 10}};
    for (int i = 0; i < 4; i++) {
        qn_fusion f;
        begin_upsampled(&f, t, 8, sizes[i]);
        qn_fusion_add_resize(&f, "a", "u", 2, 2);
        const qn_fusion_conv c = conv_of("u", "c", 40, 24, 3);
        qn_fusion_add_conv(&f, &c);
        qn_kit_node(&f.kit, "Relu c -> y");
        qn_fusion_end(&f, "y");
        qn_note(t, "%d x %d", sizes[i][0], sizes[i][1]);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, 4);
    }
}

/* Others keep their Resize: other factors, convolutions and few channels. */
void test_fuse_upsample_not(qn_test *t)
{
    static const struct {
        float rows, cols;
        int oc, side, pad, stride, group;
    } cases[] = {{2, 1, 24, 3, 1, 1, 1}, {3, 3, 24, 3, 1, 1, 1}, {2, 2, 24, 5, 2, 1, 1},
                 {2, 2, 24, 3, 0, 1, 1}, {2, 2, 24, 3, 1, 2, 1}, {2, 2, 24, 3, 1, 1, 3},
                 {2, 2, 4, 3, 1, 1, 1},  {2, 2, 24, 3, 2, 1, 1}};
    for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
        qn_fusion f;
        begin_upsampled(&f, t, 8, (const int[]){6, 5});
        qn_fusion_add_resize(&f, "a", "u", cases[i].rows, cases[i].cols);
        qn_fusion_add_conv(&f, &(qn_fusion_conv){"u", "y", cases[i].oc, 24,
                                                 cases[i].side, cases[i].pad,
                                                 cases[i].stride, cases[i].group});
        qn_fusion_end(&f, "y");
        qn_note(t, "case %d", i);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, 5);
    }
}

/* Where outputs lie decides whether every pixel stands twice. */
void test_fuse_upsample_modes(qn_test *t)
{
    static const struct {
        const char *coordinates, *nearest;
        int instrs;
    } modes[] = {{"asymmetric", "round_prefer_floor", 4},
                 {"asymmetric", "round_prefer_ceil", 5},
                 {"half_pixel", "round_prefer_floor", 4},
                 {"half_pixel", "round_prefer_ceil", 4},
                 {"half_pixel", "floor", 5},
                 {"align_corners", "round_prefer_floor", 5}};
    for (int i = 0; i < (int)(sizeof modes / sizeof modes[0]); i++) {
        qn_fusion f;
        const float scales[4] = {1, 1, 2, 2};
        begin_upsampled(&f, t, 8, (const int[]){6, 5});
        qn_kit_tensor(&f.kit, "s", QUERN_FLOAT, "4", scales, sizeof scales);
        const size_t node = qn_kit_open(&f.kit, GRAPH_NODE, "Resize a _ s -> u");
        qn_kit_string(&f.kit, "coordinate_transformation_mode", modes[i].coordinates);
        qn_kit_string(&f.kit, "nearest_mode", modes[i].nearest);
        qn_pb_end(&f.kit.buf, node);
        const qn_fusion_conv c = conv_of("u", "y", 16, 24, 3);
        qn_fusion_add_conv(&f, &c);
        qn_fusion_end(&f, "y");
        qn_note(t, "%s %s", modes[i].coordinates, modes[i].nearest);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, modes[i].instrs);
    }
}

/* A doubled residual: into a convolution by Winograd, a direct one, one of groups; not
 * into a depthwise one, which needs the Resize. */
void test_fuse_upsample_residual(qn_test *t)
{
    static const struct {
        int side, group, instrs;
    } cases[] = {{3, 1, 5}, {1, 1, 5}, {5, 3, 5}, {3, 24, 6}};
    for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
        qn_fusion f;
        begin_upsampled(&f, t, 8, (const int[]){7, 5});
        qn_fusion_add_resize(&f, "a", "u", 2, 2);
        qn_fusion_conv c = conv_of("u", "b", 24, 24, 3);
        qn_fusion_add_conv(&f, &c);
        c = conv_of("b", "c", 24, 24, cases[i].side);
        c.group = cases[i].group;
        qn_fusion_add_conv(&f, &c);
        qn_kit_node(&f.kit, "Add u c -> d");
        qn_kit_node(&f.kit, "Relu d -> y");
        qn_fusion_end(&f, "y");
        qn_note(t, "case %d", i);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, cases[i].instrs);
    }
}

/* One number a channel of each image is added between convolutions, as Cellpose adds
 * its style: no reorder of anything but that.  The factor makes it depend on the image.
 */
void test_blocked_add_channels(qn_test *t)
{
    for (int turned = 0; turned < 2; turned++) {
        qn_fusion f;
        begin_upsampled(&f, t, 8, (const int[]){70, 9});
        qn_fusion_conv c = conv_of("a", "b", 20, 24, 1);
        qn_fusion_add_conv(&f, &c);
        qn_kit_node(&f.kit, "GlobalAveragePool b -> g");
        qn_kit_node(&f.kit, turned ? "Add g b -> d" : "Add b g -> d");
        qn_kit_node(&f.kit, "Sigmoid d -> e");
        c = conv_of("e", "y", 16, 20, 3);
        qn_fusion_add_conv(&f, &c);
        qn_fusion_end(&f, "y");
        /* reorder, two convolutions, mean, sum, convolution, reorder */
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, 7);
    }
}

/* Channels that are not there are divided, too, and must not reach the next sum. */
void test_blocked_divided_tail(qn_test *t)
{
    qn_fusion f;
    begin_upsampled(&f, t, 8, (const int[]){6, 9});
    qn_fusion_conv c = conv_of("a", "b", 20, 24, 1);
    qn_fusion_add_conv(&f, &c);
    qn_kit_node(&f.kit, "Exp b -> d");
    qn_kit_node(&f.kit, "Div b d -> e");
    c = conv_of("e", "y", 16, 20, 3);
    qn_fusion_add_conv(&f, &c);
    qn_fusion_end(&f, "y");
    qn_fusion_check(&f, 1e-4);
}
