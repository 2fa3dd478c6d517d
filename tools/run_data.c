/* SPDX-License-Identifier: Apache-2.0 */
/* tools/run_data.c - a run's report for programs: one JSON object with all that the run
 * folder's files say, or CSV with a number a line. */
#include "formats/csv_write.h"
#include "formats/json_write.h"
#include "tools/run_report.h"

#include <stdio.h>
#include <string.h>

/* ---- JSON ---- */

static void put_tree(qn_json *j, const char *key, const qn_tree *tree)
{
    switch (tree->kind) {
    case QN_TREE_NULL:
        qn_json_text(j, key, NULL);
        return;
    case QN_TREE_BOOL:
        qn_json_bool(j, key, tree->number != 0);
        return;
    case QN_TREE_NUMBER:
        qn_json_real(j, key, tree->number);
        return;
    case QN_TREE_TEXT:
        qn_json_text(j, key, tree->text);
        return;
    case QN_TREE_LIST:
        qn_json_array(j, key);
        break;
    case QN_TREE_OBJECT:
        qn_json_object(j, key);
        break;
    }
    if (j->out->error.status != QUERN_OK) return; /* too deep: nothing was opened */
    for (const qn_tree *item = tree->first; item; item = item->next)
        put_tree(j, item->key, item);
    qn_json_close(j);
}

quern_status qn_run_report_json(const qn_run_report *r, qn_buf *out, quern_error *err)
{
    qn_json j;
    qn_json_begin(&j, out);
    qn_json_text(&j, "title", r->report.title);
    qn_json_real(&j, "best_epoch", r->report.best_epoch);
    qn_json_array(&j, "history");
    for (size_t i = 0; i < r->report.n_history; i++)
        put_tree(&j, NULL, r->rows[i]);
    qn_json_close(&j);
    if (r->figures) put_tree(&j, "report", r->figures);
    qn_json_object(&j, "facts");
    for (size_t i = 0; i < r->report.n_facts; i++) {
        const qn_facts *facts = &r->report.facts[i];
        qn_json_object(&j, facts->title);
        for (size_t k = 0; k < facts->n; k++)
            qn_json_text(&j, facts->rows[k].key, facts->rows[k].value);
        qn_json_close(&j);
    }
    qn_json_end(&j);
    return qn_buf_status(out, err);
}

/* ---- CSV ---- */

static void put_place(qn_csv *csv, const char *part, const char *row,
                      const char *column)
{
    qn_csv_text(csv, part);
    qn_csv_text(csv, row);
    qn_csv_text(csv, column);
}

static void put_real(qn_csv *csv, const char *part, const char *row, const char *column,
                     double value)
{
    if (!isfinite(value)) return;
    put_place(csv, part, row, column);
    qn_csv_real(csv, value);
    qn_csv_end(csv);
}

static void put_text(qn_csv *csv, const char *part, const char *row, const char *value)
{
    put_place(csv, part, row, NULL);
    qn_csv_text(csv, value);
    qn_csv_end(csv);
}

static void put_history(qn_csv *csv, const qn_run_report *r)
{
    char epoch[32];
    for (size_t i = 0; i < r->report.n_history; i++) {
        snprintf(epoch, sizeof epoch, "%.0f", r->report.history[i].epoch);
        for (const qn_tree *t = r->rows[i]->first; t; t = t->next)
            if (t->kind == QN_TREE_NUMBER && t->key && strcmp(t->key, "schema") != 0)
                put_real(csv, "history", epoch, t->key, t->number);
    }
}

static void put_figures(qn_csv *csv, const qn_metrics *m)
{
    for (int i = 0; i < QN_N_FIGURES; i++) {
        const char *key = qn_figure_at((qn_figure)i)->key;
        put_real(csv, "figures", key, "value", m->figure[i]);
        put_real(csv, "figures", key, "lo", m->lo[i]);
        put_real(csv, "figures", key, "hi", m->hi[i]);
    }
}

static void put_classes(qn_csv *csv, const qn_train_report *r)
{
    const qn_metrics *m = r->metrics;
    for (int k = 0; k < m->n_classes; k++) {
        const qn_class_metrics *c = &m->classes[k];
        put_real(csv, "classes", r->classes[k], "n", (double)c->n);
        put_real(csv, "classes", r->classes[k], "precision", c->precision);
        put_real(csv, "classes", r->classes[k], "recall", c->recall);
        put_real(csv, "classes", r->classes[k], "f1", c->f1);
        put_real(csv, "classes", r->classes[k], "roc_auc", c->roc_auc);
    }
    const int64_t n = m->n_classes;
    for (int64_t i = 0; i < n * n; i++)
        put_real(csv, "confusion", r->classes[i / n], r->classes[i % n],
                 (double)m->confusion[i]);
}

quern_status qn_run_report_csv(const qn_run_report *r, qn_buf *out, quern_error *err)
{
    qn_csv csv;
    qn_csv_begin(&csv, out);
    qn_csv_header(&csv, "part,row,column,value");
    put_history(&csv, r);
    if (r->report.metrics) {
        put_figures(&csv, r->report.metrics);
        put_classes(&csv, &r->report);
    }
    for (size_t i = 0; i < r->report.n_facts; i++)
        for (size_t k = 0; k < r->report.facts[i].n; k++)
            put_text(&csv, r->report.facts[i].title, r->report.facts[i].rows[k].key,
                     r->report.facts[i].rows[k].value);
    return qn_buf_status(out, err);
}
