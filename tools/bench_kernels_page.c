/* SPDX-License-Identifier: Apache-2.0 */
/* tools/bench_kernels_page.c - see bench_sections.h; this file: kernels. */
#include "tools/bench_sections.h"

#include "tools/out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BARS = 40, MOST_SPOTS = 60, SLOPES = 8 };

/* The fastest row of each problem and state, heaviest in the network first. */
typedef struct bests {
    const qn_tree **row;
    int n;
} bests;

static double weight(const qn_tree *row)
{
    const double count = qn_tree_real(row, "count");
    return qn_tree_real(row, "median_us") * (count > 0 ? count : 1);
}

static int heavier(const void *a, const void *b)
{
    const double p = weight(*(const qn_tree *const *)a);
    const double q = weight(*(const qn_tree *const *)b);
    return (p < q) - (p > q);
}

static quern_status find_bests(const qn_records *r, bests *out, quern_error *err)
{
    void *at;
    QN_TRY(qn_arena_array(r->arena, (size_t)r->kernels.n, sizeof *out->row, &at, err));
    *out = (bests){.row = at};
    for (int i = 0; i < r->kernels.n; i++)
        if (qn_record_is_best(r, i)) out->row[out->n++] = r->kernels.row[i];
    qsort(out->row, (size_t)out->n, sizeof *out->row, heavier);
    return QUERN_OK;
}

/* ---- pictures -------------------------------------------------------------------- */

/* Bars of the share of what the machine allows. */
static quern_status share_chart(qn_page *page, const qn_records *r, const bests *b,
                                quern_error *err)
{
    const size_t n = (size_t)(b->n < MOST_BARS ? b->n : MOST_BARS);
    void *names, *values;
    QN_TRY(qn_arena_array(r->arena, n, sizeof(char *), &names, err));
    QN_TRY(qn_arena_array(r->arena, 3 * n, sizeof(double), &values, err));
    double *value = values, *lo = value + n, *hi = lo + n;
    for (size_t i = 0; i < n; i++) {
        const qn_tree *row = b->row[i];
        const double median = qn_tree_real(row, "median_us");
        ((const char **)names)[i] = qn_tree_text(row, "problem", "");
        value[i] = qn_tree_real(row, "roof_pct") / 100;
        lo[i] = value[i] * median / qn_tree_real(row, "ci_hi_us");
        hi[i] = value[i] * median / qn_tree_real(row, "ci_lo_us");
    }
    qn_bar_chart bars = {.title = "Share of what the machine allows",
                         .x = {.label = "of the roof", .is_percent = true},
                         .rows = names,
                         .n_rows = n,
                         .n_groups = 1,
                         .value = value,
                         .lo = lo,
                         .hi = hi,
                         .reference = 1};
    const qn_chart chart = {qn_chart_bars, &bars, 760, qn_bar_chart_height(&bars),
                            bars.title};
    qn_page_chart(page, "shares", &chart,
                  "The heaviest problems, fastest row of each, with 95 % intervals");
    return QUERN_OK;
}

/* A colour for each kind of problem, in the order they come. */
static int colour_of(const qn_tree *row, const char *kinds[8], int *n)
{
    const char *problem = qn_tree_text(row, "problem", "");
    const size_t length = strcspn(problem, ":");
    for (int i = 0; i < *n; i++)
        if (strcspn(kinds[i], ":") == length && !memcmp(kinds[i], problem, length))
            return i;
    if (*n == 8) return 7;
    kinds[*n] = problem;
    return (*n)++;
}

static void roofline_chart(qn_page *page, const qn_records *r, const bests *b)
{
    qn_roof slopes[SLOPES],
        peak = {"multiply-adds", qn_tree_real(r->peaks, "fma_gflops")};
    qn_roof_spot spots[MOST_SPOTS];
    const char *kinds[8];
    size_t n_slopes = 0, n_spots = 0;
    int n_kinds = 0;
    const qn_tree *levels = qn_tree_get(r->peaks, "levels");
    for (const qn_tree *t = levels ? levels->first : NULL; t && n_slopes < SLOPES;
         t = t->next)
        slopes[n_slopes++] =
            (qn_roof){qn_tree_text(t, "level", "?"), qn_tree_real(t, "read_gbps")};
    for (int i = 0; i < b->n && n_spots < MOST_SPOTS; i++) {
        const qn_tree *row = b->row[i];
        spots[n_spots++] = (qn_roof_spot){
            qn_tree_text(row, "problem", ""),
            qn_tree_real(row, "flops") / qn_tree_real(row, "bytes"),
            qn_tree_real(row, "gflops"), colour_of(row, kinds, &n_kinds)};
    }
    const qn_roof_chart data = {.title = "Roofline",
                                .peaks = &peak,
                                .n_peaks = peak.value > 0,
                                .slopes = slopes,
                                .n_slopes = n_slopes,
                                .spots = spots,
                                .n_spots = n_spots};
    const qn_chart chart = {qn_chart_roofline, &data, 760, 460, data.title};
    qn_page_chart(
        page, "roofline", &chart,
        "The fastest row of each problem under the measured roofs of one core; "
        "Winograd's are effective GFLOP/s");
}

/* ---- tables ---------------------------------------------------------------------- */

static void failures(qn_page *page, const qn_records *r)
{
    int n = 0, unverified = 0;
    for (int i = 0; i < r->kernels.n; i++) {
        const qn_tree *row = r->kernels.row[i];
        const char *status = qn_tree_text(row, "status", "");
        unverified += !strcmp(status, "unverified");
        if (!strcmp(status, "ok") || !strcmp(status, "unverified")) continue;
        n++;
        qn_page_text(page, "WRONG: %s, %s: %s: %s", qn_tree_text(row, "problem", ""),
                     qn_tree_text(row, "impl", ""), status,
                     qn_tree_text(row, "reason", ""));
    }
    qn_page_text(page,
                 "%d rows, verified against sums in double before and after they were "
                 "timed: %d wrong, %d not verified.",
                 r->kernels.n, n, unverified);
}

static void kernel_row(qn_page *page, const qn_tree *row)
{
    const double roof = qn_tree_real(row, "roof_pct");
    qn_page_cell(page, "%s", qn_tree_text(row, "problem", ""));
    qn_page_cell(page, "%s", qn_tree_text(row, "impl", ""));
    qn_page_cell(page, "%s", qn_tree_text(row, "cache", ""));
    qn_page_cell(page, "%.3f", qn_tree_real(row, "median_us"));
    qn_page_cell(page, "[%.3f, %.3f]", qn_tree_real(row, "ci_lo_us"),
                 qn_tree_real(row, "ci_hi_us"));
    qn_page_cell(page, "%.1f", qn_tree_real(row, "gflops"));
    qn_page_cell(page, "%.1f", qn_tree_real(row, "gbps"));
    if (isfinite(roof))
        qn_page_cell(page, "%.1f%% %s", roof, qn_tree_text(row, "roof", ""));
    else
        qn_page_cell(page, "-");
    qn_page_cell(page, "%.2g", qn_tree_real(row, "error_u"));
}

static void kernel_table(qn_page *page, const char *caption, const qn_tree *const *rows,
                         int n)
{
    static const char *const heads[] = {"problem",   "implementation", "cache",
                                        "median us", "95 % interval",  "GFLOP/s",
                                        "GB/s",      "roof",           "error"};
    qn_page_table_begin(page, caption, "lllrrrrrr", heads);
    for (int i = 0; i < n; i++)
        if (qn_record_is_good(rows[i])) kernel_row(page, rows[i]);
    qn_page_table_end(page);
}

quern_status qn_bench_section_kernels(qn_page *page, const qn_records *r,
                                      quern_error *err)
{
    bests b;
    if (r->kernels.n == 0) return QUERN_OK;
    QN_TRY(find_bests(r, &b, err));
    qn_page_section(page, "Kernels");
    failures(page, r);
    roofline_chart(page, r, &b);
    if (r->peaks) QN_TRY(share_chart(page, r, &b, err));
    kernel_table(page, "The fastest row of each problem, heaviest first", b.row, b.n);
    qn_page_section(page, "Every row");
    kernel_table(page, "As measured", r->kernels.row, r->kernels.n);
    return QUERN_OK;
}
