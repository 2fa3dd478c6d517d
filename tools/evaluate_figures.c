/* SPDX-License-Identifier: Apache-2.0 */
/* tools/evaluate_figures.c - from the logits of an evaluation to its figures: the
 * whole, with mirror images, with a fitted temperature, slice by slice; see evaluate.h.
 */
#include "tools/evaluate.h"

#include <math.h>
#include <string.h>

/* p = softmax(logits), row by row. */
static void softmax(const qn_predictions *in, float *p)
{
    const int n = in->n_classes;
    for (int64_t i = 0; i < in->n; i++) {
        const float *z = in->logits + i * n;
        float *to = p + i * n;
        double top = -INFINITY, sum = 0;
        for (int k = 0; k < n; k++)
            top = fmax(top, z[k]);
        for (int k = 0; k < n; k++)
            sum += to[k] = (float)exp(z[k] - top);
        for (int k = 0; k < n; k++)
            to[k] = (float)(to[k] / sum);
    }
}

static quern_status rows(qn_arena *arena, int64_t n, int n_classes, float **out,
                         quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(arena, (size_t)n, (size_t)n_classes * sizeof(float), &room,
                          err));
    *out = room;
    return QUERN_OK;
}

/* Metrics of the same items by other logits. */
static quern_status metrics_by(const qn_predictions *like, const float *logits,
                               const qn_metrics_options *opt, qn_arena *arena,
                               qn_metrics **out, quern_error *err)
{
    qn_predictions in = *like;
    void *room;
    float *p;
    QN_TRY(rows(arena, in.n, in.n_classes, &p, err));
    QN_TRY(qn_arena_array(arena, 1, sizeof **out, &room, err));
    *out = room;
    in.logits = logits;
    in.p = p;
    softmax(&in, p);
    return qn_metrics_compute(&in, opt, arena, *out, err);
}

quern_status qn_evaluate_figures(qn_evaluation *e, float *p, float *flipped,
                                 const qn_metrics_options *opt, qn_arena *arena,
                                 quern_error *err)
{
    const int64_t n = e->predictions.n * e->predictions.n_classes;
    e->bootstrap = opt->bootstrap;
    e->seed = opt->seed;
    softmax(&e->predictions, p);
    QN_TRY(qn_metrics_compute(&e->predictions, opt, arena, &e->metrics, err));
    if (!flipped) return QUERN_OK;
    for (int64_t i = 0; i < n; i++)
        flipped[i] = (flipped[i] + e->predictions.logits[i]) / 2;
    return metrics_by(&e->predictions, flipped, opt, arena, &e->flipped, err);
}

quern_status qn_evaluate_tempered(qn_evaluation *e, const qn_evaluation *fit_on,
                                  const qn_metrics_options *opt, qn_arena *arena,
                                  quern_error *err)
{
    const qn_predictions *in = &e->predictions;
    const int64_t n = in->n * in->n_classes;
    float *logits;
    QN_TRY(qn_temperature_fit(&fit_on->predictions, opt->pool, arena, &e->temperature,
                              err));
    e->temperature_split = fit_on->split;
    QN_TRY(rows(arena, in->n, in->n_classes, &logits, err));
    for (int64_t i = 0; i < n; i++)
        logits[i] = (float)(in->logits[i] / e->temperature.value);
    return metrics_by(in, logits, opt, arena, &e->tempered, err);
}

/* ---- slices ---------------------------------------------------------------------- */

static const char *text_of(const qn_evaluation *e, const qn_column *column, int64_t i)
{
    return column->text[e->item[i]];
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* The items of one slice as predictions of their own. */
static quern_status gather(const qn_evaluation *e, const int32_t *slice_of, int slice,
                           qn_arena *arena, qn_predictions *out, quern_error *err)
{
    const qn_predictions *all = &e->predictions;
    const int n_classes = all->n_classes;
    float *p, *logits, *weight = NULL;
    void *label;
    int64_t n = 0;
    for (int64_t i = 0; i < all->n; i++)
        n += slice_of[i] == slice;
    QN_TRY(rows(arena, n, n_classes, &p, err));
    QN_TRY(rows(arena, n, n_classes, &logits, err));
    QN_TRY(qn_arena_array(arena, (size_t)n, sizeof *all->label, &label, err));
    if (all->weight) QN_TRY(rows(arena, n, 1, &weight, err));
    *out = (qn_predictions){.n_classes = n_classes,
                            .p = p,
                            .logits = logits,
                            .label = label,
                            .weight = weight};
    for (int64_t i = 0; i < all->n; i++) {
        if (slice_of[i] != slice) continue;
        const size_t row = (size_t)n_classes * sizeof *p;
        memcpy(p + out->n * n_classes, all->p + i * n_classes, row);
        memcpy(logits + out->n * n_classes, all->logits + i * n_classes, row);
        ((int32_t *)label)[out->n] = all->label[i];
        if (weight) weight[out->n] = all->weight[i];
        out->n++;
    }
    return QUERN_OK;
}

#define MAX_SLICES 1000 /* of all columns; more are no slices but items */

/* slice_of[i]: the number of item i's text, in the order of first sight; *first [n]: an
 * item of each.  Stops when there are too many. */
static void number_texts(const qn_evaluation *e, const qn_column *column,
                         int32_t *slice_of, int64_t *first, int *n)
{
    *n = 0;
    for (int64_t i = 0; i < e->predictions.n && *n <= MAX_SLICES; i++) {
        int k = 0;
        while (k < *n && !is_same(text_of(e, column, i), text_of(e, column, first[k])))
            k++;
        if (k == *n) first[(*n)++] = i;
        slice_of[i] = k;
    }
}

static const qn_column *find_column(const qn_dataset *set, const char *name)
{
    for (int i = 0; i < set->n_columns; i++)
        if (!strcmp(set->columns[i].name, name)) return &set->columns[i];
    return NULL;
}

static bool is_labelled(const qn_predictions *p)
{
    for (int64_t i = 0; i < p->n; i++)
        if (p->label[i] >= 0) return true;
    return false;
}

quern_status qn_evaluate_slices(qn_evaluation *e, const char *name,
                                const qn_metrics_options *opt, qn_arena *arena,
                                quern_error *err)
{
    const qn_column *column = find_column(e->set, name);
    void *slice_of, *first, *list;
    int n = 0;
    if (!column)
        return qn_fail(err, QUERN_INVALID, "%s has no column '%s'", e->set->path, name);
    const size_t n_items = (size_t)e->predictions.n;
    QN_TRY(qn_arena_array(arena, n_items, sizeof(int32_t), &slice_of, err));
    QN_TRY(qn_arena_array(arena, n_items, sizeof(int64_t), &first, err));
    number_texts(e, column, slice_of, first, &n);
    if (n + e->n_slices > MAX_SLICES)
        return qn_fail(err, QUERN_LIMIT, "column '%s' makes more than %d slices", name,
                       MAX_SLICES);
    QN_TRY(qn_arena_array(arena, (size_t)(e->n_slices + n), sizeof *e->slices, &list,
                          err));
    if (e->n_slices) memcpy(list, e->slices, (size_t)e->n_slices * sizeof *e->slices);
    e->slices = list;
    for (int k = 0; k < n; k++) {
        qn_predictions in;
        QN_TRY(gather(e, slice_of, k, arena, &in, err));
        if (!is_labelled(&in)) continue;
        qn_slice *slice = &e->slices[e->n_slices++];
        slice->column = column->name;
        slice->value = text_of(e, column, ((int64_t *)first)[k]);
        QN_TRY(qn_metrics_compute(&in, opt, arena, &slice->metrics, err));
    }
    return QUERN_OK;
}
