/* SPDX-License-Identifier: Apache-2.0 */
/* tools/report_html.c - a training's report as one page. */
#include "tools/html.h"
#include "tools/train_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
    snprintf(note, sizeof note, "95 %%: %s", interval);
    qn_html_tile(&p->h, qn_figure_at(figure)->title,
                 qn_figure_text(figure, m->figure[figure], value),
                 *interval ? note : NULL);
}

static void put_tiles(page *p)
{
    static const qn_figure first[] = {QN_FIGURE_TOP1, QN_FIGURE_MACRO_F1,
                                      QN_FIGURE_LOSS, QN_FIGURE_ECE};
    char text[32];
    const size_t n = p->r->n_history;
    const double seconds = n ? p->r->history[n - 1].seconds : 0;
    qn_html_tiles_begin(&p->h);
    for (int i = 0; i < 4; i++)
        put_tile(p, first[i]);
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

static void put_rows(page *p, const char *caption, const qn_text_table *table)
{
    if (table->n_rows == 0) return;
    qn_html_table_begin(&p->h, caption, table->align, table->headings);
    for (size_t i = 0; i < table->n_rows * table->n_columns; i++)
        qn_html_cell(&p->h, "%s", table->cells[i]);
    qn_html_table_end(&p->h);
}

static quern_status put_table(page *p, qn_report_part part, const char *caption,
                              quern_error *err)
{
    qn_text_table table;
    QN_TRY(qn_report_table(p->r, part, p->arena, &table, err));
    put_rows(p, caption, &table);
    return QUERN_OK;
}

static quern_status put_training(page *p, quern_error *err)
{
    if (p->r->n_history == 0) return QUERN_OK;
    qn_html_section(&p->h, "Training");
    qn_html_figures_begin(&p->h);
    QN_TRY(put_chart(p, QN_CHART_CURVES, NULL, err));
    qn_html_figures_end(&p->h);
    return put_table(p, QN_PART_HISTORY, "Every epoch", err);
}

/* ---- figures ---- */

static quern_status put_figures(page *p, quern_error *err)
{
    const qn_metrics *m = p->r->metrics;
    qn_html_section(&p->h, "Figures");
    qn_html_text(&p->h, "%" PRId64 " items of the %s split, %d classes.", m->n,
                 p->r->split, m->n_classes);
    return put_table(p, QN_PART_FIGURES, NULL, err);
}

static quern_status put_confusion(page *p, quern_error *err)
{
    qn_html_section(&p->h, "Confusion");
    qn_html_figures_begin(&p->h);
    QN_TRY(put_chart(p, QN_CHART_CONFUSION, NULL, err));
    qn_html_figures_end(&p->h);
    QN_TRY(put_table(p, QN_PART_CONFUSED, "Confused most often", err));
    qn_html_section(&p->h, "By class");
    return put_table(p, QN_PART_CLASSES, NULL, err);
}

static quern_status put_calibration(page *p, quern_error *err)
{
    char text[QN_SENTENCE];
    qn_html_section(&p->h, "Calibration");
    qn_html_text(&p->h, "%s", qn_calibration_text(p->r, text));
    qn_html_figures_begin(&p->h);
    QN_TRY(put_chart(p, QN_CHART_RELIABILITY, NULL, err));
    qn_html_figures_end(&p->h);
    return QUERN_OK;
}

/* ---- the rest ---- */

/* Those whose picture is at hand, side by side; where none is, all as a table. */
static quern_status put_mistakes(page *p, quern_error *err)
{
    const qn_train_report *r = p->r;
    size_t n_shown = 0;
    if (r->n_mistakes == 0) return QUERN_OK;
    qn_html_section(&p->h, "Worst mistakes");
    qn_html_text(&p->h, "Wrong answers, the most confident first.");
    qn_html_figures_begin(&p->h);
    for (size_t i = 0; i < r->n_mistakes; i++) {
        const qn_mistake *k = &r->mistakes[i];
        char caption[512];
        if (!k->image) continue;
        snprintf(caption, sizeof caption, "%s, called %s (%.1f %%) - %s",
                 r->classes[k->label], r->classes[k->predicted], 100 * k->confidence,
                 k->path ? k->path : "");
        qn_html_picture(&p->h, k->image->width, k->image->height, k->image->channels,
                        k->image->pixels, caption);
        n_shown++;
    }
    qn_html_figures_end(&p->h);
    return n_shown ? QUERN_OK : put_table(p, QN_PART_MISTAKES, NULL, err);
}

static quern_status put_facts(page *p, const qn_facts *facts, quern_error *err)
{
    qn_text_table table;
    QN_TRY(qn_facts_table(facts, p->arena, &table, err));
    qn_html_section(&p->h, facts->title);
    put_rows(p, NULL, &table);
    return QUERN_OK;
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
        QN_TRY(put_figures(&p, err));
        QN_TRY(put_confusion(&p, err));
        QN_TRY(put_calibration(&p, err));
        QN_TRY(put_mistakes(&p, err));
    }
    for (size_t i = 0; i < r->n_facts; i++)
        QN_TRY(put_facts(&p, &r->facts[i], err));
    qn_html_end(&p.h);
    return qn_buf_status(out, err);
}
