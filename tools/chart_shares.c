/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_shares.c - how values are spread: reliability of confidences (Guo et al.
 * 2017) and histograms. */
#include "tools/chart_plot.h"

#include <stdio.h>

/* ---- reliability ---- */

/* A bar up to the accuracy or the confidence, whichever is less; the gap between the
 * two on top; a line where the accuracy is. */
static void put_bin(qn_canvas *c, const qn_plot *p, const qn_reliability_chart *r,
                    size_t i)
{
    const double n = (double)r->n_bins;
    const double x0 = qn_scale_at(&p->x, (double)i / n) + 0.6;
    const double x1 = qn_scale_at(&p->x, (double)(i + 1) / n) - 0.6;
    const double zero = qn_scale_at(&p->y, 0), top = qn_scale_at(&p->y, r->accuracy[i]);
    const double want = qn_scale_at(&p->y, r->confidence[i]);
    if (r->counts[i] <= 0 || !isfinite(top + want)) return;
    const qn_box bar = {x0, fmax(top, want), x1 - x0, zero - fmax(top, want)};
    const qn_box gap = {x0, fmin(top, want), x1 - x0, fabs(top - want)};
    const qn_colour right = qn_palette(0), wrong = qn_palette(1);
    qn_draw_box(c, &bar, &(qn_pen){qn_mixed(QN_WHITE, right, 0.8), 0, 0, 0});
    qn_draw_box(c, &gap, &(qn_pen){qn_mixed(QN_WHITE, wrong, 0.4), wrong, 0.7, 0});
    qn_draw_line(c, x0, top, x1, top, &(qn_pen){0, right, 2.4, 0});
}

/* How many fell into each bin, as a strip below. */
static void put_counts(qn_canvas *c, const qn_plot *p, const qn_reliability_chart *r,
                       const qn_box *strip)
{
    int64_t most = 1;
    for (size_t i = 0; i < r->n_bins; i++)
        most = r->counts[i] > most ? r->counts[i] : most;
    for (size_t i = 0; i < r->n_bins; i++) {
        const double x0 = qn_scale_at(&p->x, (double)i / (double)r->n_bins) + 0.6;
        const double x1 = qn_scale_at(&p->x, (double)(i + 1) / (double)r->n_bins) - 0.6;
        const double h = (strip->height - 4) * (double)r->counts[i] / (double)most;
        const qn_box bar = {x0, strip->y + strip->height - h, x1 - x0, h};
        if (r->counts[i] > 0) qn_draw_box(c, &bar, &(qn_pen){QN_FRAME_INK, 0, 0, 0});
    }
    qn_draw_box(c, strip, &(qn_pen){0, QN_FRAME_INK, 0.8, 0});
    const qn_label name = {.text = "share",
                           .x = p->all.x,
                           .y = strip->y + strip->height / 2,
                           .h = 0.5,
                           .v = 1,
                           .size = QN_TICK_SIZE,
                           .turn = -90,
                           .colour = QN_SOFT_INK};
    qn_draw_text(c, &name);
}

/* At the right of the title. */
static void put_error(qn_canvas *c, const qn_plot *p, double ece)
{
    char text[32];
    if (!isfinite(ece)) return;
    snprintf(text, sizeof text, "ECE %.2f %%", 100 * ece);
    const qn_label label = {.text = text,
                            .x = p->all.x + p->all.width,
                            .y = p->all.y + 1,
                            .h = 1,
                            .v = 1,
                            .size = QN_NAME_SIZE,
                            .colour = QN_SOFT_INK};
    qn_draw_text(c, &label);
}

void qn_chart_reliability(qn_canvas *c, const qn_box *where, const void *data)
{
    const qn_reliability_chart *chart = data;
    const qn_ruler x = {.label = "confidence", .is_fixed = true, .hi = 1};
    const qn_ruler y = {.label = "accuracy", .is_fixed = true, .hi = 1};
    const qn_key keys[] = {{"accuracy", 0, false, false, true},
                           {"gap to confidence", 1, false, false, true},
                           {"perfect", 6, true, false, false}};
    const double strip = 34;
    qn_plot p;
    qn_scale_begin(&p.x, &x);
    qn_scale_begin(&p.y, &y);
    qn_plot_begin(c, &p, where, chart->title);
    qn_plot_legend(c, &p, keys, 3);
    p.area.height -= strip + 6;
    qn_plot_layout(c, &p);
    qn_plot_rulers(c, &p);
    for (size_t i = 0; i < chart->n_bins; i++)
        put_bin(c, &p, chart, i);
    qn_draw_line(c, p.x.from, p.y.from, p.x.to, p.y.to, &(qn_pen){0, QN_INK, 1, 4});
    put_error(c, &p, chart->ece);
    qn_plot_frame(c, &p);
    put_counts(
        c, &p, chart,
        &(qn_box){p.area.x, p.all.y + p.all.height - strip, p.area.width, strip});
}

/* ---- histogram ---- */

#define MOST_BINS 60

static int choose_bins(const qn_histogram_chart *h, size_t n_finite)
{
    const int n =
        h->n_bins > 0 ? h->n_bins : (int)fmin(MOST_BINS, sqrt((double)n_finite));
    return n < 1 ? 1 : n > MOST_BINS ? MOST_BINS : n;
}

void qn_chart_histogram(qn_canvas *c, const qn_box *where, const void *data)
{
    const qn_histogram_chart *h = data;
    const qn_ruler counts = {.label = h->y_label ? h->y_label : "count",
                             .is_whole = true};
    double bins[MOST_BINS] = {0};
    size_t n_finite = 0;
    qn_plot p;
    qn_scale_begin(&p.x, &h->x);
    qn_scale_begin(&p.y, &counts);
    for (size_t i = 0; i < h->n; i++) {
        qn_scale_cover(&p.x, h->values[i]);
        n_finite += isfinite(h->values[i]);
    }
    const int n = choose_bins(h, n_finite);
    qn_scale_ticks(&p.x, where->width, where->width / n, true);
    for (size_t i = 0; i < h->n; i++) {
        const double part = (h->values[i] - p.x.lo) / (p.x.hi - p.x.lo);
        if (part >= 0 && part <= 1) bins[(int)fmin(n - 1, part * n)]++;
    }
    qn_scale_cover(&p.y, 0);
    for (int i = 0; i < n; i++)
        qn_scale_cover(&p.y, bins[i]);
    qn_plot_begin(c, &p, where, h->title);
    qn_plot_layout(c, &p);
    qn_plot_rulers(c, &p);
    const double step = p.area.width / n;
    for (int i = 0; i < n; i++) {
        const double top = qn_scale_at(&p.y, bins[i]);
        const qn_box bar = {p.area.x + i * step + 0.4, top, step - 0.8, p.y.from - top};
        qn_draw_box(c, &bar, &(qn_pen){qn_faded(qn_palette(0), 220), 0, 0, 0});
    }
    qn_plot_frame(c, &p);
}
