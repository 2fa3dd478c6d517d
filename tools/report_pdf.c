/* SPDX-License-Identifier: Apache-2.0 */
/* tools/report_pdf.c - a training's report as a few pages of A4. */
#include "tools/flow.h"
#include "tools/train_report.h"

#include <inttypes.h>
#include <stdio.h>

/* All that is drawn, made before the drawing begins: that cannot fail. */
typedef struct document {
    const qn_train_report *r;
    qn_chart chart[QN_N_CHARTS];
    qn_text_table part[QN_N_PARTS];
    qn_text_table *facts;
    char footer[256];
    bool has_pictures; /* of mistakes */
} document;

static void put_table(qn_flow *f, const qn_text_table *t)
{
    qn_flow_table(f, t->align, t->headings, (const char *const *)t->cells, t->n_rows);
}

static void put_chart(qn_flow *f, const document *d, qn_report_chart which)
{
    if (qn_report_chart_is_there(d->r, which)) qn_flow_chart(f, &d->chart[which]);
}

/* The sheet has as many columns as the page is wide. */
static void put_mistakes(qn_flow *f, const document *d)
{
    if (d->r->n_mistakes == 0) return;
    qn_chart sheet = d->chart[QN_CHART_MISTAKES];
    sheet.width = QN_FLOW_WIDTH;
    sheet.height = qn_tile_chart_height(sheet.data, QN_FLOW_WIDTH);
    qn_flow_section(f, "Worst mistakes", d->has_pictures ? sheet.height : 0);
    if (d->has_pictures)
        qn_flow_chart(f, &sheet);
    else
        put_table(f, &d->part[QN_PART_MISTAKES]);
}

static void put_results(qn_flow *f, const document *d)
{
    const qn_metrics *m = d->r->metrics;
    char text[QN_SENTENCE];
    snprintf(text, sizeof text, "%" PRId64 " items of the %s split, %d classes.", m->n,
             d->r->split, m->n_classes);
    qn_flow_section(f, "Figures", 0);
    qn_flow_text(f, text);
    put_table(f, &d->part[QN_PART_FIGURES]);
    qn_flow_section(f, "Confusion", d->chart[QN_CHART_CONFUSION].height);
    put_chart(f, d, QN_CHART_CONFUSION);
    put_table(f, &d->part[QN_PART_CONFUSED]);
    qn_flow_section(f, "By class", 0);
    put_table(f, &d->part[QN_PART_CLASSES]);
    qn_flow_section(f, "Calibration", d->chart[QN_CHART_RELIABILITY].height);
    qn_flow_text(f, qn_calibration_text(d->r, text));
    put_chart(f, d, QN_CHART_RELIABILITY);
    put_mistakes(f, d);
}

static void draw(qn_canvas *c, const void *what)
{
    const document *d = what;
    qn_flow f;
    qn_flow_begin(&f, c, d->footer);
    qn_flow_title(&f, d->r->title, d->r->summary);
    if (d->r->n_history > 0) {
        qn_flow_section(&f, "Training", 0);
        put_chart(&f, d, QN_CHART_CURVES);
        put_table(&f, &d->part[QN_PART_HISTORY]);
    }
    if (d->r->metrics) put_results(&f, d);
    for (size_t i = 0; i < d->r->n_facts; i++) {
        qn_flow_section(&f, d->r->facts[i].title, 0);
        put_table(&f, &d->facts[i]);
    }
    qn_flow_end(&f);
}

static quern_status prepare(document *d, qn_arena *arena, quern_error *err)
{
    const qn_train_report *r = d->r;
    void *facts;
    for (int i = 0; i < QN_N_CHARTS; i++)
        if (qn_report_chart_is_there(r, (qn_report_chart)i))
            QN_TRY(
                qn_report_chart_make(r, (qn_report_chart)i, arena, &d->chart[i], err));
    for (int i = 0; i < QN_N_PARTS; i++)
        QN_TRY(qn_report_table(r, (qn_report_part)i, arena, &d->part[i], err));
    QN_TRY(qn_arena_array(arena, r->n_facts, sizeof *d->facts, &facts, err));
    d->facts = facts;
    for (size_t i = 0; i < r->n_facts; i++)
        QN_TRY(qn_facts_table(&r->facts[i], arena, &d->facts[i], err));
    for (size_t i = 0; i < r->n_mistakes; i++)
        d->has_pictures |= r->mistakes[i].image != NULL;
    snprintf(d->footer, sizeof d->footer, "%.200s - not a medical device", r->title);
    return QUERN_OK;
}

quern_status qn_report_pdf(const qn_train_report *r, qn_arena *arena, qn_buf *out,
                           quern_error *err)
{
    document d = {.r = r};
    const qn_drawing drawing = {QN_A4_WIDTH, QN_A4_HEIGHT, r->title, draw, &d};
    QN_TRY(prepare(&d, arena, err));
    return qn_draw_bytes(out, QN_DRAW_PDF, &drawing, err);
}
