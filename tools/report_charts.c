/* SPDX-License-Identifier: Apache-2.0 */
/* tools/report_charts.c - the charts of a training's report. */
#include "tools/train_report.h"

#include <stdio.h>
#include <string.h>

const char *qn_report_chart_name(qn_report_chart which)
{
    static const char *const names[] = {"curves", "confusion", "reliability",
                                        "mistakes"};
    return names[which];
}

bool qn_report_chart_is_there(const qn_train_report *r, qn_report_chart which)
{
    if (which == QN_CHART_CURVES) return r->n_history > 0;
    if (which == QN_CHART_MISTAKES) return r->metrics && r->n_mistakes > 0;
    return r->metrics != NULL;
}

/* ---- curves ---- */

#define PANEL_WIDTH  360.0
#define PANEL_HEIGHT 250.0
#define SMALL_HEIGHT 170.0

/* Columns of the history, each an array. */
typedef struct curves {
    size_t n;
    double *epoch, *rate, *train_loss, *train_acc, *val_loss, *val_acc, *images_per_s;
    double best;
    char best_name[32];
} curves;

static quern_status fill(const qn_train_report *r, qn_arena *arena, curves *k,
                         quern_error *err)
{
    double **const columns[] = {&k->epoch,       &k->rate,     &k->train_loss,
                                &k->train_acc,   &k->val_loss, &k->val_acc,
                                &k->images_per_s};
    const size_t n_columns = sizeof columns / sizeof columns[0];
    for (size_t i = 0; i < n_columns; i++) {
        void *p;
        QN_TRY(qn_arena_array(arena, r->n_history, sizeof(double), &p, err));
        *columns[i] = p;
    }
    for (size_t i = 0; i < r->n_history; i++) {
        const qn_epoch_row *row = &r->history[i];
        const double values[] = {row->epoch,       row->rate,     row->train_loss,
                                 row->train_acc,   row->val_loss, row->val_acc,
                                 row->images_per_s};
        for (size_t j = 0; j < n_columns; j++)
            (*columns[j])[i] = values[j];
    }
    k->n = r->n_history;
    k->best = r->best_epoch;
    snprintf(k->best_name, sizeof k->best_name, "kept: epoch %.0f", r->best_epoch);
    return QUERN_OK;
}

static qn_line_chart panel(const curves *k, const char *title, const qn_series *series,
                           size_t n)
{
    return (qn_line_chart){.title = title,
                           .x = {.label = "epoch", .is_whole = true},
                           .series = series,
                           .n_series = n,
                           .mark = k->best,
                           .mark_name = k->best_name};
}

static void draw_panel(qn_canvas *c, const qn_box *where, int column, int row,
                       const qn_line_chart *chart)
{
    const double width = where->width / 2;
    const double top = where->height * PANEL_HEIGHT / (PANEL_HEIGHT + SMALL_HEIGHT);
    const qn_box box = {where->x + column * width, where->y + (row ? top : 0), width,
                        row ? where->height - top : top};
    qn_chart_lines(c, &box, chart);
}

static void draw_curves(qn_canvas *c, const qn_box *where, const void *data)
{
    const curves *k = data;
    const qn_series loss[] = {
        {.name = "training", .x = k->epoch, .y = k->train_loss, .n = k->n},
        {.name = "validation",
         .x = k->epoch,
         .y = k->val_loss,
         .n = k->n,
         .colour = 1}};
    const qn_series accuracy[] = {
        {.name = "training", .x = k->epoch, .y = k->train_acc, .n = k->n},
        {.name = "validation", .x = k->epoch, .y = k->val_acc, .n = k->n, .colour = 1}};
    const qn_series rate = {.x = k->epoch, .y = k->rate, .n = k->n, .colour = 2};
    const qn_series speed = {
        .x = k->epoch, .y = k->images_per_s, .n = k->n, .colour = 2};
    qn_line_chart chart = panel(k, "Loss", loss, 2);
    draw_panel(c, where, 0, 0, &chart);
    chart = panel(k, "Accuracy", accuracy, 2);
    chart.y.is_percent = true;
    draw_panel(c, where, 1, 0, &chart);
    chart = panel(k, "Learning rate", &rate, 1);
    chart.mark_name = NULL;
    draw_panel(c, where, 0, 1, &chart);
    chart = panel(k, "Images a second", &speed, 1);
    chart.mark_name = NULL;
    draw_panel(c, where, 1, 1, &chart);
}

static quern_status make_curves(const qn_train_report *r, qn_arena *arena,
                                qn_chart *out, quern_error *err)
{
    void *k;
    QN_TRY(qn_arena_alloc(arena, sizeof(curves), &k, err));
    QN_TRY(fill(r, arena, k, err));
    *out = (qn_chart){draw_curves, k, 2 * PANEL_WIDTH, PANEL_HEIGHT + SMALL_HEIGHT,
                      "Loss, accuracy, learning rate and speed by epoch"};
    return QUERN_OK;
}

/* ---- confusion and reliability ---- */

static quern_status make_matrix(const qn_train_report *r, qn_arena *arena,
                                qn_chart *out, quern_error *err)
{
    void *p;
    const char *title;
    char text[64];
    const int n = snprintf(text, sizeof text, "Confusion matrix, %s split", r->split);
    QN_TRY(qn_arena_text(arena, text, (size_t)n < sizeof text ? (size_t)n : 0, &title,
                         err));
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_matrix_chart), &p, err));
    qn_matrix_chart *chart = p;
    *chart = (qn_matrix_chart){title, r->classes, r->metrics->confusion,
                               (size_t)r->metrics->n_classes};
    const qn_box size = qn_matrix_chart_size(chart);
    *out = (qn_chart){qn_chart_matrix, chart, size.width, size.height,
                      "Confusion matrix: truth by row, prediction by column"};
    return QUERN_OK;
}

static quern_status make_reliability(const qn_train_report *r, qn_arena *arena,
                                     qn_chart *out, quern_error *err)
{
    struct bins {
        qn_reliability_chart chart;
        double confidence[QN_BINS], accuracy[QN_BINS];
        int64_t counts[QN_BINS];
    } * b;
    void *p;
    QN_TRY(qn_arena_alloc(arena, sizeof *b, &p, err));
    b = p;
    for (int i = 0; i < QN_BINS; i++) {
        b->confidence[i] = r->metrics->width[i].confidence;
        b->accuracy[i] = r->metrics->width[i].accuracy;
        b->counts[i] = r->metrics->width[i].n;
    }
    b->chart = (qn_reliability_chart){"Reliability", b->confidence,
                                      b->accuracy,   b->counts,
                                      QN_BINS,       r->metrics->figure[QN_FIGURE_ECE]};
    *out =
        (qn_chart){qn_chart_reliability, &b->chart, 330, 390, "Accuracy by confidence"};
    return QUERN_OK;
}

/* ---- mistakes ---- */

#define MOST_TILES 24 /* fit on a page of A4 */

/* Where a picture came from: the end of its path, which tells it from others. */
static quern_status put_tail(const char *path, qn_arena *arena, const char **out,
                             quern_error *err)
{
    enum { SHOWN = 17 };
    char text[SHOWN + 4];
    const size_t n = path ? strlen(path) : 0;
    *out = path;
    if (n <= SHOWN) return QUERN_OK;
    const char *tail = path + n - SHOWN;
    while (((unsigned char)*tail & 0xC0) == 0x80) /* to where a character begins */
        tail++;
    const int k = snprintf(text, sizeof text, "\xe2\x80\xa6%s", tail);
    return qn_arena_text(arena, text, (size_t)k, out, err);
}

static quern_status fill_tile(const qn_train_report *r, const qn_mistake *mistake,
                              qn_arena *arena, qn_tile *tile, quern_error *err)
{
    char text[256];
    int n = snprintf(text, sizeof text, "%.0f%% %s", 100 * mistake->confidence,
                     r->classes[mistake->predicted]);
    if (n >= (int)sizeof text) n = (int)sizeof text - 1;
    QN_TRY(qn_arena_text(arena, text, (size_t)n, &tile->line[0], err));
    n = snprintf(text, sizeof text, "is %s", r->classes[mistake->label]);
    if (n >= (int)sizeof text) n = (int)sizeof text - 1;
    QN_TRY(qn_arena_text(arena, text, (size_t)n, &tile->line[1], err));
    tile->image = mistake->image;
    return put_tail(mistake->path, arena, &tile->line[2], err);
}

static quern_status make_mistakes(const qn_train_report *r, qn_arena *arena,
                                  qn_chart *out, quern_error *err)
{
    void *p, *tiles;
    const size_t n = r->n_mistakes < MOST_TILES ? r->n_mistakes : MOST_TILES;
    QN_TRY(qn_arena_array(arena, n, sizeof(qn_tile), &tiles, err));
    for (size_t i = 0; i < n; i++)
        QN_TRY(fill_tile(r, &r->mistakes[i], arena, (qn_tile *)tiles + i, err));
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_tile_chart), &p, err));
    qn_tile_chart *chart = p;
    *chart = (qn_tile_chart){"Worst mistakes, the most confident first", tiles, n};
    *out = (qn_chart){qn_chart_tiles, chart, 2 * PANEL_WIDTH,
                      qn_tile_chart_height(chart, 2 * PANEL_WIDTH),
                      "Pictures that were answered wrongly"};
    return QUERN_OK;
}

quern_status qn_report_chart_make(const qn_train_report *r, qn_report_chart which,
                                  qn_arena *arena, qn_chart *out, quern_error *err)
{
    switch (which) {
    case QN_CHART_CURVES:
        return make_curves(r, arena, out, err);
    case QN_CHART_CONFUSION:
        return make_matrix(r, arena, out, err);
    case QN_CHART_MISTAKES:
        return make_mistakes(r, arena, out, err);
    default:
        return make_reliability(r, arena, out, err);
    }
}
