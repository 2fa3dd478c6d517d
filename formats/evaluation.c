/* SPDX-License-Identifier: Apache-2.0 */
/* formats/evaluation.c - an evaluation as JSON; see evaluation.h. */
#include "formats/evaluation.h"

#include <math.h>
#include <stdio.h>

const char *qn_class_name(const char *const *classes, int k, char room[QN_CLASS_TEXT])
{
    if (classes) return classes[k];
    snprintf(room, QN_CLASS_TEXT, "%d", k);
    return room;
}

static void class_text(qn_json *j, const char *key, const char *const *classes, int k)
{
    char room[QN_CLASS_TEXT];
    qn_json_text(j, key, qn_class_name(classes, k, room));
}

/* ---- figures --------------------------------------------------------------------- */

static void intervals_json(const qn_metrics *m, qn_json *j)
{
    qn_json_object(j, "intervals");
    for (int f = 0; f < QN_N_FIGURES; f++) {
        if (isnan(m->lo[f])) continue;
        qn_json_array(j, qn_figure_at((qn_figure)f)->key);
        qn_json_real(j, NULL, m->lo[f]);
        qn_json_real(j, NULL, m->hi[f]);
        qn_json_close(j);
    }
    qn_json_close(j);
}

/* "n", a key per figure, "intervals" where there are some. */
static void figures_json(const qn_metrics *m, qn_json *j)
{
    qn_json_int(j, "n", m->n);
    for (int f = 0; f < QN_N_FIGURES; f++)
        qn_json_real(j, qn_figure_at((qn_figure)f)->key, m->figure[f]);
    if (!isnan(m->lo[QN_FIGURE_TOP1])) intervals_json(m, j);
}

static void classes_json(const qn_metrics *m, const char *const *names, qn_json *j)
{
    qn_json_array(j, "classes");
    for (int k = 0; k < m->n_classes; k++) {
        const qn_class_metrics *c = &m->classes[k];
        qn_json_object(j, NULL);
        class_text(j, "name", names, k);
        qn_json_int(j, "n", c->n);
        qn_json_int(j, "predicted", c->n_predicted);
        qn_json_int(j, "hits", c->n_hits);
        qn_json_real(j, "precision", c->precision);
        qn_json_real(j, "recall", c->recall);
        qn_json_real(j, "f1", c->f1);
        qn_json_real(j, "roc_auc", c->roc_auc);
        qn_json_real(j, "average_precision", c->average_precision);
        qn_json_close(j);
    }
    qn_json_close(j);
}

void qn_confusion_json(const qn_metrics *m, qn_json *j)
{
    qn_json_array(j, "confusion");
    for (int i = 0; i < m->n_classes; i++) {
        qn_json_array(j, NULL);
        for (int k = 0; k < m->n_classes; k++)
            qn_json_int(j, NULL, m->confusion[(int64_t)i * m->n_classes + k]);
        qn_json_close(j);
    }
    qn_json_close(j);
}

static void bins_json(const qn_bin *bins, const char *key, qn_json *j)
{
    qn_json_array(j, key);
    for (int b = 0; b < QN_BINS; b++) {
        qn_json_object(j, NULL);
        qn_json_real(j, "lo", bins[b].lo);
        qn_json_real(j, "hi", bins[b].hi);
        qn_json_int(j, "n", bins[b].n);
        qn_json_real(j, "confidence", bins[b].confidence);
        qn_json_real(j, "accuracy", bins[b].accuracy);
        qn_json_close(j);
    }
    qn_json_close(j);
}

/* ---- around them ----------------------------------------------------------------- */

#define MOST_CELLS    20
#define MOST_MISTAKES 20

static quern_status confused_json(const qn_evaluation *e, qn_json *j, qn_arena *arena,
                                  quern_error *err)
{
    qn_confused *cell;
    int64_t n;
    QN_TRY(qn_most_confused(&e->metrics, MOST_CELLS, arena, &cell, &n, err));
    qn_json_array(j, "confused");
    for (int64_t i = 0; i < n; i++) {
        qn_json_object(j, NULL);
        class_text(j, "label", e->classes, cell[i].label);
        class_text(j, "predicted", e->classes, cell[i].predicted);
        qn_json_int(j, "n", cell[i].n);
        qn_json_close(j);
    }
    qn_json_close(j);
    return QUERN_OK;
}

static quern_status mistakes_json(const qn_evaluation *e, qn_json *j, qn_arena *arena,
                                  quern_error *err)
{
    int64_t *index, n;
    QN_TRY(qn_mistakes(&e->metrics, -1, -1, MOST_MISTAKES, arena, &index, &n, err));
    qn_json_array(j, "mistakes");
    for (int64_t i = 0; i < n; i++) {
        const qn_outcome *o = &e->metrics.outcomes[index[i]];
        char room[QN_ITEM_TEXT];
        qn_json_object(j, NULL);
        qn_json_text(j, "item", qn_item_name(e->set, e->item[index[i]], room));
        class_text(j, "label", e->classes, o->label);
        class_text(j, "predicted", e->classes, o->predicted);
        qn_json_single(j, "p", (float)o->confidence);
        qn_json_close(j);
    }
    qn_json_close(j);
    return QUERN_OK;
}

static void slices_json(const qn_evaluation *e, qn_json *j)
{
    qn_json_array(j, "slices");
    for (int i = 0; i < e->n_slices; i++) {
        qn_json_object(j, NULL);
        qn_json_text(j, "column", e->slices[i].column);
        qn_json_text(j, "value", e->slices[i].value);
        figures_json(&e->slices[i].metrics, j);
        qn_json_close(j);
    }
    qn_json_close(j);
}

static void variants_json(const qn_evaluation *e, qn_json *j)
{
    if (e->flipped) {
        qn_json_object(j, "tta");
        qn_json_text(j, "kind", "flip");
        figures_json(e->flipped, j);
        qn_json_close(j);
    }
    if (e->tempered) {
        qn_json_object(j, "temperature");
        qn_json_text(j, "fitted_on", e->temperature_split);
        qn_json_real(j, "value", e->temperature.value);
        figures_json(e->tempered, j);
        qn_json_close(j);
    }
}

static void rejects_json(const qn_evaluation *e, qn_json *j)
{
    qn_json_array(j, "rejects");
    for (int i = 0; i < e->n_rejects; i++) {
        qn_json_object(j, NULL);
        qn_json_text(j, "item", e->rejects[i].item);
        qn_json_text(j, "reason", e->rejects[i].reason);
        qn_json_close(j);
    }
    qn_json_close(j);
}

quern_status qn_evaluation_json(const qn_evaluation *e, qn_json *j, qn_arena *arena,
                                quern_error *err)
{
    const qn_metrics *m = &e->metrics;
    qn_json_text(j, "model", e->model);
    qn_json_text(j, "data", e->set->path);
    qn_json_text(j, "split", e->split);
    qn_json_text(j, "matched", e->is_by_index ? "index" : "name");
    figures_json(m, j);
    qn_json_array(j, "top");
    for (int k = 0; k < m->n_top; k++)
        qn_json_real(j, NULL, m->top[k]);
    qn_json_close(j);
    if (e->bootstrap > 0) {
        qn_json_int(j, "bootstrap", e->bootstrap);
        qn_json_int(j, "seed", (int64_t)e->seed);
    }
    classes_json(m, e->classes, j);
    qn_confusion_json(m, j);
    qn_json_object(j, "calibration");
    bins_json(m->width, "equal_width", j);
    bins_json(m->mass, "equal_mass", j);
    qn_json_close(j);
    QN_TRY(confused_json(e, j, arena, err));
    QN_TRY(mistakes_json(e, j, arena, err));
    variants_json(e, j);
    if (e->n_slices) slices_json(e, j);
    rejects_json(e, j);
    qn_json_real(j, "seconds", e->seconds);
    qn_json_real(j, "images_per_s", e->images_per_s);
    return QUERN_OK;
}
