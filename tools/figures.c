/* SPDX-License-Identifier: Apache-2.0 */
/* tools/figures.c - see figures.h. */
#include "tools/figures.h"

#include "engine/index.h"
#include "tools/out.h"

#include <math.h>

#define MATRIX_CLASSES 20 /* that a terminal has room for */
#define TABLE_CLASSES  50 /* that somebody reads */

/* ---- by class -------------------------------------------------------------------- */

quern_status qn_print_confusion(const qn_metrics *m, const char *const *names,
                                qn_mem *mem, FILE *to, quern_error *err)
{
    static const char align[] = "lrrrrrrrrrrrrrrrrrrrr";
    const int n = m->n_classes;
    qn_table t;
    if (n > MATRIX_CLASSES) {
        fprintf(to, "%d classes: the confusion matrix is in --json only\n", n);
        return QUERN_OK;
    }
    qn_table_begin(&t, mem, align);
    t.n_columns = n + 1;
    qn_table_cell(&t, "truth \\ answer");
    for (int k = 0; k < n; k++)
        qn_table_cell(&t, "%d", k);
    for (int i = 0; i < n; i++) {
        qn_table_cell(&t, "%d %s", i, names ? names[i] : "");
        for (int k = 0; k < n; k++) {
            const int64_t count = m->confusion[i * n + k];
            if (count)
                qn_table_cell(&t, "%lld", (long long)count);
            else
                qn_table_cell(&t, ".");
        }
    }
    return qn_table_print(&t, to, err);
}

/* A share; - where it is not defined. */
static void share_cell(qn_table *t, double x)
{
    if (isnan(x))
        qn_table_cell(t, "-");
    else
        qn_table_cell(t, "%.3f", x);
}

static bool lower_f1(const void *ctx, int64_t a, int64_t b)
{
    const qn_class_metrics *c = ctx;
    return c[a].f1 < c[b].f1;
}

static void class_row(qn_table *t, const qn_class_metrics *c, const char *name)
{
    qn_table_cell(t, "%s", name);
    qn_table_cell(t, "%lld", (long long)c->n);
    share_cell(t, c->precision);
    share_cell(t, c->recall);
    share_cell(t, c->f1);
    share_cell(t, c->roc_auc);
}

quern_status qn_print_classes(const qn_metrics *m, const char *const *names,
                              qn_arena *arena, FILE *to, quern_error *err)
{
    static const char *const heads[] = {"class",  "pictures", "precision",
                                        "recall", "F1",       "ROC-AUC"};
    const int n = m->n_classes;
    char room[QN_CLASS_TEXT];
    qn_table t;
    void *list;
    QN_TRY(qn_arena_array(arena, (size_t)n, 2 * sizeof(int64_t), &list, err));
    int64_t *order = list;
    for (int k = 0; k < n; k++)
        order[k] = k;
    if (n > TABLE_CLASSES) {
        qn_sort_indices(order, order + n, n, lower_f1, m->classes);
        fprintf(to, "%d of %d classes, those of the lowest F1:\n", TABLE_CLASSES, n);
    }
    qn_table_begin(&t, arena->mem, "lrrrrr");
    for (int i = 0; i < 6; i++)
        qn_table_cell(&t, "%s", heads[i]);
    for (int i = 0; i < n && i < TABLE_CLASSES; i++)
        class_row(&t, &m->classes[order[i]], qn_class_name(names, (int)order[i], room));
    return qn_table_print(&t, to, err);
}

/* ---- the whole ------------------------------------------------------------------- */

void qn_print_right(const qn_metrics *m, FILE *to)
{
    int64_t right = 0;
    for (int k = 0; k < m->n_classes; k++)
        right += m->classes[k].n_hits;
    fprintf(to, "%lld of %lld pictures right: accuracy %.2f %%, top 5 %.2f %%\n",
            (long long)right, (long long)m->n, 100 * m->figure[QN_FIGURE_TOP1],
            100 * m->figure[QN_FIGURE_TOP5]);
}

static void interval_cell(qn_table *t, const qn_metrics *m, int f)
{
    if (isnan(m->lo[f]))
        qn_table_cell(t, "%s", "");
    else
        qn_table_cell(t, "%.4f .. %.4f", m->lo[f], m->hi[f]);
}

static quern_status print_figures(const qn_metrics *m, qn_mem *mem, FILE *to,
                                  quern_error *err)
{
    qn_table t;
    qn_table_begin(&t, mem, "lrl");
    qn_table_cell(&t, "figure");
    qn_table_cell(&t, "value");
    qn_table_cell(&t, "%s", isnan(m->lo[QN_FIGURE_TOP1]) ? "" : "95 % interval");
    for (int f = 0; f < QN_N_FIGURES; f++) {
        if (isnan(m->figure[f])) continue;
        qn_table_cell(&t, "%s", qn_figure_at((qn_figure)f)->title);
        qn_table_cell(&t, "%.4f", m->figure[f]);
        interval_cell(&t, m, f);
    }
    return qn_table_print(&t, to, err);
}

static quern_status print_slices(const qn_evaluation *e, qn_mem *mem, FILE *to,
                                 quern_error *err)
{
    static const qn_figure shown[] = {QN_FIGURE_TOP1, QN_FIGURE_BALANCED_ACCURACY,
                                      QN_FIGURE_MACRO_F1, QN_FIGURE_ROC_AUC,
                                      QN_FIGURE_ECE};
    static const char *const heads[] = {"slice",    "pictures",      "accuracy",
                                        "balanced", "macro F1",      "ROC-AUC",
                                        "ECE",      "accuracy, 95 %"};
    qn_table t;
    qn_table_begin(&t, mem, "lrrrrrrl");
    for (int i = 0; i < 8; i++)
        qn_table_cell(&t, "%s", heads[i]);
    for (int i = 0; i < e->n_slices; i++) {
        const qn_slice *s = &e->slices[i];
        qn_table_cell(&t, "%s = %s", s->column, s->value ? s->value : "(none)");
        qn_table_cell(&t, "%lld", (long long)s->metrics.n);
        for (int f = 0; f < 5; f++)
            share_cell(&t, s->metrics.figure[shown[f]]);
        interval_cell(&t, &s->metrics, QN_FIGURE_TOP1);
    }
    return qn_table_print(&t, to, err);
}

#define SHOWN_CELLS 5

static quern_status print_confused(const qn_evaluation *e, qn_arena *arena, FILE *to,
                                   quern_error *err)
{
    char label[QN_CLASS_TEXT], predicted[QN_CLASS_TEXT];
    qn_confused *cell;
    int64_t n;
    qn_table t;
    QN_TRY(qn_most_confused(&e->metrics, SHOWN_CELLS, arena, &cell, &n, err));
    if (n == 0) return QUERN_OK;
    qn_table_begin(&t, arena->mem, "llr");
    qn_table_cell(&t, "most often");
    qn_table_cell(&t, "is taken for");
    qn_table_cell(&t, "pictures");
    for (int64_t i = 0; i < n; i++) {
        qn_table_cell(&t, "%s", qn_class_name(e->classes, cell[i].label, label));
        qn_table_cell(&t, "%s",
                      qn_class_name(e->classes, cell[i].predicted, predicted));
        qn_table_cell(&t, "%lld", (long long)cell[i].n);
    }
    QN_TRY(qn_table_print(&t, to, err));
    fprintf(to, "\n");
    return QUERN_OK;
}

static void print_variants(const qn_evaluation *e, FILE *to)
{
    const double *plain = e->metrics.figure;
    if (e->tempered)
        fprintf(to,
                "temperature %.3f, fitted on %s: log loss %.4f -> %.4f, "
                "ECE %.4f -> %.4f\n",
                e->temperature.value, e->temperature_split, plain[QN_FIGURE_LOSS],
                e->tempered->figure[QN_FIGURE_LOSS], plain[QN_FIGURE_ECE],
                e->tempered->figure[QN_FIGURE_ECE]);
    if (e->flipped)
        fprintf(to, "with mirror images: accuracy %.2f %%, without %.2f %%\n",
                100 * e->flipped->figure[QN_FIGURE_TOP1], 100 * plain[QN_FIGURE_TOP1]);
}

quern_status qn_print_evaluation(const qn_evaluation *e, qn_arena *arena, FILE *to,
                                 quern_error *err)
{
    const qn_metrics *m = &e->metrics;
    if (m->n_classes <= MATRIX_CLASSES) {
        QN_TRY(qn_print_confusion(m, e->classes, arena->mem, to, err));
        fprintf(to, "\n");
    }
    QN_TRY(qn_print_classes(m, e->classes, arena, to, err));
    fprintf(to, "\n");
    QN_TRY(print_confused(e, arena, to, err));
    QN_TRY(print_figures(m, arena->mem, to, err));
    fprintf(to, "\n");
    if (e->n_slices) {
        QN_TRY(print_slices(e, arena->mem, to, err));
        fprintf(to, "\n");
    }
    print_variants(e, to);
    qn_print_right(m, to);
    return QUERN_OK;
}
