/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_chart.c - every chart on data that is absent, alone, equal, endless or not
 * a number: a whole picture comes out, with all of its text inside; ticks are round. */
#include "engine/text.h"
#include "formats/plugin.h"
#include "tests/test.h"
#include "tools/chart_scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH  420.0
#define HEIGHT 300.0
#define MANY   1000

static bool has_plugin(qn_test *t)
{
    char path[QN_PATH_MAX];
    const bool is_there = qn_plugin_find("draw", path);
    if (!is_there) qn_skip(t, "quern-draw.so is not built: libcairo2-dev is missing");
    return is_there;
}

/* Text that is not turned begins and ends on the sheet. */
static void check_text(qn_test *t, const char *svg)
{
    for (const char *p = svg; (p = strstr(p, "<text x=\"")); p++) {
        const char *x = p + 9, *width = strstr(p, "textLength=\"") + 12;
        const size_t end = strcspn(p, ">");
        double from = NAN, wide = NAN;
        char tag[512];
        CHECK(t, qn_text_to_real(x, strcspn(x, "\""), &from));
        CHECK(t, qn_text_to_real(width, strcspn(width, "\""), &wide));
        snprintf(tag, sizeof tag, "%.*s", (int)(end + strcspn(p + end, "\n")), p);
        const bool is_turned = strstr(tag, "rotate(") != NULL;
        if (!is_turned && !(from >= 0 && from + wide <= WIDTH))
            CHECK_STR(t, tag, "on the sheet");
    }
}

static void check_chart(qn_test *t, qn_chart_fn *draw, const void *data)
{
    const qn_chart chart = {draw, data, WIDTH, HEIGHT, "test"};
    quern_error err = {0};
    qn_mem mem;
    qn_buf svg;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&svg, &mem);
    if (CHECK_OK(t, qn_chart_svg(&svg, &chart, &err), &err)) {
        CHECK_HAS(t, svg.p, "</svg>\n");
        CHECK(t, !strstr(svg.p, "\"nan") && !strstr(svg.p, "inf\""));
        check_text(t, svg.p);
    }
    qn_buf_done(&svg);
    CHECK_EQ(t, mem.used, 0);
}

/* ---- data from the bad end: n values of a kind ---- */

enum { ZEROS, SAME, RISING, VAST, BROKEN, N_KINDS };
static const char *const kinds[] = {"zeros", "same", "rising", "huge", "broken"};

static double *values(qn_test *t, int kind, size_t n)
{
    const double odd[] = {NAN, INFINITY, -INFINITY, 1, -1, 0, 1e-310, 3};
    double *v = qn_exact(t, n * sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = kind == ZEROS    ? 0
               : kind == SAME   ? 7.25
               : kind == RISING ? (double)i + 1
               : kind == VAST   ? (i % 2 ? 1e308 : -1e308)
                                : odd[i % 8];
    return v;
}

static void lines_of(qn_test *t, const double *v, size_t n)
{
    const qn_series series[] = {
        {.name = "<a>", .x = v, .y = v, .lo = v, .hi = v, .n = n},
        {.name = "b", .x = v, .y = v, .n = n, .is_dots = true}};
    qn_line_chart chart = {.title = "t",
                           .x = {.label = "x"},
                           .y = {.label = "y"},
                           .series = series,
                           .n_series = 2,
                           .mark = 1,
                           .mark_name = "m"};
    const qn_roc_chart roc = {"roc", series, 2};
    check_chart(t, qn_chart_lines, &chart);
    chart.x.is_log = chart.y.is_log = true;
    check_chart(t, qn_chart_lines, &chart);
    check_chart(t, qn_chart_roc, &roc);
}

static void bars_of(qn_test *t, const double *v, size_t n)
{
    const char **rows = qn_exact(t, n * sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = i % 2 ? "short" : "a name that is much too long for the room it gets";
    qn_bar_chart chart = {.title = "t",
                          .x = {.label = "x"},
                          .rows = rows,
                          .n_rows = n,
                          .value = v,
                          .lo = v,
                          .hi = v,
                          .reference = NAN};
    CHECK(t, qn_bar_chart_height(&chart) > 0);
    check_chart(t, qn_chart_bars, &chart);
    chart.is_dots = chart.x.is_log = true;
    check_chart(t, qn_chart_bars, &chart);
}

static void roofs_of(qn_test *t, const double *v, size_t n)
{
    static const qn_roof peak = {"peak", 100}, slope = {"L1", 200};
    qn_roof_spot *spots = qn_exact(t, n * sizeof *spots);
    for (size_t i = 0; i < n; i++)
        spots[i] = (qn_roof_spot){"conv", v[i], v[i], 0};
    qn_roof_chart chart = {"t", &peak, &slope, 1, 1, spots, n};
    check_chart(t, qn_chart_roofline, &chart);
    chart.n_peaks = chart.n_slopes = 0;
    check_chart(t, qn_chart_roofline, &chart);
}

static void shares_of(qn_test *t, const double *v, size_t n)
{
    int64_t *counts = qn_exact(t, n * sizeof *counts);
    for (size_t i = 0; i < n; i++)
        counts[i] = (int64_t)i - 1;
    const qn_reliability_chart reliability = {"t", v, v, counts, n, NAN};
    const qn_histogram_chart histogram = {.title = "t", .values = v, .n = n};
    check_chart(t, qn_chart_reliability, &reliability);
    check_chart(t, qn_chart_histogram, &histogram);
}

void test_chart_any_data(qn_test *t)
{
    static const size_t sizes[] = {0, 1, 2, 9, MANY};
    if (!has_plugin(t)) return;
    for (int kind = 0; kind < N_KINDS; kind++)
        for (int i = 0; i < 5; i++) {
            const double *v = values(t, kind, sizes[i]);
            qn_note(t, "%s, n=%zu", kinds[kind], sizes[i]);
            lines_of(t, v, sizes[i]);
            bars_of(t, v, sizes[i] < 40 ? sizes[i] : 40);
            roofs_of(t, v, sizes[i]);
            shares_of(t, v, sizes[i]);
        }
}

void test_chart_matrix(qn_test *t)
{
    static const size_t sizes[] = {0, 1, 2, 13, 61, 130};
    if (!has_plugin(t)) return;
    for (int i = 0; i < 6; i++) {
        const size_t n = sizes[i];
        int64_t *counts = qn_exact(t, n * n * sizeof *counts);
        const char **names = qn_exact(t, n * sizeof *names);
        for (size_t k = 0; k < n * n; k++)
            counts[k] = k % 5 ? 0 : (int64_t)1 << (k % 60);
        for (size_t k = 0; k < n; k++)
            names[k] =
                k % 3 ? "cat & dog" : "\xce\xb3\xce\xac\xcf\x84\xce\xb1, very long";
        const qn_matrix_chart chart = {"t", names, counts, n};
        const qn_box size = qn_matrix_chart_size(&chart);
        qn_note(t, "%zu classes", n);
        CHECK(t, size.width >= 200 && size.width < 1600 && size.height >= 200);
        check_chart(t, qn_chart_matrix, &chart);
    }
}

/* A gap in the data is a gap in the line. */
void test_chart_gap(qn_test *t)
{
    const double x[] = {1, 2, 3, 4, 5}, y[] = {1, 2, NAN, 2, 1};
    const qn_series series = {.x = x, .y = y, .n = 5};
    const qn_line_chart data = {.series = &series, .n_series = 1, .mark = NAN};
    const qn_chart chart = {qn_chart_lines, &data, WIDTH, HEIGHT, "gap"};
    quern_error err = {0};
    qn_mem mem;
    qn_buf svg;
    int strokes = 0;
    if (!has_plugin(t)) return;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&svg, &mem);
    REQUIRE_OK(t, qn_chart_svg(&svg, &chart, &err), &err);
    for (const char *p = svg.p; (p = strstr(p, "stroke-width=\"1.6\"")); p++)
        strokes++;
    CHECK_EQ(t, strokes, 2);
    qn_buf_done(&svg);
}

void test_chart_file(qn_test *t)
{
    const double v[] = {1, 2, 4};
    const qn_series series = {.name = "v", .x = v, .y = v, .n = 3};
    const qn_line_chart data = {.series = &series, .n_series = 1, .mark = NAN};
    const qn_chart chart = {qn_chart_lines, &data, WIDTH, HEIGHT, "v"};
    quern_error err = {0};
    qn_mem mem;
    size_t n = 0, again = 0;
    if (!has_plugin(t)) return;
    qn_mem_init(&mem, NULL, 0);
    const char *one = qn_temp(t, "one.png"), *two = qn_temp(t, "two.png");
    REQUIRE_OK(t, qn_chart_save(&mem, one, &chart, &err), &err);
    REQUIRE_OK(t, qn_chart_save(&mem, two, &chart, &err), &err);
    const char *a = qn_get_file(t, one, &n), *b = qn_get_file(t, two, &again);
    CHECK(t, n > 1000 && n == again && memcmp(a, b, n) == 0);
}

/* ---- scales need no plug-in ---- */

static qn_scale scale_of(const qn_ruler *ruler, double lo, double hi, bool is_round)
{
    qn_scale s;
    qn_scale_begin(&s, ruler);
    qn_scale_cover(&s, lo);
    qn_scale_cover(&s, hi);
    qn_scale_ticks(&s, 200, 40, is_round);
    s.from = 0;
    s.to = 200;
    return s;
}

static const char *tick_text(const qn_scale *s, int i, char text[QN_TICK_TEXT])
{
    return i < s->n_ticks ? qn_scale_text(s, s->tick[i], text) : "none";
}

void test_chart_ticks(qn_test *t)
{
    static const qn_ruler plain = {0}, share = {.is_percent = true},
                          whole = {.is_whole = true}, powers = {.is_log = true},
                          fixed = {.is_fixed = true, .lo = 0, .hi = 1};
    char text[QN_TICK_TEXT];
    qn_scale s = scale_of(&plain, 0.03, 0.97, true);
    CHECK_EQ(t, s.n_ticks, 6);
    CHECK_STR(t, tick_text(&s, 1, text), "0.2");
    CHECK_WITHIN(t, qn_scale_at(&s, 0.5), 100, 1e-9);
    s = scale_of(&share, 0, 0.04, false);
    CHECK_STR(t, tick_text(&s, 1, text), "1%");
    s = scale_of(&whole, 1, 3, false);
    CHECK_EQ(t, s.n_ticks, 3);
    CHECK_STR(t, tick_text(&s, 0, text), "1");
    s = scale_of(&powers, 1e-6, 1e6, true);
    CHECK_STR(t, tick_text(&s, 0, text), "10\xe2\x81\xbb\xe2\x81\xb6");
    CHECK_WITHIN(t, qn_scale_at(&s, 1), 100, 1e-9);
    CHECK(t, isnan(qn_scale_at(&s, 0)) && isnan(qn_scale_at(&s, -1)));
    s = scale_of(&fixed, -7, 9, true);
    CHECK(t, s.lo == 0 && s.hi == 1);
    s = scale_of(&plain, NAN, INFINITY, true);
    CHECK(t, s.lo == 0 && s.hi == 1);
    s = scale_of(&plain, -1e8, 1e8, true);
    CHECK_STR(t, tick_text(&s, 0, text), "-10\xe2\x81\xb8");
    s = scale_of(&plain, 5, 5, true);
    CHECK(t, s.lo < 5 && s.hi > 5 && s.n_ticks >= 2);
}
