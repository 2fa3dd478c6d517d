/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_report.h - what a training came to, for people: pictures, one page of
 * HTML and a model card, from a plain struct. */
#ifndef QN_TOOLS_TRAIN_REPORT_H
#define QN_TOOLS_TRAIN_REPORT_H

#include "engine/metrics.h"
#include "formats/image.h"
#include "tools/chart.h"

typedef struct qn_fact {
    const char *key, *value;
} qn_fact;

/* A table of facts: settings, data, environment, hashes. */
typedef struct qn_facts {
    const char *title;
    const qn_fact *rows;
    size_t n;
} qn_facts;

/* An epoch; NaN: not measured. */
typedef struct qn_epoch_row {
    double epoch, rate, train_loss, train_acc, val_loss, val_acc, images_per_s;
    double seconds; /* since the start */
} qn_epoch_row;

/* A wrong answer; the picture lives as long as the report. */
typedef struct qn_mistake {
    const qn_image *image; /* 1 or 3 channels; NULL: it could not be read */
    const char *path;
    int label, predicted;
    double confidence; /* in what was predicted */
} qn_mistake;

typedef struct qn_train_report {
    const char *title;   /* "fast16 on fashion-mnist" */
    const char *summary; /* a sentence, or NULL */
    const qn_epoch_row *history;
    size_t n_history;
    double best_epoch; /* whose weights were kept; NaN: not known */
    const char *split; /* that the metrics are of: "test" */
    const qn_metrics *metrics;
    const char *const *classes; /* metrics->n_classes names */
    double temperature;         /* NaN: none was fitted */
    double tempered_ece;        /* of the same items with it; NaN: not known */
    const qn_mistake *mistakes; /* the worst first */
    size_t n_mistakes;
    const qn_facts *facts;
    size_t n_facts;
} qn_train_report;

/* Writes curves, confusion, reliability and mistakes (a contact sheet) as .png and
 * .svg, report.html and MODEL_CARD.md into the folder, which is made if need be; each
 * file whole or not at all. Without the drawing plug-in the page has no charts, and
 * no_pictures (may be NULL) says why in a sentence; else its status is QUERN_OK. */
quern_status qn_train_report_write(const qn_train_report *r, const char *folder,
                                   qn_mem *mem, quern_error *no_pictures,
                                   quern_error *err);

/* ---- parts ---- */

/* 0.934 as "93.40 %", a loss as "0.2130", NaN as "-". */
#define QN_FIGURE_TEXT 32
const char *qn_figure_text(qn_figure figure, double value, char text[QN_FIGURE_TEXT]);
/* "93.10 % to 93.70 %", or "" without an interval. */
#define QN_INTERVAL_TEXT (2 * QN_FIGURE_TEXT + 8)
const char *qn_interval_text(const qn_metrics *m, qn_figure figure,
                             char text[QN_INTERVAL_TEXT]);

typedef enum qn_report_chart {
    QN_CHART_CURVES,
    QN_CHART_CONFUSION,
    QN_CHART_RELIABILITY,
    QN_CHART_MISTAKES,
    QN_N_CHARTS
} qn_report_chart;
const char *qn_report_chart_name(qn_report_chart which); /* "curves" */
/* Whether the report has data for it. */
bool qn_report_chart_is_there(const qn_train_report *r, qn_report_chart which);
/* The chart, with data from the arena that refers to the report. */
quern_status qn_report_chart_make(const qn_train_report *r, qn_report_chart which,
                                  qn_arena *arena, qn_chart *out, quern_error *err);

/* What the report says in tables, as text: the same in every kind of file. */
typedef enum qn_report_part {
    QN_PART_HISTORY,
    QN_PART_FIGURES,
    QN_PART_CONFUSED,
    QN_PART_CLASSES,
    QN_PART_MISTAKES,
    QN_N_PARTS
} qn_report_part;

typedef struct qn_text_table {
    const char *align; /* a letter per column, l or r */
    const char *const *headings;
    size_t n_columns, n_rows;
    const char **cells; /* [n_rows][n_columns] */
} qn_text_table;

/* Empty where the report has no data. */
quern_status qn_report_table(const qn_train_report *r, qn_report_part part,
                             qn_arena *arena, qn_text_table *out, quern_error *err);
quern_status qn_facts_table(const qn_facts *facts, qn_arena *arena, qn_text_table *out,
                            quern_error *err);
/* Whether the confidences can be believed, in a sentence or two. */
#define QN_SENTENCE 512
const char *qn_calibration_text(const qn_train_report *r, char text[QN_SENTENCE]);

/* Each appends a file's bytes.  why_no_charts: NULL, or the sentence to say instead. */
quern_status qn_report_html(const qn_train_report *r, const char *why_no_charts,
                            qn_arena *arena, qn_buf *out, quern_error *err);
quern_status qn_report_card(const qn_train_report *r, qn_arena *arena, qn_buf *out,
                            quern_error *err);
/* A few pages of A4; needs the drawing plug-in. */
quern_status qn_report_pdf(const qn_train_report *r, qn_arena *arena, qn_buf *out,
                           quern_error *err);

#endif
