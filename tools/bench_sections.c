/* SPDX-License-Identifier: Apache-2.0 */
/* tools/bench_sections.c - see bench_sections.h; this file: the machine and networks.
 */
#include "tools/bench_sections.h"

#include "tools/out.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the machine ----------------------------------------------------------------- */

void qn_bench_section_machine(qn_page *page, const qn_records *r)
{
    qn_page_section(page, "The machine");
    if (r->peaks)
        qn_page_text(page,
                     "%s, %.0f cores, %.2f GHz by a chain of dependent instructions; "
                     "%.1f GFLOP/s of multiply-adds on one core (float32, measured).",
                     qn_tree_text(r->peaks, "isa", "?"),
                     qn_tree_real(r->peaks, "cores"), qn_tree_real(r->peaks, "ghz"),
                     qn_tree_real(r->peaks, "fma_gflops"));
    const qn_tree *levels = qn_tree_get(r->peaks, "levels");
    if (levels && levels->kind == QN_TREE_LIST) {
        static const char *const heads[] = {"level", "working set", "GB/s read"};
        qn_page_table_begin(page, "Memory, as one core reads it", "lrr", heads);
        for (const qn_tree *t = levels->first; t; t = t->next) {
            qn_page_cell(page, "%s", qn_tree_text(t, "level", "?"));
            qn_page_cell(page, "%s", QN_BYTES(qn_tree_real(t, "bytes")));
            qn_page_cell(page, "%.1f", qn_tree_real(t, "read_gbps"));
        }
        qn_page_table_end(page);
    }
    const qn_tree *findings = qn_tree_get(r->doctor, "findings");
    for (const qn_tree *t = findings ? findings->first : NULL; t; t = t->next)
        if (strcmp(qn_tree_text(t, "mark", ""), "good") != 0)
            qn_page_text(page, "%s: %s", qn_tree_text(t, "subject", ""),
                         qn_tree_text(t, "text", ""));
    if (!r->peaks && !findings) qn_page_text(page, "Nothing is known about it.");
}

/* ---- networks -------------------------------------------------------------------- */

static const char *name_of(const qn_tree *row)
{
    const char *path = qn_tree_text(row, "model", ""), *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void cell_real(qn_page *page, double value, const char *format)
{
    char text[64] = "-";
    if (isfinite(value)) {
        if (!strcmp(format, "bytes"))
            snprintf(text, sizeof text, "%s", QN_BYTES(value));
        else if (!strcmp(format, "%.3f"))
            snprintf(text, sizeof text, "%.3f", value);
        else
            snprintf(text, sizeof text, "%.2g", value);
    }
    qn_page_cell(page, "%s", text);
}

static void cell_interval(qn_page *page, double lo, double hi)
{
    if (isfinite(lo) && isfinite(hi))
        qn_page_cell(page, "[%.3f, %.3f]", lo, hi);
    else
        qn_page_cell(page, "-");
}

static void model_row(qn_page *page, const qn_tree *row)
{
    qn_page_cell(page, "%s", name_of(row));
    qn_page_cell(page, "%.0f", qn_tree_real(row, "threads"));
    cell_real(page, qn_tree_real(row, "median_ms"), "%.3f");
    cell_interval(page, qn_tree_real(row, "ci_lo_ms"), qn_tree_real(row, "ci_hi_ms"));
    cell_real(page, qn_tree_real(row, "p95_ms"), "%.3f");
    cell_real(page, qn_tree_real(row, "gflops"), "%.3f");
    cell_real(page, qn_tree_real(row, "peak_rss_bytes"), "bytes");
}

static void ort_row(qn_page *page, const qn_tree *row)
{
    const qn_tree *ort = qn_tree_get(row, "ort");
    qn_page_cell(page, "%s", name_of(row));
    cell_real(page, qn_tree_real(ort, "quern_ms"), "%.3f");
    cell_real(page, qn_tree_real(ort, "median_ms"), "%.3f");
    cell_real(page, qn_tree_real(ort, "ratio"), "%.3f");
    cell_interval(page, qn_tree_real(ort, "ci_lo"), qn_tree_real(ort, "ci_hi"));
    qn_page_cell(page, "%.0f of %.0f", qn_tree_real(ort, "dropped"),
                 qn_tree_real(ort, "rounds"));
    cell_real(page, qn_tree_real(ort, "max_rel"), "%.2g");
    cell_real(page, qn_tree_real(row, "peak_rss_bytes"), "bytes");
    cell_real(page, qn_tree_real(ort, "model_rss_bytes"), "bytes");
}

/* Bars of the ratios, or of the times where there are none. */
static quern_status model_chart(qn_page *page, const qn_records *r, bool is_ratio,
                                quern_error *err)
{
    const size_t n = (size_t)r->models.n;
    void *names, *values;
    QN_TRY(qn_arena_array(r->arena, n, sizeof(char *), &names, err));
    QN_TRY(qn_arena_array(r->arena, 3 * n, sizeof(double), &values, err));
    double *value = values, *lo = value + n, *hi = lo + n;
    for (size_t i = 0; i < n; i++) {
        const qn_tree *row = r->models.row[i];
        const qn_tree *from = is_ratio ? qn_tree_get(row, "ort") : row;
        ((const char **)names)[i] = name_of(row);
        value[i] = qn_tree_real(from, is_ratio ? "ratio" : "median_ms");
        lo[i] = qn_tree_real(from, is_ratio ? "ci_lo" : "ci_lo_ms");
        hi[i] = qn_tree_real(from, is_ratio ? "ci_hi" : "ci_hi_ms");
    }
    qn_bar_chart bars = {.title = is_ratio ? "ONNX Runtime's time over quern's"
                                           : "Time of a run",
                         .x = {.label = is_ratio ? "ratio" : "ms"},
                         .rows = names,
                         .n_rows = n,
                         .n_groups = 1,
                         .value = value,
                         .lo = lo,
                         .hi = hi,
                         .reference = is_ratio ? 1 : (double)NAN};
    const qn_chart chart = {qn_chart_bars, &bars, 640, qn_bar_chart_height(&bars),
                            bars.title};
    qn_page_chart(page, "networks", &chart,
                  is_ratio ? "Medians of paired rounds with 95 % intervals; beyond 1 "
                             "quern is faster"
                           : "Medians with 95 % intervals");
    return QUERN_OK;
}

/* Further numbers of threads against the first. */
static void scaling_table(qn_page *page, const qn_records *r)
{
    static const char *const heads[] = {"network",  "threads",       "times as fast as",
                                        "speed-up", "95 % interval", "rounds dropped"};
    qn_page_table_begin(page, "Threads, in paired rounds", "lrrrrr", heads);
    for (int i = 0; i < r->models.n; i++) {
        const qn_tree *row = r->models.row[i], *list = qn_tree_get(row, "scaling");
        if (!list || list->kind != QN_TREE_LIST) continue;
        for (const qn_tree *t = list->first; t; t = t->next) {
            qn_page_cell(page, "%s", name_of(row));
            qn_page_cell(page, "%.0f", qn_tree_real(t, "threads"));
            qn_page_cell(page, "%.0f", qn_tree_real(row, "threads"));
            cell_real(page, qn_tree_real(t, "ratio"), "%.3f");
            cell_interval(page, qn_tree_real(t, "ci_lo"), qn_tree_real(t, "ci_hi"));
            qn_page_cell(page, "%.0f of %.0f", qn_tree_real(t, "dropped"),
                         qn_tree_real(t, "rounds"));
        }
    }
    qn_page_table_end(page);
}

static void ort_table(qn_page *page, const qn_records *r)
{
    static const char *const heads[] = {"network", "quern ms",      "ORT ms",
                                        "ratio",   "95 % interval", "dropped",
                                        "error",   "quern's peak",  "ORT's peak"};
    qn_page_table_begin(page, "In turns with ONNX Runtime", "lrrrrrrrr", heads);
    for (int i = 0; i < r->models.n; i++) {
        const qn_tree *ort = qn_tree_get(r->models.row[i], "ort");
        if (ort && !qn_tree_get(ort, "skipped")) ort_row(page, r->models.row[i]);
    }
    qn_page_table_end(page);
    qn_page_text(
        page, "ratio: ONNX Runtime's time over quern's, the median of rounds in which "
              "both ran twice; dropped: rounds in which either was off from itself by "
              "more than the control allows. error: greatest difference of an output "
              "over its greatest value. Peaks of resident memory; ONNX Runtime's "
              "without what its process had before the model.");
}

/* The first reason why ONNX Runtime was not there, or NULL. */
static const char *why_no_ort(const qn_records *r)
{
    for (int i = 0; i < r->models.n; i++) {
        const char *why =
            qn_tree_text(qn_tree_get(r->models.row[i], "ort"), "skipped", NULL);
        if (why) return why;
    }
    return NULL;
}

quern_status qn_bench_section_models(qn_page *page, const qn_records *r,
                                     quern_error *err)
{
    static const char *const heads[] = {
        "network", "threads", "median ms", "95 % interval", "p95", "GFLOP/s", "peak"};
    int n_ratios, n_scalings;
    const double ratio = qn_records_mean(&r->models, "ort", "ratio", &n_ratios);
    const double scaling = qn_records_mean(&r->models, "scaling", "ratio", &n_scalings);
    if (r->models.n == 0) return QUERN_OK;
    qn_page_section(page, "Networks");
    qn_page_table_begin(page, "Runs one after the other", "lrrrrrr", heads);
    for (int i = 0; i < r->models.n; i++)
        model_row(page, r->models.row[i]);
    qn_page_table_end(page);
    if (n_ratios) {
        qn_page_text(page, "Geometric mean of %d ratios to ONNX Runtime: %.3f.",
                     n_ratios, ratio);
        ort_table(page, r);
    }
    if (why_no_ort(r)) qn_page_text(page, "ONNX Runtime: skipped: %s", why_no_ort(r));
    if (n_scalings) {
        qn_page_text(page, "Geometric mean of %d speed-ups by threads: %.3f.",
                     n_scalings, scaling);
        scaling_table(page, r);
    }
    return model_chart(page, r, n_ratios > 0, err);
}
