/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_lines.c - lines with bands, and receiver operating characteristics. */
#include "tools/chart_plot.h"

#define MARKED 40 /* points of a line, up to which each gets a dot */

static void cover(qn_plot *p, const qn_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!isfinite(s->x[i])) continue;
        if (isfinite(s->y[i])) qn_scale_cover(&p->x, s->x[i]);
        qn_scale_cover(&p->y, s->y[i]);
        if (s->lo) qn_scale_cover(&p->y, s->lo[i]);
        if (s->hi) qn_scale_cover(&p->y, s->hi[i]);
    }
}

static qn_spot spot_of(const qn_plot *p, double x, double y)
{
    return (qn_spot){qn_scale_at(&p->x, x), qn_scale_at(&p->y, y)};
}

/* Along the upper edge, back along the lower one; a new piece after each gap. */
static void put_band(qn_canvas *c, const qn_plot *p, const qn_series *s)
{
    qn_spot *at = qn_draw_room(c, s->n, 2 * sizeof *at);
    if (!at || !s->lo || !s->hi) return;
    const qn_pen pen = {qn_faded(qn_palette(s->colour), 48), 0, 0, 0};
    size_t n = 0;
    for (size_t i = 0; i <= s->n; i++) {
        const bool is_there = i < s->n && isfinite(s->x[i] + s->lo[i] + s->hi[i]);
        if (is_there) {
            at[n++] = spot_of(p, s->x[i], s->hi[i]);
            continue;
        }
        for (size_t k = 0; k < n; k++)
            at[n + k] = spot_of(p, s->x[i - 1 - k], s->lo[i - 1 - k]);
        qn_draw_outline(c, &(qn_outline){at, 2 * n, true}, &pen);
        n = 0;
    }
}

static qn_spot *spots_of(qn_canvas *c, const qn_plot *p, const qn_series *s)
{
    qn_spot *at = qn_draw_room(c, s->n, sizeof *at);
    for (size_t i = 0; at && i < s->n; i++)
        at[i] = spot_of(p, s->x[i], s->y[i]);
    return at;
}

static void put_line(qn_canvas *c, const qn_plot *p, const qn_series *s)
{
    const qn_pen line = {0, qn_palette(s->colour), 1.6, s->is_dashed ? 4 : 0};
    const qn_spot *at = spots_of(c, p, s);
    if (at) qn_draw_outline(c, &(qn_outline){at, s->n, false}, &line);
}

static void put_series(qn_canvas *c, const qn_plot *p, const qn_series *s)
{
    const qn_colour colour = qn_palette(s->colour);
    const qn_pen dot = {s->is_dots ? qn_faded(colour, 170) : colour, 0, 0, 0};
    if (!s->is_dots) put_line(c, p, s);
    const qn_spot *at = spots_of(c, p, s);
    if (!at || s->is_dashed || (!s->is_dots && s->n > MARKED)) return;
    for (size_t i = 0; i < s->n; i++)
        qn_draw_circle(c, at[i].x, at[i].y, s->is_dots ? 2.6 : 2.1, &dot);
}

/* The line across; its name comes last, so that it can be read. */
static void put_mark(qn_canvas *c, const qn_plot *p, const qn_line_chart *chart)
{
    const double x = qn_scale_at(&p->x, chart->mark);
    if (chart->mark_name)
        qn_draw_line(c, x, p->area.y, x, p->area.y + p->area.height,
                     &(qn_pen){0, QN_SOFT_INK, 0.8, 2});
}

/* Whether data near that x is in the upper part of the area, where a name would be. */
static bool is_high_at(const qn_plot *p, const qn_line_chart *chart, double x)
{
    const double near = p->area.width / 3, third = p->area.y + p->area.height / 3;
    for (size_t i = 0; i < chart->n_series; i++) {
        const qn_series *s = &chart->series[i];
        for (size_t k = 0; k < s->n; k++) {
            const qn_spot at = spot_of(p, s->x[k], s->y[k]);
            if (fabs(at.x - x) < near && at.y < third) return true;
        }
    }
    return false;
}

/* Beside the line, left or right, above or below, where there is room. */
static void put_mark_name(qn_canvas *c, const qn_plot *p, const qn_line_chart *chart)
{
    const double x = qn_scale_at(&p->x, chart->mark);
    if (!chart->mark_name || !(x >= p->x.from - 0.01 && x <= p->x.to + 0.01)) return;
    const bool is_left = x > p->area.x + p->area.width / 2;
    const bool is_below = is_high_at(p, chart, x);
    const double top = p->area.y + 6, bottom = p->area.y + p->area.height - 6;
    qn_label label = {.text = chart->mark_name,
                      .x = x + (is_left ? -5 : 5),
                      .y = is_below ? bottom : top,
                      .h = is_left,
                      .v = !is_below,
                      .size = QN_TICK_SIZE,
                      .colour = QN_SOFT_INK};
    qn_put_fitted(c, label, p->area.width / 2);
}

static void put_legend(qn_canvas *c, qn_plot *p, const qn_series *series, size_t n)
{
    qn_key *keys = qn_draw_room(c, n, sizeof *keys);
    for (size_t i = 0; keys && i < n; i++)
        keys[i] = (qn_key){series[i].name, series[i].colour, series[i].is_dashed,
                           series[i].is_dots, false};
    if (keys) qn_plot_legend(c, p, keys, n);
}

void qn_chart_lines(qn_canvas *c, const qn_box *where, const void *data)
{
    const qn_line_chart *chart = data;
    qn_plot p;
    qn_scale_begin(&p.x, &chart->x);
    qn_scale_begin(&p.y, &chart->y);
    for (size_t i = 0; i < chart->n_series; i++)
        cover(&p, &chart->series[i]);
    qn_plot_begin(c, &p, where, chart->title);
    put_legend(c, &p, chart->series, chart->n_series);
    qn_plot_layout(c, &p);
    qn_plot_rulers(c, &p);
    qn_plot_frame(c, &p);
    const qn_box inside = {p.area.x - 3, p.area.y - 3, p.area.width + 6,
                           p.area.height + 6}; /* dots at the edge stay whole */
    qn_draw_clip(c, &inside);
    put_mark(c, &p, chart);
    for (size_t i = 0; i < chart->n_series; i++)
        put_band(c, &p, &chart->series[i]);
    for (size_t i = 0; i < chart->n_series; i++)
        put_series(c, &p, &chart->series[i]);
    put_mark_name(c, &p, chart);
    qn_draw_clip(c, NULL);
}

/* Dashed along the diagonal: what guessing reaches. */
void qn_chart_roc(qn_canvas *c, const qn_box *where, const void *data)
{
    const qn_roc_chart *chart = data;
    static const double ends[] = {0, 1};
    const qn_ruler x = {.label = "false positive rate", .is_fixed = true, .hi = 1};
    const qn_ruler y = {.label = "true positive rate", .is_fixed = true, .hi = 1};
    const qn_series chance = {
        .x = ends, .y = ends, .n = 2, .is_dashed = true, .colour = 6};
    qn_plot p;
    qn_scale_begin(&p.x, &x);
    qn_scale_begin(&p.y, &y);
    qn_plot_begin(c, &p, where, chart->title);
    put_legend(c, &p, chart->curves, chart->n_curves);
    qn_plot_layout(c, &p);
    qn_plot_rulers(c, &p);
    qn_plot_frame(c, &p);
    put_line(c, &p, &chance);
    for (size_t i = 0; i < chart->n_curves; i++)
        put_line(c, &p, &chart->curves[i]);
}
