/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_bars.c - horizontal bars, or points, with confidence intervals. */
#include "tools/chart_plot.h"

#include <stdio.h>

#define BAR       11.0 /* thickness */
#define ROW_GAP   8.0
#define NAME_PART 0.38 /* of the width, for the names of rows at most */

static double row_height(const qn_bar_chart *chart)
{
    return (double)(chart->n_groups ? chart->n_groups : 1) * BAR + ROW_GAP;
}

double qn_bar_chart_height(const qn_bar_chart *chart)
{
    const double legend = chart->groups ? 20 : 0, rest = 75;
    return rest + legend +
           row_height(chart) * (double)(chart->n_rows ? chart->n_rows : 1);
}

static void cover(qn_plot *p, const qn_bar_chart *chart)
{
    if (!chart->is_dots && !chart->x.is_log) qn_scale_cover(&p->x, 0);
    if (isfinite(chart->reference)) qn_scale_cover(&p->x, chart->reference);
    for (size_t i = 0; i < chart->n_rows * chart->n_groups; i++) {
        qn_scale_cover(&p->x, chart->value[i]);
        if (chart->lo) qn_scale_cover(&p->x, chart->lo[i]);
        if (chart->hi) qn_scale_cover(&p->x, chart->hi[i]);
    }
}

static double widest_name(qn_canvas *c, const qn_bar_chart *chart, double most)
{
    double widest = 0;
    for (size_t i = 0; i < chart->n_rows; i++)
        widest =
            fmax(widest, qn_draw_text_width(c, chart->rows[i], QN_NAME_SIZE, false));
    return fmin(widest, most);
}

static void put_whisker(qn_canvas *c, double lo, double hi, double y)
{
    const qn_pen pen = {0, QN_INK, 1, 0};
    qn_draw_line(c, lo, y, hi, y, &pen);
    qn_draw_line(c, lo, y - 2.5, lo, y + 2.5, &pen);
    qn_draw_line(c, hi, y - 2.5, hi, y + 2.5, &pen);
}

/* Three digits of the largest value, for all of them. */
static int decimals_of(const qn_bar_chart *chart)
{
    double most = 1e-3;
    for (size_t i = 0; i < chart->n_rows * chart->n_groups; i++)
        if (isfinite(chart->value[i])) most = fmax(most, fabs(chart->value[i]));
    return chart->x.is_percent ? 1 : (int)fmax(0, 2 - floor(log10(most)));
}

/* The value as a number, right of all that is drawn for it. */
static void put_value(qn_canvas *c, const qn_bar_chart *chart, double value, double x,
                      double y)
{
    char text[QN_TICK_TEXT];
    const double shown = chart->x.is_percent ? 100 * value : value;
    snprintf(text, sizeof text, fabs(shown) < 1e7 ? "%.*f%s" : "%.*e%s",
             decimals_of(chart), shown, chart->x.is_percent ? "%" : "");
    const qn_label label = {.text = text,
                            .x = x + 4,
                            .y = y,
                            .v = 0.5,
                            .size = QN_TICK_SIZE,
                            .colour = QN_SOFT_INK};
    qn_draw_text(c, &label);
}

static void put_bar(qn_canvas *c, const qn_plot *p, const qn_bar_chart *chart, size_t i,
                    double y)
{
    const double value = chart->value[i], x = qn_scale_at(&p->x, value);
    const double zero = chart->x.is_log ? p->area.x : qn_scale_at(&p->x, 0);
    const double lo = chart->lo ? qn_scale_at(&p->x, chart->lo[i]) : NAN;
    const double hi = chart->hi ? qn_scale_at(&p->x, chart->hi[i]) : NAN;
    const int group = chart->n_groups ? (int)(i % chart->n_groups) : 0;
    const qn_pen pen = {qn_palette(group), 0, 0, 0};
    if (!isfinite(x)) return;
    const qn_box bar = {fmin(x, zero), y - BAR / 2 + 0.5, fabs(x - zero), BAR - 1};
    if (chart->is_dots)
        qn_draw_circle(c, x, y, 3, &pen);
    else
        qn_draw_box(c, &bar, &pen);
    if (isfinite(lo) && isfinite(hi)) put_whisker(c, lo, hi, y);
    put_value(c, chart, value, fmax(fmax(x, zero), isfinite(hi) ? hi : x), y);
}

static void put_row(qn_canvas *c, const qn_plot *p, const qn_bar_chart *chart,
                    size_t row)
{
    const size_t n = chart->n_groups;
    const double height = p->area.height / (double)chart->n_rows;
    const double middle = p->area.y + ((double)row + 0.5) * height;
    const qn_label name = {.text = chart->rows[row],
                           .x = p->area.x - 5,
                           .y = middle,
                           .h = 1,
                           .v = 0.5,
                           .size = QN_NAME_SIZE,
                           .colour = QN_INK};
    qn_put_fitted(c, name, p->area.x - p->all.x - 5);
    for (size_t k = 0; k < n; k++)
        put_bar(c, p, chart, row * n + k,
                middle + ((double)k - ((double)n - 1) / 2) * BAR);
}

static void put_legend(qn_canvas *c, qn_plot *p, const qn_bar_chart *chart)
{
    qn_key *keys = qn_draw_room(c, chart->n_groups, sizeof *keys);
    for (size_t i = 0; keys && i < chart->n_groups; i++)
        keys[i] =
            (qn_key){chart->groups[i], (int)i, false, chart->is_dots, !chart->is_dots};
    if (keys) qn_plot_legend(c, p, keys, chart->n_groups);
}

void qn_chart_bars(qn_canvas *c, const qn_box *where, const void *data)
{
    qn_bar_chart chart = *(const qn_bar_chart *)data;
    qn_plot p;
    if (chart.n_groups == 0) chart.n_groups = 1;
    qn_scale_begin(&p.x, &chart.x);
    cover(&p, &chart);
    qn_plot_begin(c, &p, where, chart.title);
    if (chart.groups) put_legend(c, &p, &chart);
    p.area.width -= 30; /* for the number behind the longest bar */
    qn_plot_ruler_below(c, &p, widest_name(c, &chart, NAME_PART * p.all.width) + 6);
    for (size_t row = 0; row < chart.n_rows; row++)
        put_row(c, &p, &chart, row);
    if (isfinite(chart.reference)) {
        const double x = qn_scale_at(&p.x, chart.reference);
        qn_draw_line(c, x, p.area.y, x, p.area.y + p.area.height,
                     &(qn_pen){0, QN_INK, 1, 3});
    }
    qn_draw_line(c, p.area.x, p.area.y, p.area.x, p.area.y + p.area.height,
                 &(qn_pen){0, QN_FRAME_INK, 0.8, 0});
}
