/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_resize.c - Resize against a direct evaluation of its formulas, all axes at
 * once, and what must hold for every mode. */
#include "tests/op_case.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const char *const coords[] = {"half_pixel", "half_pixel_symmetric",
                                     "align_corners", "asymmetric",
                                     "pytorch_half_pixel"};
enum { N_COORDS = sizeof coords / sizeof *coords, H = 5, W = 7 };

static void begin(qn_test *t, qn_op_case *c, const char *mode, const char *coord)
{
    qn_case_begin(t, c, "Resize", 19);
    qn_case_input(c, 0, QUERN_FLOAT, 4, (int64_t[]){1, 2, H, W});
    for (int k = 0; k < 2 * H * W; k++)
        qn_set_real(&c->in[0], k, qn_test_uniform(t, -1, 1));
    qn_node_set_str(c->node, "mode", mode, NULL);
    qn_node_set_str(c->node, "coordinate_transformation_mode", coord, NULL);
    qn_note(t, "%s %s", mode, coord);
}

static double place(int coord, int64_t o, int64_t in, int64_t out)
{
    double scale = (double)out / (double)in;
    if (coord == 2) return out == 1 ? 0 : (double)(o * (in - 1)) / (double)(out - 1);
    if (coord == 3) return (double)o / scale;
    if (coord == 4 && out == 1) return 0;
    return ((double)o + 0.5) / scale - 0.5;
}

static double kernel(int mode, double x)
{
    double a = -0.75;
    x = fabs(x);
    if (mode == 1) return x < 1 ? 1 - x : 0;
    if (x <= 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0;
}

static int64_t clamp(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* The value at (y, x) of a plane: a sum over every pixel near it. */
static double value(const qn_op_case *c, int mode, int64_t plane, double y, double x)
{
    double sum = 0;
    for (int64_t i = (int64_t)floor(y) - 2; i <= (int64_t)floor(y) + 3; i++)
        for (int64_t j = (int64_t)floor(x) - 2; j <= (int64_t)floor(x) + 3; j++)
            sum += kernel(mode, (double)i - y) * kernel(mode, (double)j - x) *
                   qn_get_real(&c->in[0], (plane * H + clamp(i, H)) * W + clamp(j, W));
    return sum;
}

void test_resize_formulas(qn_test *t)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    for (int round = 0; round < 2 * N_COORDS * 8; round++) {
        qn_op_case c;
        int mode = 1 + round % 2, coord = round / 2 % N_COORDS;
        int64_t h = qn_test_int(t, 1, 14), w = qn_test_int(t, 1, 20);
        begin(t, &c, modes[mode], coords[coord]);
        qn_case_ints(&c, 3, 4, (int64_t[]){1, 2, h, w});
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int64_t k = 0; k < 2 * h * w; k++)
                CHECK_WITHIN(t, qn_get_real(&c.out[0], k),
                             value(&c, mode, k / (h * w), place(coord, k / w % h, H, h),
                                   place(coord, k % w, W, w)),
                             64 * FLT_EPSILON);
        qn_case_end(&c);
    }
}

/* Weights add up to one: a flat image stays flat, however it is resized. */
void test_resize_keeps_constants(qn_test *t)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    for (int round = 0; round < 3 * N_COORDS * 4; round++) {
        qn_op_case c;
        float scales[] = {1, 1, (float)qn_test_uniform(t, 0.2, 3),
                          (float)qn_test_uniform(t, 0.2, 3)};
        begin(t, &c, modes[round % 3], coords[round / 3 % N_COORDS]);
        for (int k = 0; k < 2 * H * W; k++)
            qn_set_real(&c.in[0], k, 0.75);
        qn_case_floats(&c, 2, 4, scales);
        qn_node_set_int(c.node, "antialias", round / 15 % 2, NULL);
        qn_node_set_int(c.node, "exclude_outside", round / 30 % 2, NULL);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            CHECK_EQ(t, c.out[0].dim[2], (int64_t)floorf(scales[2] * H));
            for (int64_t k = 0, n = qn_tensor_count(&c.out[0]); k < n; k++)
                CHECK_WITHIN(t, qn_get_real(&c.out[0], k), 0.75, 16 * FLT_EPSILON);
        }
        qn_case_end(&c);
    }
}

/* Every element type: 2 x 3 doubled. */
void test_resize_nearest_types(qn_test *t)
{
    static const quern_dtype dtypes[] = {QUERN_UINT8, QUERN_INT16,  QUERN_FLOAT,
                                         QUERN_INT64, QUERN_STRING, QUERN_COMPLEX128};
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        qn_op_case c;
        size_t n = qn_dtype_size(dtypes[d]);
        qn_case_begin(t, &c, "Resize", 11);
        qn_case_input(&c, 0, dtypes[d], 2, (int64_t[]){2, 3});
        qn_case_floats(&c, 1, 0, NULL);
        qn_case_floats(&c, 2, 2, (float[]){2, 2});
        qn_note(t, "%s", quern_dtype_name(dtypes[d]));
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (size_t k = 0; k < 24; k++)
                CHECK(t, memcmp((char *)c.out[0].data + k * n,
                                (char *)c.in[0].data + (k / 12 * 3 + k % 6 / 2) * n,
                                n) == 0);
        qn_case_end(&c);
    }
}

void test_resize_sizes(qn_test *t)
{
    static const struct {
        const char *policy;
        int64_t h, w; /* that 5 x 7 becomes when 10 x 21 is asked for */
    } cases[] = {{"stretch", 10, 21}, {"not_larger", 10, 14}, {"not_smaller", 15, 21}};
    for (int k = 0; k < 3; k++) {
        qn_op_case c;
        begin(t, &c, "linear", "half_pixel");
        qn_case_ints(&c, 3, 2, (int64_t[]){21, 10});
        qn_node_set_ints(c.node, "axes", 2, (int64_t[]){-1, 2}, NULL);
        qn_node_set_str(c.node, "keep_aspect_ratio_policy", cases[k].policy, NULL);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            CHECK_EQ(t, c.out[0].dim[2], cases[k].h);
            CHECK_EQ(t, c.out[0].dim[3], cases[k].w);
        }
        qn_case_end(&c);
    }
}

void test_resize_refuses(qn_test *t)
{
    static const char *const parts[] = {"neither",  "both",           "wanted 4 values",
                                        "scale -1", "mode is 'sinc'", "listed twice"};
    for (int k = 0; k < 6; k++) {
        qn_op_case c;
        begin(t, &c, k == 4 ? "sinc" : "linear", "half_pixel");
        if (k != 0)
            qn_case_floats(&c, 2, k == 2 ? 3 : 4, (float[]){1, 1, k == 3 ? -1 : 2, 2});
        if (k == 1) qn_case_ints(&c, 3, 4, (int64_t[]){1, 2, 3, 4});
        if (k == 5) qn_node_set_ints(c.node, "axes", 4, (int64_t[]){0, 1, 2, 2}, NULL);
        CHECK(t, qn_case_run(&c, 1) != QUERN_OK);
        CHECK_HAS(t, c.err.text, parts[k]);
        qn_case_end(&c);
    }
}

/* A grid that names every pixel gives the image back. */
void test_grid_sample_identity(qn_test *t)
{
    static const char *const modes[] = {"bilinear", "nearest", "bicubic"};
    static const char *const outsides[] = {"zeros", "border", "reflection"};
    for (int round = 0; round < 18; round++) {
        qn_op_case c;
        int align = round / 9;
        qn_case_begin(t, &c, "GridSample", 16);
        qn_case_input(&c, 0, QUERN_FLOAT, 4, (int64_t[]){1, 2, H, W});
        qn_case_input(&c, 1, QUERN_FLOAT, 4, (int64_t[]){1, H, W, 2});
        for (int k = 0; k < H * W; k++) {
            int row = k / W;
            double x = k % W, y = row;
            qn_set_real(&c.in[1], 2 * k,
                        align ? 2 * x / (W - 1) - 1 : (2 * x + 1) / W - 1);
            qn_set_real(&c.in[1], 2 * k + 1,
                        align ? 2 * y / (H - 1) - 1 : (2 * y + 1) / H - 1);
        }
        qn_node_set_str(c.node, "mode", modes[round % 3], NULL);
        qn_node_set_str(c.node, "padding_mode", outsides[round / 3 % 3], NULL);
        qn_node_set_int(c.node, "align_corners", align, NULL);
        qn_note(t, "%s %s", modes[round % 3], outsides[round / 3 % 3]);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int64_t k = 0; k < 2 * H * W; k++) /* coordinates are rounded floats */
                CHECK_WITHIN(t, qn_get_real(&c.out[0], k), (double)k,
                             W * W * 2 * H * FLT_EPSILON);
        qn_case_end(&c);
    }
}

/* Whatever a grid holds, nothing is read outside the image. */
void test_grid_sample_wild(qn_test *t)
{
    static const float wild[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 2.5f, -7, 1};
    for (int round = 0; round < 9; round++) {
        qn_op_case c;
        static const char *const modes[] = {"linear", "nearest", "cubic"};
        static const char *const outsides[] = {"zeros", "border", "reflection"};
        qn_case_begin(t, &c, "GridSample", 20);
        qn_case_input(&c, 0, QUERN_FLOAT, 4, (int64_t[]){1, 1, 1, 3});
        qn_case_input(&c, 1, QUERN_FLOAT, 4, (int64_t[]){1, 1, 64, 2});
        for (int k = 0; k < 64; k++) {
            ((float *)c.in[1].data)[2 * k] = wild[k % 8];
            ((float *)c.in[1].data)[2 * k + 1] = wild[k / 8];
        }
        qn_node_set_str(c.node, "mode", modes[round % 3], NULL);
        qn_node_set_str(c.node, "padding_mode", outsides[round / 3], NULL);
        qn_node_set_int(c.node, "align_corners", 1, NULL);
        CHECK_OK(t, qn_case_run(&c, 1), &c.err);
        qn_case_end(&c);
    }
}
