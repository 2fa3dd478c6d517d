/* SPDX-License-Identifier: Apache-2.0 */
/* tools/run_figures.c - the figures in a report.json, as formats/evaluation.c writes
 * it, back as qn_metrics; and the pictures of the worst mistakes. */
#include "tools/run_report.h"

#include <string.h>

#define MOST_WHOLE 9007199254740992.0 /* 2^53: larger ones are not exact in JSON */

static double number_of(const qn_tree *value)
{
    return value && value->kind == QN_TREE_NUMBER ? value->number : NAN;
}

static quern_status take_count(const qn_tree *value, int64_t *out, quern_error *err)
{
    const double x = number_of(value);
    if (!(x >= 0 && x <= MOST_WHOLE))
        return qn_fail(err, QUERN_FORMAT, "a count is %g", x);
    *out = (int64_t)x;
    return QUERN_OK;
}

static const qn_tree *list_of(const qn_tree *tree, const char *key)
{
    const qn_tree *list = qn_tree_get(tree, key);
    return list && list->kind == QN_TREE_LIST ? list : NULL;
}

/* ---- parts ---- */

static void take_scalars(const qn_tree *tree, qn_metrics *m)
{
    const qn_tree *intervals = qn_tree_get(tree, "intervals");
    for (int i = 0; i < QN_N_FIGURES; i++) {
        const char *key = qn_figure_at((qn_figure)i)->key;
        const qn_tree *pair = list_of(intervals, key);
        m->figure[i] = qn_tree_real(tree, key);
        m->lo[i] = m->hi[i] = NAN;
        if (!pair || pair->n != 2) continue;
        m->lo[i] = number_of(pair->first);
        m->hi[i] = number_of(pair->first->next);
    }
}

static quern_status take_confusion(const qn_tree *tree, qn_arena *arena, qn_metrics *m,
                                   quern_error *err)
{
    const qn_tree *rows = list_of(tree, "confusion");
    void *counts;
    if (!rows || rows->n == 0) return qn_fail(err, QUERN_FORMAT, "no confusion matrix");
    const size_t n = (size_t)rows->n;
    QN_TRY(qn_arena_array(arena, n * n, sizeof *m->confusion, &counts, err));
    m->n_classes = rows->n;
    m->confusion = counts;
    int64_t *at = counts;
    for (const qn_tree *row = rows->first; row; row = row->next) {
        if (row->kind != QN_TREE_LIST || row->n != rows->n)
            return qn_fail(err, QUERN_FORMAT,
                           "a row of the confusion matrix has %d counts, not %d",
                           row->n, rows->n);
        for (const qn_tree *cell = row->first; cell; cell = cell->next)
            QN_TRY(take_count(cell, at++, err));
    }
    return QUERN_OK;
}

static quern_status take_classes(const qn_tree *tree, qn_arena *arena, qn_run_report *r,
                                 qn_metrics *m, quern_error *err)
{
    const qn_tree *list = list_of(tree, "classes");
    void *classes, *names;
    if (!list || list->n != m->n_classes)
        return qn_fail(err, QUERN_FORMAT, "%d classes, but a confusion matrix of %d",
                       list ? list->n : 0, m->n_classes);
    QN_TRY(qn_arena_array(arena, (size_t)list->n, sizeof *m->classes, &classes, err));
    QN_TRY(qn_arena_array(arena, (size_t)list->n, sizeof(char *), &names, err));
    m->classes = classes;
    int i = 0;
    for (const qn_tree *item = list->first; item; item = item->next, i++) {
        qn_class_metrics *c = &m->classes[i];
        ((const char **)names)[i] = qn_tree_text(item, "name", "?");
        QN_TRY(take_count(qn_tree_get(item, "n"), &c->n, err));
        c->precision = qn_tree_real(item, "precision");
        c->recall = qn_tree_real(item, "recall");
        c->f1 = qn_tree_real(item, "f1");
        c->roc_auc = qn_tree_real(item, "roc_auc");
        c->average_precision = qn_tree_real(item, "average_precision");
    }
    r->report.classes = names;
    return QUERN_OK;
}

static quern_status take_bins(const qn_tree *tree, qn_metrics *m, quern_error *err)
{
    const qn_tree *list = list_of(qn_tree_get(tree, "calibration"), "equal_width");
    int i = 0;
    if (!list) return QUERN_OK;
    for (const qn_tree *bin = list->first; bin && i < QN_BINS; bin = bin->next, i++) {
        QN_TRY(take_count(qn_tree_get(bin, "n"), &m->width[i].n, err));
        m->width[i].confidence = qn_tree_real(bin, "confidence");
        m->width[i].accuracy = qn_tree_real(bin, "accuracy");
    }
    return QUERN_OK;
}

/* The class of that name, or -1. */
static int class_of(const qn_run_report *r, const char *name)
{
    for (int k = 0; name && k < r->report.metrics->n_classes; k++)
        if (strcmp(r->report.classes[k], name) == 0) return k;
    return -1;
}

static quern_status take_mistakes(const qn_tree *tree, qn_arena *arena,
                                  qn_run_report *r, quern_error *err)
{
    const qn_tree *list = list_of(tree, "mistakes");
    void *p;
    if (!list) return QUERN_OK;
    QN_TRY(qn_arena_array(arena, (size_t)list->n, sizeof(qn_mistake), &p, err));
    qn_mistake *mistakes = p;
    for (const qn_tree *item = list->first; item; item = item->next) {
        const qn_mistake mistake = {NULL, qn_tree_text(item, "item", NULL),
                                    class_of(r, qn_tree_text(item, "label", NULL)),
                                    class_of(r, qn_tree_text(item, "predicted", NULL)),
                                    qn_tree_real(item, "p")};
        if (mistake.label >= 0 && mistake.predicted >= 0)
            mistakes[r->report.n_mistakes++] = mistake;
    }
    r->report.mistakes = mistakes;
    return QUERN_OK;
}

quern_status qn_run_figures(qn_run_report *r, qn_arena *arena, quern_error *err)
{
    const qn_tree *tree = r->figures;
    void *p;
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_metrics), &p, err));
    qn_metrics *m = p;
    r->report.metrics = m;
    r->report.split = qn_tree_text(tree, "split", "?");
    const qn_tree *tempered = qn_tree_get(tree, "temperature");
    r->report.temperature = qn_tree_real(tempered, "value");
    r->report.tempered_ece = qn_tree_real(tempered, "ece");
    QN_TRY(take_count(qn_tree_get(tree, "n"), &m->n, err));
    take_scalars(tree, m);
    QN_TRY(take_confusion(tree, arena, m, err));
    QN_TRY(take_classes(tree, arena, r, m, err));
    QN_TRY(take_bins(tree, m, err));
    return take_mistakes(tree, arena, r, err);
}

/* ---- pictures of mistakes ---- */

#define MOST_MISTAKES 24

/* NULL where it cannot be read: the report does without. */
static quern_status picture_of(const qn_dataset *set, int64_t item, qn_arena *arena,
                               const qn_image **out, quern_error *err)
{
    void *image;
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_image), &image, err));
    const quern_status status = qn_dataset_read(set, item, arena, image, err);
    *out = status == QUERN_OK ? image : NULL;
    return status == QUERN_MEMORY ? status : QUERN_OK;
}

quern_status qn_run_report_mistakes(qn_run_report *r, const qn_evaluation *e,
                                    qn_arena *arena, quern_error *err)
{
    int64_t *index, n;
    void *p;
    QN_TRY(qn_mistakes(&e->metrics, -1, -1, MOST_MISTAKES, arena, &index, &n, err));
    QN_TRY(qn_arena_array(arena, (size_t)n, sizeof(qn_mistake), &p, err));
    qn_mistake *mistakes = p;
    for (int64_t i = 0; i < n; i++) {
        const qn_outcome *o = &e->metrics.outcomes[index[i]];
        const int64_t item = e->item[index[i]];
        char room[QN_ITEM_TEXT];
        const char *name = qn_item_name(e->set, item, room);
        mistakes[i] = (qn_mistake){
            .label = o->label, .predicted = o->predicted, .confidence = o->confidence};
        QN_TRY(qn_arena_text(arena, name, strlen(name), &mistakes[i].path, err));
        QN_TRY(picture_of(e->set, item, arena, &mistakes[i].image, err));
    }
    r->report.mistakes = mistakes;
    r->report.n_mistakes = (size_t)n;
    return QUERN_OK;
}

/* Gives the mistakes of that item's name its picture. */
static quern_status give_picture(qn_run_report *r, const qn_dataset *set, int64_t item,
                                 qn_arena *arena, quern_error *err)
{
    char room[QN_ITEM_TEXT];
    const char *name = qn_item_name(set, item, room);
    for (size_t i = 0; i < r->report.n_mistakes; i++) {
        qn_mistake *mistake = (qn_mistake *)r->report.mistakes + i;
        if (!mistake->path || strcmp(mistake->path, name) != 0) continue;
        QN_TRY(picture_of(set, item, arena, &mistake->image, err));
    }
    return QUERN_OK;
}

quern_status qn_run_report_find_pictures(qn_run_report *r, qn_mem *mem, qn_arena *arena,
                                         const qn_decoder *decoder, qn_dataset **set,
                                         quern_error *err)
{
    const qn_dataset_options options = {.decoder = decoder};
    const char *data = qn_tree_text(r->figures, "data", NULL);
    *set = NULL;
    if (!data || r->report.n_mistakes == 0) return QUERN_OK;
    const quern_status status = qn_dataset_open_as(mem, data, &options, set, err);
    if (status != QUERN_OK) return status == QUERN_MEMORY ? status : QUERN_OK;
    for (int64_t i = 0; i < (*set)->n; i++)
        QN_TRY(give_picture(r, *set, i, arena, err));
    return QUERN_OK;
}
