/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cells_report.c - see cells_report.h. */
#include "tools/cells_report.h"

#include "tools/chart.h"
#include "tools/html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORST = 25, WIDEST = 1600 /* pixels of the picture in the page */ };
enum { MANY = 50000000 /* pixels: of more than that a grid is taken */ };

typedef struct page {
    const qn_cells_out *c;
    qn_html h;
    qn_arena arena;
} page;

/* ---- figures ---- */

/* value with so many figures; NaN: no tile. */
static void tile(page *p, const char *name, double value, int figures, const char *unit,
                 const char *note)
{
    char text[64];
    if (isnan(value)) return;
    snprintf(text, sizeof text, "%.*g%s", figures, value, unit);
    qn_html_tile(&p->h, name, text, note);
}

static void put_tiles(page *p)
{
    const qn_census *all = &p->c->measures->census;
    const double um = p->c->seg->um_per_px;
    char at_edge[64], diameter[64], area[64];
    snprintf(at_edge, sizeof at_edge, "%" PRId64 " of them at the edge",
             all->n_at_edge);
    snprintf(diameter, sizeof diameter, "%.3g \xc2\xb5m", all->diameter_median * um);
    snprintf(area, sizeof area, "%.4g \xc2\xb5m\xc2\xb2", all->area_mean * um * um);
    qn_html_tiles_begin(&p->h);
    tile(p, "cells", (double)all->n, 10, "", at_edge);
    tile(p, "confluence", qn_cells_confluence(p->c), 3, " %", "of the picture");
    tile(p, "density", qn_cells_density(p->c), 4, "", "per square centimetre");
    tile(p, "median diameter", all->diameter_median, 4, " px",
         um > 0 ? diameter : NULL);
    tile(p, "mean area", all->area_mean, 5, " px", um > 0 ? area : NULL);
    tile(p, "mean flow error", all->flow_error_mean, 3, "", NULL);
    qn_html_tiles_end(&p->h);
}

/* ---- the picture ---- */

static quern_status put_picture(page *p, quern_error *err)
{
    qn_image image;
    const int64_t pixels = p->c->seg->height * p->c->seg->width;
    const int step = 1 + (int)sqrt((double)(pixels / MANY));
    QN_TRY(qn_cells_outlined(p->c, step, &p->arena, &image, err));
    const int longest = image.width > image.height ? image.width : image.height;
    if (longest > WIDEST) {
        const double scale = (double)WIDEST / longest;
        const int width = (int)fmax(1, image.width * scale);
        const int height = (int)fmax(1, image.height * scale);
        QN_TRY(qn_image_resize(&p->arena, &image, width, height, &image, err));
    }
    qn_html_section(&p->h, "Outlines");
    qn_html_figures_begin(&p->h);
    qn_html_photo(&p->h, &image, "each cell has the colour of its label in every file");
    qn_html_figures_end(&p->h);
    return QUERN_OK;
}

/* ---- histograms ---- */

/* Values of the cells that there are. */
static quern_status gather(page *p, double (*value)(const qn_cell *cell),
                           const double **out, size_t *n, quern_error *err)
{
    const qn_measures *m = p->c->measures;
    void *room;
    QN_TRY(qn_arena_array(&p->arena, (size_t)m->n + 1, sizeof(double), &room, err));
    double *values = room;
    *n = 0;
    for (uint32_t i = 0; i < m->n; i++)
        if (m->cell[i].area > 0) values[(*n)++] = value(&m->cell[i]);
    *out = values;
    return QUERN_OK;
}

static double area_of(const qn_cell *cell)
{
    return (double)cell->area;
}

static double circularity_of(const qn_cell *cell)
{
    return cell->circularity;
}

static double flow_error_of(const qn_cell *cell)
{
    return cell->flow_error;
}

static quern_status put_histogram(page *p, const char *title, const qn_ruler *x,
                                  double (*value)(const qn_cell *cell),
                                  quern_error *err)
{
    qn_histogram_chart data = {
        .title = title, .x = *x, .y_label = "cells", .n_bins = QN_MEASURE_BINS};
    const qn_chart chart = {qn_chart_histogram, &data, 320, 210, title};
    qn_buf svg;
    QN_TRY(gather(p, value, &data.values, &data.n, err));
    qn_buf_init(&svg, p->h.out->mem);
    const quern_status status = qn_chart_svg(&svg, &chart, err);
    if (status == QUERN_OK) qn_html_svg(&p->h, svg.p, svg.n, NULL);
    qn_buf_done(&svg);
    return status;
}

/* Where nothing can draw. */
static void put_bins(page *p)
{
    static const char *const headings[] = {"area from, px", "cells"};
    const qn_census *all = &p->c->measures->census;
    const double step = fmax(1, all->area_max - all->area_min) / QN_MEASURE_BINS;
    qn_html_table_begin(&p->h, "areas", "rr", headings);
    for (int i = 0; i < QN_MEASURE_BINS; i++) {
        qn_html_cell(&p->h, "%.1f", all->area_min + i * step);
        qn_html_cell(&p->h, "%" PRId64, all->bins[i]);
    }
    qn_html_table_end(&p->h);
}

static quern_status put_histograms(page *p, quern_error *err)
{
    static const qn_ruler area = {.label = "pixels"}, error = {.label = "flow error"};
    static const qn_ruler circularity = {
        .label = "circularity, 1: a disk", .is_fixed = true, .lo = 0, .hi = 1};
    qn_html_section(&p->h, "Distributions");
    qn_html_figures_begin(&p->h);
    quern_status status = put_histogram(p, "Areas", &area, area_of, err);
    if (status == QUERN_OK)
        status = put_histogram(p, "Circularity", &circularity, circularity_of, err);
    if (status == QUERN_OK && p->c->seg->flow_error)
        status = put_histogram(p, "Flow error", &error, flow_error_of, err);
    qn_html_figures_end(&p->h);
    if (status != QUERN_UNSUPPORTED) return status;
    put_bins(p);
    return QUERN_OK;
}

/* ---- the cells to look at first ---- */

typedef struct doubt {
    double error;
    uint32_t label;
} doubt;

static int worst_first(const void *a, const void *b)
{
    const doubt *p = a, *q = b;
    if (p->error != q->error) return p->error < q->error ? 1 : -1;
    return p->label < q->label ? -1 : p->label > q->label;
}

static quern_status put_worst(page *p, quern_error *err)
{
    static const char *const headings[] = {"label",    "x",          "y",
                                           "area, px", "flow error", "probability"};
    const qn_measures *m = p->c->measures;
    void *room;
    size_t n = 0;
    if (!p->c->seg->flow_error || m->census.n == 0) return QUERN_OK;
    QN_TRY(qn_arena_array(&p->arena, m->n, sizeof(doubt), &room, err));
    doubt *doubts = room;
    for (uint32_t i = 0; i < m->n; i++)
        if (m->cell[i].area > 0) doubts[n++] = (doubt){m->cell[i].flow_error, i + 1};
    qsort(doubts, n, sizeof *doubts, worst_first);
    qn_html_section(&p->h, "Cells to look at first");
    qn_html_table_begin(&p->h, "those whose shape fits the flow least", "rrrrrr",
                        headings);
    for (size_t i = 0; i < n && i < WORST; i++) {
        const qn_cell *cell = &m->cell[doubts[i].label - 1];
        qn_html_cell(&p->h, "%u", doubts[i].label);
        qn_html_cell(&p->h, "%.0f", cell->x);
        qn_html_cell(&p->h, "%.0f", cell->y);
        qn_html_cell(&p->h, "%" PRId64, cell->area);
        qn_html_cell(&p->h, "%.3f", cell->flow_error);
        qn_html_cell(&p->h, "%.3f", cell->prob);
    }
    qn_html_table_end(&p->h);
    return QUERN_OK;
}

/* ---- how it was made ---- */

static void row(page *p, const char *name, double value)
{
    qn_html_cell(&p->h, "%s", name);
    qn_html_cell(&p->h, "%.10g", value);
}

static void put_making(page *p)
{
    static const char *const headings[] = {"setting", "value"};
    const qn_segmented *s = p->c->seg;
    const qn_segment_settings *k = s->settings;
    qn_html_section(&p->h, "How it was made");
    qn_html_table_begin(&p->h, NULL, "lr", headings);
    qn_html_cell(&p->h, "model");
    qn_html_cell(&p->h, "%s", s->model ? s->model : "");
    qn_html_cell(&p->h, "its SHA-256");
    qn_html_cell(&p->h, "%s", s->model_sha256 ? s->model_sha256 : "");
    row(p, "diameter, px", s->diameter);
    if (s->um_per_px > 0) row(p, "micrometres a pixel", s->um_per_px);
    if (k) row(p, "flow threshold", k->flow_threshold);
    if (k) row(p, "cell probability threshold", k->cellprob_threshold);
    if (k) row(p, "smallest cell, px", (double)k->min_size);
    row(p, "width, px", (double)s->width);
    row(p, "height, px", (double)s->height);
    qn_html_cell(&p->h, "quern");
    qn_html_cell(&p->h, "%s", QUERN_VERSION);
    qn_html_table_end(&p->h);
}

quern_status qn_cells_report(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    page p = {.c = c};
    char subtitle[96];
    const int64_t n = c->measures->census.n;
    qn_arena_init(&p.arena, c->mem);
    snprintf(subtitle, sizeof subtitle, "%" PRId64 " cell%s%s", n, n == 1 ? "" : "s",
             c->seg->depth > 1 ? " in this plane" : "");
    qn_html_begin(&p.h, out, c->image, subtitle);
    put_tiles(&p);
    quern_status status = put_picture(&p, err);
    if (status == QUERN_OK && n > 0) status = put_histograms(&p, err);
    if (status == QUERN_OK) status = put_worst(&p, err);
    put_making(&p);
    qn_html_end(&p.h);
    qn_arena_done(&p.arena);
    return status == QUERN_OK ? qn_buf_status(out, err) : status;
}
