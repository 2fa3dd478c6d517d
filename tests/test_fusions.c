/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_fusions.c - what moves into a convolution while a plan is made: upsampling
 * in front of it and of its residual, a normalisation with ReLU, a style. */
#include "tests/fusion_kit.h"

#include <stdio.h>

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

/* ---- normalisation ahead ---- */

/* A sum that others read, too, is normalised, bounded and taken by a 3x3 convolution:
 * the normalisation is gone where that goes by Winograd. */
void test_fuse_norm_ahead(qn_test *t)
{
    static const struct {
        int h, w, oc, side;
        const char *act;
        int instrs;
    } cases[] = {
        {14, 13, 24, 3, "Relu", 6}, {7, 6, 40, 3, "Relu", 6},
        {5, 17, 20, 3, "", 6},      {33, 12, 24, 3, "Relu", 6},
        {4, 4, 24, 3, "Relu", 7},   {14, 13, 24, 5, "Relu", 7},
        {14, 13, 8, 3, "Relu", 7},  {14, 13, 24, 3, "Sigmoid", 7},
    };
    for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
        qn_fusion f;
        begin_upsampled(&f, t, 8, (const int[]){cases[i].h, cases[i].w});
        qn_fusion_conv c = conv_of("a", "b", 24, 24, 3);
        qn_fusion_add_conv(&f, &c);
        qn_kit_node(&f.kit, "Add a b -> c");
        qn_fusion_add_norm(&f, "c", "n", 24);
        char text[40];
        snprintf(text, sizeof text, "%s n -> m", cases[i].act);
        if (*cases[i].act) qn_kit_node(&f.kit, text);
        c = conv_of(*cases[i].act ? "m" : "n", "d", cases[i].oc, 24, cases[i].side);
        qn_fusion_add_conv(&f, &c);
        c = conv_of("c", "e", cases[i].oc, 24, 1);
        qn_fusion_add_conv(&f, &c);
        qn_kit_node(&f.kit, "Add e d -> y");
        qn_fusion_end(&f, "y");
        qn_note(t, "case %d", i);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, cases[i].instrs);
    }
}

/* The same where the convolution is of stride 2; few channels go directly. */
void test_fuse_norm_strided(qn_test *t)
{
    static const int sizes[][2] = {{9, 8}, {8, 17}, {7, 11}, {9, 8}};
    for (int i = 0; i < 4; i++) {
        const int oc = i < 3 ? 40 : 24;
        qn_fusion f;
        begin_upsampled(&f, t, 8, sizes[i]);
        qn_fusion_conv c = conv_of("a", "b", 33, 24, 1);
        qn_fusion_add_conv(&f, &c);
        qn_fusion_add_norm(&f, "b", "n", 33);
        qn_kit_node(&f.kit, "Relu n -> m");
        qn_fusion_add_conv(&f, &(qn_fusion_conv){"m", "d", oc, 33, 3, 1, 2, 1});
        qn_fusion_add_conv(&f, &(qn_fusion_conv){"b", "e", oc, 33, 1, 0, 2, 1});
        qn_kit_node(&f.kit, "Add e d -> y");
        qn_fusion_end(&f, "y");
        qn_note(t, "case %d", i);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, i < 3 ? 6 : 7);
    }
}

/* A style of each image, [N,C,1,1], is added ahead of the normalisation: neither is a
 * step of its own.  x itself is read again behind.  Twice the pixels behind it, or a
 * direct convolution, to which the normalisation stays a step. */
void test_fuse_style(qn_test *t)
{
    for (int turned = 0; turned < 2; turned++)
        for (int side = 1; side <= 5; side += 2) {
            qn_fusion f;
            begin_upsampled(&f, t, 8, (const int[]){14, 9});
            qn_fusion_conv c = conv_of("a", "b", 20, 24, 1);
            qn_fusion_add_conv(&f, &c);
            qn_kit_node(&f.kit, "GlobalAveragePool b -> g");
            qn_kit_node(&f.kit, turned ? "Add g b -> d" : "Add b g -> d");
            qn_fusion_add_norm(&f, "d", "n", 20);
            qn_kit_node(&f.kit, "Relu n -> m");
            c = conv_of("m", "e", 20, 20, side);
            qn_fusion_add_conv(&f, &c);
            qn_kit_node(&f.kit, "Add e b -> y");
            qn_fusion_end(&f, "y");
            qn_note(t, "side %d", side);
            /* reorder, two convolutions, mean, its reorder, convolution, reorder */
            CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, side == 3 ? 7 : 8);
        }
}

/* Before doubled pixels. */
void test_fuse_norm_twice(qn_test *t)
{
    qn_fusion f;
    begin_upsampled(&f, t, 8, (const int[]){7, 5});
    qn_fusion_add_norm(&f, "a", "n", 24);
    qn_kit_node(&f.kit, "Relu n -> m");
    qn_fusion_add_resize(&f, "a", "v", 2, 2);
    qn_fusion_add_resize(&f, "m", "u", 2, 2);
    qn_fusion_conv c = conv_of("u", "b", 24, 24, 3);
    qn_fusion_add_conv(&f, &c);
    qn_kit_node(&f.kit, "Add b v -> y");
    qn_fusion_end(&f, "y");
    CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, 4);
}

/* A style where everything is plain; and a sum that somebody else reads, which stays.
 */
void test_fuse_style_plain(qn_test *t)
{
    for (int is_read = 0; is_read < 2; is_read++) {
        qn_fusion f;
        qn_fusion_begin(&f, t, 5, 6, 7);
        qn_kit_node(&f.kit, "GlobalAveragePool x -> g");
        qn_kit_node(&f.kit, "Add x g -> d");
        qn_fusion_add_norm(&f, "d", "n", 5);
        qn_kit_node(&f.kit, is_read ? "Mul n d -> y" : "Relu n -> y");
        qn_fusion_end(&f, "y");
        qn_note(t, "read again: %d", is_read);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, is_read ? 4 : 2);
    }
}
