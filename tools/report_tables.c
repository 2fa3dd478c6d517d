/* SPDX-License-Identifier: Apache-2.0 */
/* tools/report_tables.c - what a training's report says in tables, once for all kinds
 * of files. */
#include "tools/train_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MOST_CONFUSED 12

/* A table that is filled cell by cell; the first failure is kept. */
typedef struct filling {
    qn_text_table *table;
    size_t n, room; /* cells */
    qn_arena *arena;
    quern_error *err;
    quern_status status;
} filling;

static filling begin(qn_text_table *table, const char *align,
                     const char *const *headings, size_t n_rows, qn_arena *arena,
                     quern_error *err)
{
    void *cells = NULL;
    const size_t n_columns = strlen(align);
    filling f = {table, 0, n_columns * n_rows, arena, err, QUERN_OK};
    f.status = qn_arena_array(arena, f.room, sizeof *table->cells, &cells, err);
    *table = (qn_text_table){align, headings, n_columns, 0, cells};
    return f;
}

static void add(filling *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(filling *f, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (f->status != QUERN_OK || f->n == f->room) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    f->status =
        qn_arena_text(f->arena, text, strlen(text), &f->table->cells[f->n], f->err);
    f->n++;
}

static quern_status end(filling *f)
{
    f->table->n_rows = f->n / f->table->n_columns;
    return f->status;
}

static void add_share(filling *f, double value)
{
    char text[QN_FIGURE_TEXT];
    add(f, "%s", qn_figure_text(QN_FIGURE_TOP1, value, text));
}

/* Nothing where it was not measured. */
static void add_number(filling *f, double value, int decimals)
{
    if (isfinite(value))
        add(f, "%.*f", decimals, value);
    else
        add(f, "%s", "");
}

static quern_status history(const qn_train_report *r, qn_arena *arena,
                            qn_text_table *out, quern_error *err)
{
    static const char *const headings[] = {
        "epoch",           "training loss", "training acc.", "validation loss",
        "validation acc.", "rate",          "images/s",      "seconds"};
    filling f = begin(out, "lrrrrrrr", headings, r->n_history, arena, err);
    for (size_t i = 0; i < r->n_history; i++) {
        const qn_epoch_row *row = &r->history[i];
        add_number(&f, row->epoch, 0);
        add_number(&f, row->train_loss, 4);
        add_share(&f, row->train_acc);
        add_number(&f, row->val_loss, 4);
        add_share(&f, row->val_acc);
        add_number(&f, row->rate, 6);
        add_number(&f, row->images_per_s, 0);
        add_number(&f, row->seconds, 1);
    }
    return end(&f);
}

static quern_status figures(const qn_train_report *r, qn_arena *arena,
                            qn_text_table *out, quern_error *err)
{
    static const char *const headings[] = {"figure", "value", "95 % interval"};
    const qn_metrics *m = r->metrics;
    char value[QN_FIGURE_TEXT], interval[QN_INTERVAL_TEXT];
    filling f = begin(out, "lrr", headings, QN_N_FIGURES, arena, err);
    for (int i = 0; i < QN_N_FIGURES; i++) {
        const qn_figure figure = (qn_figure)i;
        if (!isfinite(m->figure[i])) continue;
        add(&f, "%s", qn_figure_at(figure)->title);
        add(&f, "%s", qn_figure_text(figure, m->figure[i], value));
        add(&f, "%s", qn_interval_text(m, figure, interval));
    }
    return end(&f);
}

static quern_status confused(const qn_train_report *r, qn_arena *arena,
                             qn_text_table *out, quern_error *err)
{
    static const char *const headings[] = {"truth", "predicted", "times",
                                           "of its truth"};
    qn_confused *cells;
    int64_t n;
    QN_TRY(qn_most_confused(r->metrics, MOST_CONFUSED, arena, &cells, &n, err));
    filling f = begin(out, "llrr", headings, (size_t)n, arena, err);
    for (int64_t i = 0; i < n; i++) {
        add(&f, "%s", r->classes[cells[i].label]);
        add(&f, "%s", r->classes[cells[i].predicted]);
        add(&f, "%" PRId64, cells[i].n);
        add_share(&f,
                  (double)cells[i].n / (double)r->metrics->classes[cells[i].label].n);
    }
    return end(&f);
}

static quern_status by_class(const qn_train_report *r, qn_arena *arena,
                             qn_text_table *out, quern_error *err)
{
    static const char *const headings[] = {"class",  "items", "precision",
                                           "recall", "F1",    "ROC-AUC"};
    char text[QN_FIGURE_TEXT];
    filling f =
        begin(out, "lrrrrr", headings, (size_t)r->metrics->n_classes, arena, err);
    for (int k = 0; k < r->metrics->n_classes; k++) {
        const qn_class_metrics *c = &r->metrics->classes[k];
        add(&f, "%s", r->classes[k]);
        add(&f, "%" PRId64, c->n);
        add_share(&f, c->precision);
        add_share(&f, c->recall);
        add_share(&f, c->f1);
        add(&f, "%s", qn_figure_text(QN_FIGURE_ROC_AUC, c->roc_auc, text));
    }
    return end(&f);
}

static quern_status mistakes(const qn_train_report *r, qn_arena *arena,
                             qn_text_table *out, quern_error *err)
{
    static const char *const headings[] = {"item", "truth", "predicted", "confidence"};
    filling f = begin(out, "lllr", headings, r->n_mistakes, arena, err);
    for (size_t i = 0; i < r->n_mistakes; i++) {
        const qn_mistake *k = &r->mistakes[i];
        add(&f, "%s", k->path ? k->path : "");
        add(&f, "%s", r->classes[k->label]);
        add(&f, "%s", r->classes[k->predicted]);
        add_share(&f, k->confidence);
    }
    return end(&f);
}

quern_status qn_report_table(const qn_train_report *r, qn_report_part part,
                             qn_arena *arena, qn_text_table *out, quern_error *err)
{
    if (part != QN_PART_HISTORY && !r->metrics) {
        *out = (qn_text_table){.align = ""};
        return QUERN_OK;
    }
    switch (part) {
    case QN_PART_HISTORY:
        return history(r, arena, out, err);
    case QN_PART_FIGURES:
        return figures(r, arena, out, err);
    case QN_PART_CONFUSED:
        return confused(r, arena, out, err);
    case QN_PART_CLASSES:
        return by_class(r, arena, out, err);
    default:
        return mistakes(r, arena, out, err);
    }
}

quern_status qn_facts_table(const qn_facts *facts, qn_arena *arena, qn_text_table *out,
                            quern_error *err)
{
    static const char *const headings[] = {"name", "value"};
    filling f = begin(out, "ll", headings, facts->n, arena, err);
    for (size_t i = 0; i < facts->n; i++) {
        add(&f, "%s", facts->rows[i].key);
        add(&f, "%s", facts->rows[i].value ? facts->rows[i].value : "");
    }
    return end(&f);
}

const char *qn_calibration_text(const qn_train_report *r, char text[QN_SENTENCE])
{
    const double *figure = r->metrics->figure;
    int n =
        snprintf(text, QN_SENTENCE,
                 "The mean confidence is %.2f %%, the accuracy %.2f %%; over %d bins "
                 "of confidence the two differ by %.2f %% on average (ECE).",
                 100 * figure[QN_FIGURE_CONFIDENCE], 100 * figure[QN_FIGURE_TOP1],
                 QN_BINS, 100 * figure[QN_FIGURE_ECE]);
    if (!isfinite(r->temperature)) return text;
    n += snprintf(text + n, QN_SENTENCE - (size_t)n,
                  " A temperature of %.3f was fitted on the validation split.",
                  r->temperature);
    if (isfinite(r->tempered_ece))
        snprintf(text + n, QN_SENTENCE - (size_t)n, " With it they differ by %.2f %%.",
                 100 * r->tempered_ece);
    return text;
}
