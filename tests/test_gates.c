/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_gates.c - squeeze-and-excitation: factors of channels that move into the
 * filters of the 1x1 convolution behind them, and the kernel that multiplies those. */
#include "tests/fusion_kit.h"
#include "tests/planes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the kernel ---- */

enum { GATE_IMAGES = 2 };

/* Both images, panel by panel, from the last to the first. */
static void run_panels(const qn_kernel_row *row, const qn_gate8c *g)
{
    for (int64_t n = GATE_IMAGES - 1; n >= 0; n--)
        for (int64_t c = qn_conv8c_panels(g->conv) - 1; c >= 0; c--) {
            const qn_task8c task = {.image = n, .c0 = c, .c1 = c + 1};
            ((qn_gate8c_f32_fn *)row->fn)(g, &task);
        }
}

/* Packing the filters times the factors makes the same bits. */
static void check_gate(qn_test *t, const qn_kernel_row *row, int ic, int oc, int halo)
{
    const int dims[] = {GATE_IMAGES, ic, 1, 1};
    float *w = qn_hard_floats(t, (size_t)(ic * oc));
    float *z = qn_random_floats(t, (size_t)(GATE_IMAGES * ic));
    qn_conv8c c = {.x.c = ic, .y.c = oc, .kernel = {1, 1}, .groups = 1};
    const size_t n = (size_t)qn_conv8c_weight_size(&c);
    float *packed = qn_exact(t, n * sizeof *packed);
    float *y = qn_exact(t, GATE_IMAGES * n * sizeof *y);
    float *scaled = qn_exact(t, (size_t)(ic * oc) * sizeof *scaled);
    float *want = qn_exact(t, n * sizeof *want);
    qn_conv8c_pack(&c, w, packed);
    c.weight = packed;
    run_panels(row, &(qn_gate8c){.conv = &c,
                                 .z = qn_make_plane(t, z, dims, halo).p,
                                 .y = y,
                                 .image = (int64_t)n});
    for (int i = 0; i < GATE_IMAGES; i++) {
        for (int e = 0; e < ic * oc; e++)
            scaled[e] = w[e] * z[i * ic + e % ic];
        qn_conv8c_pack(&c, scaled, want);
        for (size_t e = 0; e < n; e++) {
            const float got = y[(size_t)i * n + e];
            CHECK(t, got == want[e] || (isnan(got) && isnan(want[e])));
        }
    }
}

void test_gate8c_rows(qn_test *t)
{
    static const int sizes[][2] = {{8, 8},  {19, 5},  {16, 16}, {24, 40},
                                   {9, 24}, {13, 33}, {72, 70}};
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    for (int r = 0; r < n_rows; r++) {
        if (strcmp(rows[r].slot, "gate8c_f32") != 0) continue;
        if ((qn_cpu_isa() & rows[r].need) != rows[r].need) continue;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            qn_note(t, "%s %d to %d", rows[r].name, sizes[i][0], sizes[i][1]);
            check_gate(t, &rows[r], sizes[i][0], sizes[i][1], (int)i % 2);
        }
    }
}

/* ---- networks ---- */

/* A block of squeeze-and-excitation around its map b of c channels, gate z. */
static void add_gate(qn_fusion *f, int c, const char *gate)
{
    char text[40];
    qn_kit_node(&f->kit, "GlobalAveragePool b -> g");
    qn_fusion_conv less = {"g", "h", 6, c, 1, 0, 1, 1};
    qn_fusion_add_conv(f, &less);
    qn_kit_node(&f->kit, "Relu h -> r");
    qn_fusion_conv more = {"r", "s", c, 6, 1, 0, 1, 1};
    qn_fusion_add_conv(f, &more);
    snprintf(text, sizeof text, "%s s -> z", gate);
    qn_kit_node(&f->kit, text);
}

/* Map b of c channels, of h by w. */
static void begin_map(qn_fusion *f, qn_test *t, int c, const int size[2])
{
    qn_fusion_begin(f, t, 8, size[0], size[1]);
    qn_fusion_conv wide = {"x", "a", c, 8, 3, 1, 1, 1};
    qn_fusion_add_conv(f, &wide);
    qn_fusion_conv depth = {"a", "b", c, c, 3, 1, 1, c};
    qn_fusion_add_conv(f, &depth);
}

typedef struct gate_case {
    int c, oc, stride, size[2];
    bool has_add;
    const char *gate, *act;
    int instrs;
} gate_case;

/* The product is gone where the map has more pixels than the convolution makes
 * channels, in blocks: reorders, four convolutions and the one behind, mean. */
static const gate_case gate_cases[] = {
    {24, 16, 1, {7, 5}, false, "Sigmoid", "", 8},
    {20, 13, 1, {6, 9}, true, "HardSigmoid", "HardSwish", 8},
    {37, 40, 1, {13, 11}, true, "Sigmoid", "Sigmoid", 8},
    {9, 3, 2, {9, 10}, false, "Sigmoid", "Relu", 8},
    {16, 70, 1, {15, 14}, false, "HardSigmoid", "", 8},
    {24, 16, 1, {4, 4}, false, "Sigmoid", "", 9},
    {24, 17, 1, {6, 4}, true, "Sigmoid", "", 9},
};

void test_fuse_gate(qn_test *t)
{
    for (size_t i = 0; i < sizeof gate_cases / sizeof *gate_cases; i++) {
        const gate_case *g = &gate_cases[i];
        qn_fusion f;
        char text[40];
        begin_map(&f, t, g->c, g->size);
        add_gate(&f, g->c, g->gate);
        qn_kit_node(&f.kit, i % 2 ? "Mul b z -> m" : "Mul z b -> m");
        qn_fusion_conv c = {"m", "d", g->oc, g->c, 1, 0, g->stride, 1};
        qn_fusion_add_conv(&f, &c);
        if (g->has_add) {
            c = (qn_fusion_conv){"x", "e", g->oc, 8, 1, 0, g->stride, 1};
            qn_fusion_add_conv(&f, &c);
            qn_kit_node(&f.kit, "Add d e -> u");
        }
        snprintf(text, sizeof text, "%s %s -> y", *g->act ? g->act : "Identity",
                 g->has_add ? "u" : "d");
        qn_kit_node(&f.kit, text);
        qn_fusion_end(&f, "y");
        qn_note(t, "case %d", (int)i);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, g->instrs + g->has_add);
    }
}

/* What keeps the product: somebody else who reads it, an activation of its own, a
 * wider filter, groups. */
void test_fuse_gate_not(qn_test *t)
{
    static const struct {
        int side, group;
        bool has_act, is_read;
        int instrs;
    } cases[] = {{1, 1, false, true, 10},
                 {1, 1, true, false, 9},
                 {3, 1, false, false, 9},
                 {1, 3, false, false, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_fusion f;
        begin_map(&f, t, 24, (const int[]){9, 11});
        add_gate(&f, 24, "Sigmoid");
        qn_kit_node(&f.kit, "Mul b z -> m");
        if (cases[i].has_act) qn_kit_node(&f.kit, "Relu m -> n");
        qn_fusion_conv c = {cases[i].has_act ? "n" : "m",
                            "d",
                            24,
                            24,
                            cases[i].side,
                            cases[i].side / 2,
                            1,
                            cases[i].group};
        qn_fusion_add_conv(&f, &c);
        qn_kit_node(&f.kit, cases[i].is_read ? "Sub d m -> y" : "Relu d -> y");
        qn_fusion_end(&f, "y");
        qn_note(t, "case %d", (int)i);
        CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, cases[i].instrs);
    }
}

/* A gated convolution that a depthwise one reads stays a step of its own; and filters
 * of some images at a time, so many that not all have room. */
void test_fuse_gate_large(qn_test *t)
{
    qn_fusion f;
    begin_map(&f, t, 600, (const int[]){18, 17});
    add_gate(&f, 600, "Sigmoid");
    qn_kit_node(&f.kit, "Mul b z -> m");
    qn_fusion_conv c = {"m", "d", 200, 600, 1, 0, 1, 1};
    qn_fusion_add_conv(&f, &c);
    c = (qn_fusion_conv){"d", "y", 200, 200, 3, 1, 1, 200};
    qn_fusion_add_conv(&f, &c);
    qn_fusion_end(&f, "y");
    CHECK_EQ(t, qn_fusion_check(&f, 1e-4).instrs, 9);
}
