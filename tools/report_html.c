/* SPDX-License-Identifier: Apache-2.0 */
/* tools/report_html.c - a training's report as one page. */
#include "tools/html.h"
#include "tools/train_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MOST_CONFUSED 12

typedef struct page {
    const qn_train_report *r;
    qn_html h;
    qn_arena *arena;
    const char *why_no_charts;
} page;

static void put_tile(page *p, qn_figure figure)
{
    const qn_metrics *m = p->r->metrics;
    char value[QN_FIGURE_TEXT], interval[QN_INTERVAL_TEXT], note[QN_INTERVAL_TEXT + 8];
    qn_interval_text(m, figure, interval);
    snprintf(note, sizeof note, "95 %% %s", interval);
    qn_html_tile(&p->h, qn_figure_at(figure)->title,
                 qn_figure_text(figure, m->figure[figure], value),
                 *interval ? note : NULL);
}

static void put_tiles(page *p)
{
    static const qn_figure first[] = {QN_FIGURE_TOP1, QN_FIGURE_MACRO_F1,
                                      QN_FIGURE_LOSS, QN_FIGURE_ECE};
    char text[32];
    double seconds = 0;
    qn_html_tiles_begin(&p->h);
    for (int i = 0; i < 4; i++)
        put_tile(p, first[i]);
    for (size_t i = 0; i < p->r->n_history; i++)
        seconds += isfinite(p->r->history[i].seconds) ? p->r->history[i].seconds : 0;
    snprintf(text, sizeof text, seconds < 120 ? "%.0f s" : "%.1f min",
             seconds < 120 ? seconds : seconds / 60);
    if (seconds > 0) qn_html_tile(&p->h, "training", text, NULL);
    qn_html_tiles_end(&p->h);
}

/* ---- charts ---- */

static quern_status put_chart(page *p, qn_report_chart which, const char *caption,
                              quern_error *err)
{
    qn_buf svg;
    qn_chart chart;
    if (p->why_no_charts) return QUERN_OK;
    QN_TRY(qn_report_chart_make(p->r, which, p->arena, &chart, err));
    qn_buf_init(&svg, p->h.out->mem);
    const quern_status status = qn_chart_svg(&svg, &chart, err);
    if (status == QUERN_OK) qn_html_svg(&p->h, svg.p, svg.n, caption);
    qn_buf_done(&svg);
    return status;
}

/* A number of the history; nothing where it was not measured. */
static void put_number(page *p, double value, int decimals, const char *unit)
{
    if (isfinite(value))
        qn_html_cell(&p->h, "%.*f%s", decimals, value, unit);
    else
        qn_html_cell(&p->h, "%s", "");
}

static void put_history(page *p)
{
    static const char *const headings[] = {
        "epoch",           "training loss", "training acc.", "validation loss",
        "validation acc.", "rate",          "images/s",      "seconds"};
    qn_html_table_begin(&p->h, "Every epoch", "lrrrrrrr", headings);
    for (size_t i = 0; i < p->r->n_history; i++) {
        const qn_epoch_row *row = &p->r->history[i];
        put_number(p, row->epoch, 0, "");
        put_number(p, row->train_loss, 4, "");
        put_number(p, 100 * row->train_acc, 2, " %");
        put_number(p, row->val_loss, 4, "");
        put_number(p, 100 * row->val_acc, 2, " %");
        put_number(p, row->rate, 6, "");
        put_number(p, row->images_per_s, 0, "");
        put_number(p, row->seconds, 1, "");
    }
    qn_html_table_end(&p->h);
}

static quern_status put_training(page *p, quern_error *err)
{
    if (p->r->n_history == 0) return QUERN_OK;
    qn_html_section(&p->h, "Training");
    qn_html_figures_begin(&p->h);
    QN_TRY(put_chart(p, QN_CHART_CURVES, NULL, err));
    qn_html_figures_end(&p->h);
    put_history(p);
    return QUERN_OK;
}

/* ---- figures ---- */

static void put_figures(page *p)
{
    static const char *const headings[] = {"figure", "value", "95 % interval"};
    const qn_metrics *m = p->r->metrics;
    char value[QN_FIGURE_TEXT], interval[QN_INTERVAL_TEXT];
    qn_html_section(&p->h, "Figures");
    qn_html_text(&p->h, "%" PRId64 " items of the %s split, %d classes.", m->n,
                 p->r->split, m->n_classes);
    qn_html_table_begin(&p->h, NULL, "lrr", headings);
    for (int i = 0; i < QN_N_FIGURES; i++) {
        const qn_figure figure = (qn_figure)i;
        if (!isfinite(m->figure[i])) continue;
        qn_html_cell(&p->h, "%s", qn_figure_at(figure)->title);
        qn_html_cell(&p->h, "%s", qn_figure_text(figure, m->figure[i], value));
        qn_html_cell(&p->h, "%s", qn_interval_text(m, figure, interval));
    }
    qn_html_table_end(&p->h);
}

static void put_share(page *p, double value)
{
    char text[QN_FIGURE_TEXT];
    qn_html_cell(&p->h, "%s", qn_figure_text(QN_FIGURE_TOP1, value, text));
}

static void put_classes(page *p)
{
    static const char *const headings[] = {"class",  "items", "precision",
                                           "recall", "F1",    "ROC-AUC"};
    const qn_metrics *m = p->r->metrics;
    char text[QN_FIGURE_TEXT];
    qn_html_section(&p->h, "By class");
    qn_html_table_begin(&p->h, NULL, "lrrrrr", headings);
    for (int k = 0; k < m->n_classes; k++) {
        const qn_class_metrics *c = &m->classes[k];
        qn_html_cell(&p->h, "%s", p->r->classes[k]);
        qn_html_cell(&p->h, "%" PRId64, c->n);
        put_share(p, c->precision);
        put_share(p, c->recall);
        put_share(p, c->f1);
        qn_html_cell(&p->h, "%s", qn_figure_text(QN_FIGURE_ROC_AUC, c->roc_auc, text));
    }
    qn_html_table_end(&p->h);
}

static quern_status put_confusion(page *p, quern_error *err)
{
    static const char *const headings[] = {"truth", "predicted", "times",
                                           "of its truth"};
    const qn_metrics *m = p->r->metrics;
    qn_confused *cells;
    int64_t n;
    QN_TRY(qn_most_confused(m, MOST_CONFUSED, p->arena, &cells, &n, err));
    qn_html_section(&p->h, "Confusion");
    qn_html_figures_begin(&p->h);
    QN_TRY(put_chart(p, QN_CHART_CONFUSION, NULL, err));
    qn_html_figures_end(&p->h);
    if (n == 0) return QUERN_OK;
    qn_html_table_begin(&p->h, "Confused most often", "llrr", headings);
    for (int64_t i = 0; i < n; i++) {
        const double all = (double)m->classes[cells[i].label].n;
        qn_html_cell(&p->h, "%s", p->r->classes[cells[i].label]);
        qn_html_cell(&p->h, "%s", p->r->classes[cells[i].predicted]);
        qn_html_cell(&p->h, "%" PRId64, cells[i].n);
        put_share(p, (double)cells[i].n / all);
    }
    qn_html_table_end(&p->h);
    return QUERN_OK;
}

static quern_status put_calibration(page *p, quern_error *err)
{
    const double *figure = p->r->metrics->figure;
    qn_html_section(&p->h, "Calibration");
    qn_html_text(
        &p->h,
        "The mean confidence is %.2f %%, the accuracy %.2f %%; over %d bins of "
        "confidence the two differ by %.2f %% on average (ECE).",
        100 * figure[QN_FIGURE_CONFIDENCE], 100 * figure[QN_FIGURE_TOP1], QN_BINS,
        100 * figure[QN_FIGURE_ECE]);
    if (isfinite(p->r->temperature))
        qn_html_text(&p->h,
                     "Logits are divided by a temperature of %.3f, which was "
                     "fitted on the validation split.",
                     p->r->temperature);
    qn_html_figures_begin(&p->h);
    QN_TRY(put_chart(p, QN_CHART_RELIABILITY, NULL, err));
    qn_html_figures_end(&p->h);
    return QUERN_OK;
}

/* ---- the rest ---- */

static void put_mistakes(page *p)
{
    const qn_train_report *r = p->r;
    if (r->n_mistakes == 0) return;
    qn_html_section(&p->h, "Worst mistakes");
    qn_html_text(&p->h, "Wrong answers, the most confident first.");
    qn_html_figures_begin(&p->h);
    for (size_t i = 0; i < r->n_mistakes; i++) {
        const qn_mistake *k = &r->mistakes[i];
        char caption[512];
        snprintf(caption, sizeof caption, "%s, called %s (%.1f %%) - %s",
                 r->classes[k->label], r->classes[k->predicted], 100 * k->confidence,
                 k->path ? k->path : "");
        if (k->image)
            qn_html_picture(&p->h, k->image->width, k->image->height,
                            k->image->channels, k->image->pixels, caption);
        else
            qn_html_text(&p->h, "%s", caption);
    }
    qn_html_figures_end(&p->h);
}

static void put_facts(page *p, const qn_facts *facts)
{
    static const char *const headings[] = {"", ""};
    qn_html_section(&p->h, facts->title);
    qn_html_table_begin(&p->h, NULL, "ll", headings);
    for (size_t i = 0; i < facts->n; i++) {
        qn_html_cell(&p->h, "%s", facts->rows[i].key);
        qn_html_cell(&p->h, "%s", facts->rows[i].value ? facts->rows[i].value : "");
    }
    qn_html_table_end(&p->h);
}

quern_status qn_report_html(const qn_train_report *r, const char *why_no_charts,
                            qn_arena *arena, qn_buf *out, quern_error *err)
{
    page p = {.r = r, .arena = arena, .why_no_charts = why_no_charts};
    qn_html_begin(&p.h, out, r->title, r->summary);
    if (r->metrics) put_tiles(&p);
    if (why_no_charts) qn_html_text(&p.h, "There are no charts: %s.", why_no_charts);
    QN_TRY(put_training(&p, err));
    if (r->metrics) {
        put_figures(&p);
        QN_TRY(put_confusion(&p, err));
        put_classes(&p);
        QN_TRY(put_calibration(&p, err));
        put_mistakes(&p);
    }
    for (size_t i = 0; i < r->n_facts; i++)
        put_facts(&p, &r->facts[i]);
    qn_html_end(&p.h);
    return qn_buf_status(out, err);
}
