/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_segment_parts.c - what stands between a picture and the network: levels,
 * scaling, tiles and their weights, held to their definitions. */
#include "tests/test.h"

#include "engine/cells/bilinear.h"
#include "engine/cells/input_planes.h"
#include "engine/cells/tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- levels ---- */

static int compare_floats(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* numpy.percentile of sorted numbers. */
static double percentile(const float *v, int64_t n, double p)
{
    const double at = p / 100 * (double)(n - 1);
    const int64_t k = (int64_t)at;
    const double next = (double)v[k + 1 < n ? k + 1 : k];
    return (double)v[k] + (next - (double)v[k]) * (at - (double)k);
}

static void set_sample(qn_planes *p, int64_t i, double value)
{
    if (p->dtype == QUERN_FLOAT)
        ((float *)p->data)[i] = (float)value;
    else if (p->dtype == QUERN_UINT16)
        ((uint16_t *)p->data)[i] = (uint16_t)value;
    else
        ((uint8_t *)p->data)[i] = (uint8_t)value;
}

static double sample(const qn_planes *p, int64_t i)
{
    if (p->dtype == QUERN_FLOAT) return (double)((const float *)p->data)[i];
    return p->dtype == QUERN_UINT16 ? ((const uint16_t *)p->data)[i]
                                    : ((const uint8_t *)p->data)[i];
}

static qn_planes planes_of(qn_test *t, quern_dtype dtype, int channels, int h, int w)
{
    qn_planes p = {
        .dtype = dtype, .depth = 1, .channels = channels, .height = h, .width = w};
    const int64_t n = (int64_t)channels * h * w;
    p.data = qn_exact(t, (size_t)n * qn_dtype_size(dtype));
    for (int64_t i = 0; i < n; i++)
        set_sample(&p, i,
                   dtype == QUERN_FLOAT ? qn_test_uniform(t, -9, 9)
                                        : qn_test_uniform(t, 0, 250));
    return p;
}

static void check_levels(qn_test *t, quern_dtype dtype, double low, double high)
{
    enum { H = 37, W = 23, N = H * W };
    const qn_planes p = planes_of(t, dtype, 3, H, W);
    qn_segment_settings s = QN_SEGMENT_DEFAULT;
    qn_mem mem;
    qn_arena arena;
    qn_input in;
    quern_error err = {.status = QUERN_OK};
    float *gray = qn_exact(t, N * sizeof *gray);
    s.low = low;
    s.high = high;
    s.invert = dtype == QUERN_UINT8;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    CHECK_OK(t, qn_input_init(&in, &p, &s, 2, 1, &err), &err);
    CHECK_OK(t, qn_input_levels(&in, 0, 1, &arena, &err), &err);
    for (int i = 0; i < N; i++)
        gray[i] = ((float)sample(&p, i) + (float)sample(&p, N + i) +
                   (float)sample(&p, 2 * N + i)) /
                  3;
    float *sorted = qn_exact(t, N * sizeof *sorted);
    memcpy(sorted, gray, N * sizeof *gray);
    qsort(sorted, N, sizeof *sorted, compare_floats);
    const double q0 = percentile(sorted, N, low), q1 = percentile(sorted, N, high);
    CHECK_WITHIN(t, (double)in.level[0].low, q0, 1e-6 * fabs(q0));
    CHECK_WITHIN(t, (double)in.level[0].span, q1 - q0, 1e-6 * (q1 - q0));
    CHECK(t, in.level[1].is_flat);
    float *rows = qn_exact(t, N * sizeof *rows);
    CHECK_OK(t, qn_input_rows(&in, 0, 0, 0, H, NULL, &arena, rows, W, &err), &err);
    for (int i = 0; i < N; i++) {
        const double want = ((double)gray[i] - q0) / (q1 - q0);
        if (fabs((double)rows[i] - (s.invert ? 1 - want : want)) > 1e-5)
            CHECK_WITHIN(t, (double)rows[i], s.invert ? 1 - want : want, 1e-5);
    }
    qn_arena_done(&arena);
}

void test_segment_levels(qn_test *t)
{
    check_levels(t, QUERN_UINT8, 1, 99);
    check_levels(t, QUERN_UINT16, 1, 99);
    check_levels(t, QUERN_FLOAT, 0.3, 97.7);
    check_levels(t, QUERN_FLOAT, 0, 100);
}

/* One pixel, a constant picture, two pixels: nothing is divided by zero. */
void test_segment_flat(qn_test *t)
{
    static const int sides[][2] = {{1, 1}, {5, 7}, {1, 2}};
    const qn_segment_settings s = QN_SEGMENT_DEFAULT;
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (int i = 0; i < 3; i++) {
        qn_input in;
        quern_error err = {.status = QUERN_OK};
        float row[35];
        qn_planes p = planes_of(t, QUERN_UINT8, 1, sides[i][0], sides[i][1]);
        memset(p.data, 100, (size_t)(p.height * p.width));
        CHECK_OK(t, qn_input_init(&in, &p, &s, 2, 1, &err), &err);
        CHECK_OK(t, qn_input_levels(&in, 0, 1, &arena, &err), &err);
        CHECK_OK(
            t, qn_input_rows(&in, 0, 0, 0, p.height, NULL, &arena, row, p.width, &err),
            &err);
        CHECK_WITHIN(t, (double)row[0], 0, 0);
        CHECK_OK(t, qn_input_init(&in, &p, &s, 2, 0.1, &err), &err);
        CHECK_EQ(t, in.height, 1);
        CHECK_EQ(t, in.width, 1);
    }
    qn_arena_done(&arena);
}

void test_segment_channels(qn_test *t)
{
    qn_segment_settings s = QN_SEGMENT_DEFAULT;
    const qn_planes p = planes_of(t, QUERN_UINT8, 3, 2, 2);
    qn_mem mem;
    qn_arena arena;
    qn_input in;
    quern_error err = {.status = QUERN_OK};
    float row[4];
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    s.no_norm = true;
    s.chan = 2;
    s.chan2 = 3;
    CHECK_OK(t, qn_input_init(&in, &p, &s, 2, 1, &err), &err);
    CHECK_OK(t, qn_input_levels(&in, 0, 1, &arena, &err), &err);
    for (int c = 0; c < 2; c++) {
        CHECK_OK(t, qn_input_rows(&in, 0, c, 0, 2, NULL, &arena, row, 2, &err), &err);
        CHECK_WITHIN(t, (double)row[3], sample(&p, (c + 1) * 4 + 3), 0);
    }
    s.chan = 0;
    s.chan2 = 0;
    s.is_luma = true;
    CHECK_OK(t, qn_input_rows(&in, 0, 0, 0, 2, NULL, &arena, row, 2, &err), &err);
    CHECK_WITHIN(t, (double)row[1],
                 0.299 * sample(&p, 1) + 0.587 * sample(&p, 5) + 0.114 * sample(&p, 9),
                 1e-4);
    s.chan = 4;
    CHECK_FAILS(t, qn_input_init(&in, &p, &s, 2, 1, &err), QUERN_INVALID, &err,
                "channel 4 is asked for, the picture has 3");
    CHECK_FAILS(t, qn_input_init(&in, &p, &s, 3, 1e12, &err), QUERN_LIMIT, &err,
                "too many");
    qn_arena_done(&arena);
}

/* ---- another size ---- */

static double clamped(const float *x, int64_t h, int64_t w, double y, double c)
{
    y = fmin(fmax(y, 0), (double)h - 1);
    c = fmin(fmax(c, 0), (double)w - 1);
    const int64_t y0 = (int64_t)y, x0 = (int64_t)c;
    const int64_t y1 = y0 + 1 < h ? y0 + 1 : y0, x1 = x0 + 1 < w ? x0 + 1 : x0;
    const double fy = y - (double)y0, fx = c - (double)x0;
    return (double)x[y0 * w + x0] * (1 - fy) * (1 - fx) +
           (double)x[y0 * w + x1] * (1 - fy) * fx +
           (double)x[y1 * w + x0] * fy * (1 - fx) + (double)x[y1 * w + x1] * fy * fx;
}

void test_bilinear(qn_test *t)
{
    static const int sizes[][4] = {
        {7, 9, 7, 9}, {7, 9, 19, 4}, {1, 1, 5, 3}, {33, 2, 1, 40}, {64, 50, 31, 25}};
    qn_mem mem;
    qn_arena arena;
    quern_pool *pool;
    quern_error err = {.status = QUERN_OK};
    REQUIRE_OK(t, quern_pool_create(3, &pool, &err), &err);
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (int k = 0; k < 5; k++) {
        const int *s = sizes[k];
        const float *x = qn_random_floats(t, (size_t)(s[0] * s[1]));
        float *y = qn_exact(t, (size_t)(s[2] * s[3]) * sizeof *y);
        CHECK_OK(t, qn_bilinear_plane(x, s[0], s[1], pool, &arena, y, s[2], s[3], &err),
                 &err);
        for (int i = 0; i < s[2] * s[3]; i++) {
            const double at_y = (i / s[3] + 0.5) * s[0] / s[2] - 0.5;
            const double at_x = (i % s[3] + 0.5) * s[1] / s[3] - 0.5;
            CHECK_WITHIN(t, (double)y[i], clamped(x, s[0], s[1], at_y, at_x), 1e-5);
        }
    }
    qn_arena_done(&arena);
    quern_pool_free(pool);
}

/* ---- tiles ---- */

/* Starts and counts that Cellpose 3.1 gives. */
void test_tiles_starts(qn_test *t)
{
    static const struct {
        int64_t length;
        bool augment;
        int64_t before, total, tile, n, second;
    } cases[] = {
        {256, false, 8, 272, 224, 2, 48},    {512, false, 8, 528, 224, 3, 152},
        {1024, false, 8, 1040, 224, 6, 163}, {100, false, 14, 128, 128, 1, 0},
        {100, true, 14, 224, 224, 2, 0},     {410, false, 11, 432, 224, 3, 104},
        {410, true, 11, 432, 224, 4, 69},
    };
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (int i = 0; i < 7; i++) {
        qn_tiles tiles;
        quern_error err = {.status = QUERN_OK};
        const qn_tile_options o = {
            .tile = 224, .overlap = 0.1, .augment = cases[i].augment, .multiple = 16};
        qn_note(t, "%lld", (long long)cases[i].length);
        REQUIRE_OK(t, qn_tiles_init(&tiles, cases[i].length, 300, &o, &arena, &err),
                   &err);
        CHECK_EQ(t, tiles.y.before, cases[i].before);
        CHECK_EQ(t, tiles.y.total, cases[i].total);
        CHECK_EQ(t, tiles.y.tile, cases[i].tile);
        REQUIRE(t, tiles.y.n == cases[i].n);
        if (tiles.y.n > 1) CHECK_EQ(t, tiles.y.start[1], cases[i].second);
    }
    qn_arena_done(&arena);
}

static void check_axis(qn_test *t, const qn_tile_axis *a)
{
    double *sum = calloc((size_t)a->total, sizeof *sum);
    CHECK_EQ(t, a->start[0], 0);
    CHECK_EQ(t, a->start[a->n - 1], a->total - a->tile);
    for (int64_t i = 0; i < a->n; i++)
        for (int64_t k = 0; k < a->tile; k++)
            sum[a->start[i] + k] += (double)a->weight[i * a->tile + k];
    for (int64_t i = 0; i < a->total; i++)
        if (fabs(sum[i] - 1) > 1e-6) CHECK_WITHIN(t, sum[i], 1, 1e-6);
    free(sum);
}

/* Weights add up to 1 everywhere; tiles that are chosen cost no more than those of 224.
 */
void test_tiles_weights(qn_test *t)
{
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (int64_t side = 1; side < 2500; side = side * 3 / 2 + 1)
        for (int kind = 0; kind < 4; kind++) {
            qn_tiles tiles, usual;
            quern_error err = {.status = QUERN_OK};
            const qn_tile_options o = {
                .tile = kind == 1 ? 0 : 224,
                .overlap = 0.1,
                .augment = kind == 2,
                .fixed = {kind == 3 ? 128 : 0, kind == 3 ? 256 : 0},
                .multiple = 16};
            const qn_tile_options u = {.tile = 224, .overlap = 0.1, .multiple = 16};
            qn_note(t, "side %lld, kind %d", (long long)side, kind);
            REQUIRE_OK(t, qn_tiles_init(&tiles, side, 2 * side, &o, &arena, &err),
                       &err);
            REQUIRE_OK(t, qn_tiles_init(&usual, side, 2 * side, &u, &arena, &err),
                       &err);
            check_axis(t, &tiles.y);
            check_axis(t, &tiles.x);
            if (kind == 3) CHECK_EQ(t, tiles.y.tile * 1000 + tiles.x.tile, 128256);
            if (kind == 1)
                CHECK(t, tiles.y.tile % 16 == 0 &&
                             tiles.y.n * tiles.y.tile <= usual.y.n * usual.y.tile);
            qn_arena_reset(&arena);
        }
    qn_arena_done(&arena);
}
