/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cells_summary.c - see cells_summary.h. */
#include "tools/cells_summary.h"

#include "formats/csv_write.h"
#include "formats/files.h"
#include "formats/json_tree.h"
#include "tools/chart.h"
#include "tools/html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Members of a record, and of its object "metrics". */
static const char *const figures[] = {
    "cells",
    "diameter",
    "confluence_pct",
    "mean_area_px",
    "median_area_px",
    "stdev_area_px",
    "p05_area_px",
    "p95_area_px",
    "mean_area_um2",
    "density_cells_per_cm2",
    "median_diameter_px",
    "cells_at_edge",
    "mean_flow_error",
    "ms",
};
enum { N_FIGURES = sizeof figures / sizeof *figures };
/* places in figures of those that the page shows */
enum { CELLS = 0, CONFLUENCE = 2, MEDIAN_AREA = 4, DENSITY = 9, FLOW_ERROR = 12 };
enum { SHOWN = 40 /* bars at most */ };

typedef struct row {
    const char *image, *error; /* error NULL: done */
    double value[N_FIGURES];   /* NaN: not told */
} row;

typedef struct summary {
    qn_mem *mem;
    qn_arena arena;
    const char *folder;
    row *rows;
    int64_t n, n_failed;
    double cells;
} summary;

/* ---- reading --------------------------------------------------------------------- */

static quern_status read_record(const char *path, qn_arena *scratch, row *r,
                                quern_error *err)
{
    char *text;
    size_t n;
    const qn_tree *root;
    QN_TRY(qn_file_text(scratch, path, &text, &n, err));
    QN_TRY(qn_tree_parse(scratch, text, n, &root, err));
    const qn_tree *metrics = qn_tree_get(root, "metrics");
    for (int i = 0; i < N_FIGURES; i++) {
        r->value[i] = qn_tree_real(root, figures[i]);
        if (isnan(r->value[i])) r->value[i] = qn_tree_real(metrics, figures[i]);
    }
    return QUERN_OK;
}

static quern_status read_item(summary *s, const qn_summary_item *item,
                              qn_arena *scratch, row *r, quern_error *err)
{
    quern_error why = {.status = QUERN_OK};
    r->image = item->image;
    r->error = item->error;
    for (int i = 0; i < N_FIGURES; i++)
        r->value[i] = NAN;
    if (!r->error && read_record(item->record, scratch, r, &why) != QUERN_OK)
        QN_TRY(qn_arena_text(&s->arena, why.text, strlen(why.text), &r->error, err));
    qn_arena_reset(scratch);
    s->n_failed += r->error != NULL;
    if (!r->error && !isnan(r->value[CELLS])) s->cells += r->value[CELLS];
    return QUERN_OK;
}

static quern_status read_all(summary *s, const qn_summary_item *items, int64_t n,
                             quern_error *err)
{
    void *rows;
    qn_arena scratch;
    quern_status status = QUERN_OK;
    QN_TRY(qn_arena_array(&s->arena, (size_t)n + 1, sizeof(row), &rows, err));
    s->rows = rows;
    qn_arena_init(&scratch, s->mem);
    for (; status == QUERN_OK && s->n < n; s->n++)
        status = read_item(s, &items[s->n], &scratch, &s->rows[s->n], err);
    qn_arena_done(&scratch);
    return status;
}

/* ---- CSV ------------------------------------------------------------------------- */

static void put_csv(const summary *s, qn_buf *out)
{
    qn_csv csv;
    qn_csv_begin(&csv, out);
    qn_csv_text(&csv, "image");
    qn_csv_text(&csv, "status");
    for (int i = 0; i < N_FIGURES; i++)
        qn_csv_text(&csv, figures[i]);
    qn_csv_text(&csv, "error");
    qn_csv_end(&csv);
    for (int64_t k = 0; k < s->n; k++) {
        qn_csv_text(&csv, s->rows[k].image);
        qn_csv_text(&csv, s->rows[k].error ? "failed" : "completed");
        for (int i = 0; i < N_FIGURES; i++)
            qn_csv_real(&csv, s->rows[k].value[i]);
        qn_csv_text(&csv, s->rows[k].error);
        qn_csv_end(&csv);
    }
}

/* ---- HTML ------------------------------------------------------------------------ */

static void put_tiles(const summary *s, qn_html *h)
{
    char text[32], note[64];
    qn_html_tiles_begin(h);
    snprintf(text, sizeof text, "%" PRId64, s->n);
    snprintf(note, sizeof note, "%" PRId64 " failed", s->n_failed);
    qn_html_tile(h, "pictures", text, s->n_failed ? note : NULL);
    snprintf(text, sizeof text, "%.0f", s->cells);
    qn_html_tile(h, "cells", text, NULL);
    snprintf(text, sizeof text, "%.4g", s->cells / (double)(s->n - s->n_failed));
    if (s->n > s->n_failed) qn_html_tile(h, "cells a picture", text, NULL);
    qn_html_tiles_end(h);
}

/* Counts as bars, as long as there are not too many; nothing where nothing draws. */
static quern_status put_counts(summary *s, qn_html *h, quern_error *err)
{
    void *names, *values;
    qn_buf svg;
    if (s->n - s->n_failed < 2 || s->n > SHOWN) return QUERN_OK;
    QN_TRY(qn_arena_array(&s->arena, (size_t)s->n, sizeof(char *), &names, err));
    QN_TRY(qn_arena_array(&s->arena, (size_t)s->n, sizeof(double), &values, err));
    qn_bar_chart data = {.title = "Cells by picture",
                         .x = {.label = "cells", .is_whole = true},
                         .rows = names,
                         .value = values,
                         .reference = NAN};
    for (int64_t i = 0; i < s->n; i++) {
        if (s->rows[i].error) continue;
        ((const char **)names)[data.n_rows] = s->rows[i].image;
        ((double *)values)[data.n_rows++] = s->rows[i].value[CELLS];
    }
    const qn_chart chart = {qn_chart_bars, &data, 640, qn_bar_chart_height(&data),
                            data.title};
    qn_buf_init(&svg, s->mem);
    const quern_status status = qn_chart_svg(&svg, &chart, err);
    if (status == QUERN_OK) {
        qn_html_figures_begin(h);
        qn_html_svg(h, svg.p, svg.n, NULL);
        qn_html_figures_end(h);
    }
    qn_buf_done(&svg);
    return status == QUERN_UNSUPPORTED ? QUERN_OK : status;
}

static void put_number(qn_html *h, double value, int digits)
{
    if (isnan(value))
        qn_html_cell(h, "%s", "");
    else
        qn_html_cell(h, "%.*g", digits, value);
}

static void put_table(const summary *s, qn_html *h)
{
    static const char *const headings[] = {"picture",
                                           "cells",
                                           "confluence, %",
                                           "median area, px",
                                           "density, cells/cm2",
                                           "mean flow error",
                                           "why it failed"};
    qn_html_section(h, "Pictures");
    qn_html_table_begin(h, NULL, "lrrrrrl", headings);
    for (int64_t i = 0; i < s->n; i++) {
        const row *r = &s->rows[i];
        qn_html_cell(h, "%s", r->image);
        put_number(h, r->value[CELLS], 10);
        put_number(h, r->value[CONFLUENCE], 3);
        put_number(h, r->value[MEDIAN_AREA], 5);
        put_number(h, r->value[DENSITY], 5);
        put_number(h, r->value[FLOW_ERROR], 3);
        qn_html_cell(h, "%s", r->error ? r->error : "");
    }
    qn_html_table_end(h);
}

static quern_status put_html(summary *s, qn_buf *out, quern_error *err)
{
    qn_html h;
    qn_html_begin(&h, out, "Cells", s->folder);
    put_tiles(s, &h);
    const quern_status status = put_counts(s, &h, err);
    put_table(s, &h);
    qn_html_end(&h);
    return status;
}

/* ---- files ----------------------------------------------------------------------- */

static quern_status save(const summary *s, const char *name, const qn_buf *out,
                         quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_buf_status(out, err));
    QN_TRY(qn_path_format(path, err, "%s/%s", s->folder, name));
    const quern_status status = qn_file_replace(path, out->p, out->n, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

quern_status qn_cells_summary_save(qn_mem *mem, const char *folder,
                                   const qn_summary_item *items, int64_t n,
                                   quern_error *err)
{
    summary s = {.mem = mem, .folder = folder};
    qn_buf csv, html;
    qn_arena_init(&s.arena, mem);
    qn_buf_init(&csv, mem);
    qn_buf_init(&html, mem);
    quern_status status = read_all(&s, items, n, err);
    if (status == QUERN_OK) {
        put_csv(&s, &csv);
        status = put_html(&s, &html, err);
    }
    if (status == QUERN_OK) status = save(&s, "summary.csv", &csv, err);
    if (status == QUERN_OK) status = save(&s, "summary.html", &html, err);
    qn_buf_done(&csv);
    qn_buf_done(&html);
    qn_arena_done(&s.arena);
    return status;
}
