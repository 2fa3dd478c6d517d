/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_input_filters.c - what is done to samples before a network sees them:
 * Gaussians, levels of blocks, levels that are told.  That they are Cellpose's is for
 * tests/cellpose_pipeline.py. */
#include "tests/test.h"

#include "engine/cells/level_grid.h"

#include <math.h>
#include <string.h>

enum { HIGH = 60, WIDE = 83 };

typedef struct bench {
    qn_mem mem;
    qn_arena arena;
    quern_error err;
    qn_planes picture;
    qn_segment_settings settings;
} bench;

static void begin(qn_test *t, bench *b, int64_t height, int64_t width)
{
    *b = (bench){.err = {.status = QUERN_OK}, .settings = QN_SEGMENT_DEFAULT};
    qn_mem_init(&b->mem, NULL, 0);
    qn_arena_init(&b->arena, &b->mem);
    b->picture = (qn_planes){.dtype = QUERN_FLOAT,
                             .depth = 1,
                             .channels = 1,
                             .height = height,
                             .width = width,
                             .data = qn_random_floats(t, (size_t)(height * width))};
}

static bool open_input(qn_test *t, bench *b, qn_input *in)
{
    return CHECK_OK(t, qn_input_init(in, &b->picture, &b->settings, 2, 1, &b->err),
                    &b->err);
}

static float *filtered(qn_test *t, bench *b, double smooth, double sharpen)
{
    qn_input in;
    qn_planes out;
    b->settings.smooth = smooth;
    b->settings.sharpen = sharpen;
    if (!open_input(t, b, &in) ||
        !CHECK_OK(t, qn_input_filter(&in, NULL, &b->arena, &out, &b->err), &b->err))
        return NULL;
    CHECK_EQ(t, out.channels, 1);
    return out.data;
}

/* A Gaussian keeps the mean; a constant picture stays, or is taken off altogether; a
 * point becomes a bell around its place; one pixel is a picture, too. */
void test_input_filters(qn_test *t)
{
    bench b;
    double sums[2] = {0, 0}, place[2] = {0, 0};
    begin(t, &b, HIGH, WIDE);
    float *p = b.picture.data;
    const float *q = filtered(t, &b, 2.5, 0);
    REQUIRE(t, q != NULL);
    for (int i = 0; i < HIGH * WIDE; i++) {
        sums[0] += p[i];
        sums[1] += q[i];
    }
    CHECK_WITHIN(t, sums[1], sums[0], 1e-2);
    for (int i = 0; i < HIGH * WIDE; i++)
        p[i] = 7;
    q = filtered(t, &b, 3, 0);
    CHECK_WITHIN(t, q[HIGH * WIDE / 2], 7, 1e-4);
    q = filtered(t, &b, 3, 8);
    CHECK_WITHIN(t, q[5], 0, 1e-4);
    memset(p, 0, sizeof *p * HIGH * WIDE);
    p[20 * WIDE + 30] = 1;
    q = filtered(t, &b, 2, 0);
    for (int i = 0; i < HIGH * WIDE; i++) {
        place[0] += q[i] * (double)(i / WIDE);
        place[1] += q[i] * (double)(i % WIDE);
    }
    CHECK_WITHIN(t, place[0], 20, 1.2); /* their grid is half a pixel to a pixel off */
    CHECK_WITHIN(t, place[1], 30, 1.2);
    qn_arena_done(&b.arena);
    begin(t, &b, 1, 1);
    q = filtered(t, &b, 4, 0);
    CHECK_WITHIN(t, q[0], *(float *)b.picture.data, 1e-6);
    qn_arena_done(&b.arena);
}

static void rows_of(qn_test *t, bench *b, const qn_input *in, float *out)
{
    CHECK_OK(t,
             qn_input_rows(in, 0, 0, 0, in->height, NULL, &b->arena, out, in->width,
                           &b->err),
             &b->err);
}

/* A block that holds all has the levels of all; dim corners are brought up by levels of
 * their own; a window of the picture sees what the picture sees there. */
void test_tile_norm(qn_test *t)
{
    enum { TOP = 11, LEFT = 30, H = 20, W = 41 };
    bench b;
    qn_input in, part;
    static float whole[HIGH * WIDE], blocks[HIGH * WIDE], window[H * W];
    begin(t, &b, HIGH, WIDE);
    float *p = b.picture.data;
    for (int i = 0; i < HIGH * WIDE; i++)
        if (i % WIDE > WIDE / 2) p[i] *= 0.01f;
    REQUIRE(t, open_input(t, &b, &in));
    REQUIRE_OK(t, qn_input_levels(&in, 0, 1, &b.arena, &b.err), &b.err);
    rows_of(t, &b, &in, whole);
    b.settings.tile_norm = 100;
    REQUIRE_OK(t, qn_input_levels(&in, 0, 1, &b.arena, &b.err), &b.err);
    rows_of(t, &b, &in, blocks);
    for (int i = 0; i < HIGH * WIDE; i++)
        CHECK_WITHIN(t, blocks[i], whole[i], 1e-5);
    b.settings.tile_norm = 16;
    REQUIRE_OK(t, qn_input_levels(&in, 0, 1, &b.arena, &b.err), &b.err);
    rows_of(t, &b, &in, blocks);
    float most[2] = {0, 0};
    for (int y = 0; y < HIGH; y++) {
        most[0] = fmaxf(most[0], whole[y * WIDE + WIDE - 5]);
        most[1] = fmaxf(most[1], blocks[y * WIDE + WIDE - 5]);
    }
    CHECK(t, most[0] < 0.6f && most[1] > 0.8f);
    part = in;
    qn_planes cut = b.picture;
    cut.height = part.height = H;
    cut.width = part.width = W;
    cut.data = qn_exact(t, H * W * sizeof *p);
    for (int y = 0; y < H; y++)
        memcpy((float *)cut.data + y * W, p + (TOP + y) * WIDE + LEFT, W * sizeof *p);
    part.picture = &cut;
    part.level[0].top = TOP;
    part.level[0].left = LEFT;
    rows_of(t, &b, &part, window);
    for (int i = 0; i < H * W; i++)
        CHECK_WITHIN(t, window[i], blocks[(TOP + i / W) * WIDE + LEFT + i % W], 0);
    memset(p, 0, sizeof *p * HIGH * WIDE);
    REQUIRE_OK(t, qn_input_levels(&in, 0, 1, &b.arena, &b.err), &b.err);
    CHECK(t, in.level[0].is_flat);
    qn_arena_done(&b.arena);
}

/* Levels that are told hold for a channel that is not there as well. */
void test_input_lowhigh(qn_test *t)
{
    bench b;
    qn_input in;
    float row[WIDE];
    begin(t, &b, HIGH, WIDE);
    b.settings.from = -1;
    b.settings.to = 3;
    REQUIRE(t, open_input(t, &b, &in));
    REQUIRE_OK(t, qn_input_levels(&in, 0, 1, &b.arena, &b.err), &b.err);
    for (int c = 0; c < 2; c++) {
        REQUIRE_OK(t, qn_input_rows(&in, 0, c, 7, 8, NULL, &b.arena, row, WIDE, &b.err),
                   &b.err);
        const float sample = c ? 0 : ((float *)b.picture.data)[7 * WIDE + 9];
        CHECK_WITHIN(t, row[9], (sample + 1) / 4, 1e-6);
    }
    qn_arena_done(&b.arena);
}
