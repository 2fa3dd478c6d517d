/* SPDX-License-Identifier: Apache-2.0 */
/* engine/metrics.c - items to outcomes, outcomes to counts and figures; see metrics.h.
 */
#include "engine/metrics_parts.h"

#include <math.h>
#include <string.h>

const qn_figure_row *qn_figure_at(qn_figure figure)
{
    static const qn_figure_row rows[] = {
#define X(name, key, title, has_interval) {key, title, has_interval},
        QN_FIGURE_MAP(X)
#undef X
    };
    return &rows[figure];
}

/* ---- outcomes -------------------------------------------------------------------- */

static quern_status check(const qn_predictions *in, quern_error *err)
{
    const int64_t count = in->n * in->n_classes;
    if (in->n > UINT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "%lld items; figures take at most %lld",
                       (long long)in->n, (long long)UINT32_MAX);
    for (int64_t i = 0; i < count; i++)
        if (!(in->p[i] >= 0))
            return qn_fail(err, QUERN_DATA, "item %lld has probability %g for class %d",
                           (long long)(i / in->n_classes), (double)in->p[i],
                           (int)(i % in->n_classes));
    for (int64_t i = 0; in->weight && i < in->n; i++)
        if (!(in->weight[i] >= 0 && in->weight[i] < INFINITY))
            return qn_fail(err, QUERN_DATA, "item %lld has weight %g", (long long)i,
                           (double)in->weight[i]);
    return QUERN_OK;
}

/* log(sum(exp(z))) - z[label]; without logits a p below 2^-52 counts as that. */
static double log_loss(const float *z, const float *p, int n, int32_t label)
{
    if (!z) return -log(fmax(p[label], 0x1p-52));
    double top = -INFINITY, sum = 0;
    for (int k = 0; k < n; k++)
        top = fmax(top, z[k]);
    for (int k = 0; k < n; k++)
        sum += exp(z[k] - top);
    return top + log(sum) - z[label];
}

static qn_outcome outcome_of(const qn_predictions *in, int64_t i)
{
    const float *p = in->p + i * in->n_classes;
    const int32_t label = in->label[i];
    qn_outcome o = {.label = -1, .weight = in->weight ? in->weight[i] : 1};
    for (int k = 1; k < in->n_classes; k++)
        if (p[k] > p[o.predicted]) o.predicted = k;
    o.confidence = p[o.predicted];
    if (label < 0 || label >= in->n_classes) return o;
    o.label = label;
    o.p_label = p[label];
    for (int k = 0; k < in->n_classes; k++) {
        const double miss = p[k] - (k == label);
        o.rank += p[k] > p[label] || (p[k] == p[label] && k < label);
        o.brier += miss * miss;
    }
    o.loss = log_loss(in->logits ? in->logits + i * in->n_classes : NULL, p,
                      in->n_classes, label);
    return o;
}

typedef struct outcomes_ctx {
    const qn_predictions *in;
    qn_outcome *out;
} outcomes_ctx;

static void outcomes_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    const outcomes_ctx *c = ctx;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        c->out[i] = outcome_of(c->in, i);
}

/* ---- sums and what follows from them --------------------------------------------- */

void qn_tally_init(qn_tally *t, double *room, int n_classes)
{
    memset(room, 0, 3 * (size_t)n_classes * sizeof *room);
    *t = (qn_tally){.n_classes = n_classes,
                    .support = room,
                    .predicted = room + n_classes,
                    .hits = room + 2 * (size_t)n_classes};
}

void qn_tally_add(qn_tally *t, const qn_outcome *o)
{
    const double w = o->weight;
    t->weight += w;
    t->support[o->label] += w;
    t->predicted[o->predicted] += w;
    if (o->rank == 0) t->hits[o->label] += w;
    if (o->rank < 5) t->top5 += w;
    t->loss += w * o->loss;
    t->brier += w * o->brier;
    t->confidence += w * o->confidence;
}

double qn_f1(double hits, double support, double predicted)
{
    return 2 * hits / (support + predicted);
}

static double or_zero(double x)
{
    return isnan(x) ? 0 : x;
}

/* Means over classes.  As scikit-learn has it: over those that are a label or an answer
 * of some item, and 0 for what is not defined; balanced accuracy over labels only. */
static void class_means(const qn_tally *t, double figure[QN_N_FIGURES])
{
    double precision = 0, recall = 0, f1 = 0, weighted_precision = 0, weighted_f1 = 0;
    int n = 0, n_labels = 0;
    for (int k = 0; k < t->n_classes; k++) {
        const double support = t->support[k], predicted = t->predicted[k];
        if (!(support + predicted > 0)) continue;
        const double this_precision = or_zero(t->hits[k] / predicted);
        const double this_f1 = qn_f1(t->hits[k], support, predicted);
        n++;
        n_labels += support > 0;
        precision += this_precision;
        recall += or_zero(t->hits[k] / support);
        f1 += this_f1;
        weighted_precision += support * this_precision;
        weighted_f1 += support * this_f1;
    }
    figure[QN_FIGURE_BALANCED_ACCURACY] = recall / n_labels;
    figure[QN_FIGURE_MACRO_PRECISION] = precision / n;
    figure[QN_FIGURE_MACRO_RECALL] = recall / n;
    figure[QN_FIGURE_MACRO_F1] = f1 / n;
    figure[QN_FIGURE_WEIGHTED_PRECISION] = weighted_precision / t->weight;
    figure[QN_FIGURE_WEIGHTED_F1] = weighted_f1 / t->weight;
}

/* Cohen 1960, and Gorodkin's R_K of 2004, both from the margins of the matrix. */
static void agreement(const qn_tally *t, double figure[QN_N_FIGURES])
{
    const double s = t->weight;
    double hits = 0, cross = 0, labels = 0, answers = 0;
    for (int k = 0; k < t->n_classes; k++) {
        hits += t->hits[k];
        cross += t->support[k] * t->predicted[k];
        labels += t->support[k] * t->support[k];
        answers += t->predicted[k] * t->predicted[k];
    }
    const double spread = (s * s - labels) * (s * s - answers);
    figure[QN_FIGURE_TOP1] = hits / s;
    figure[QN_FIGURE_KAPPA] = (hits * s - cross) / (s * s - cross);
    figure[QN_FIGURE_MCC] = spread > 0 ? (hits * s - cross) / sqrt(spread) : 0;
}

void qn_tally_figures(const qn_tally *t, double figure[QN_N_FIGURES])
{
    figure[QN_FIGURE_TOP5] = t->top5 / t->weight;
    figure[QN_FIGURE_LOSS] = t->loss / t->weight;
    figure[QN_FIGURE_BRIER] = t->brier / t->weight;
    figure[QN_FIGURE_CONFIDENCE] = t->confidence / t->weight;
    class_means(t, figure);
    agreement(t, figure);
}

/* ---- all of it ------------------------------------------------------------------- */

/* Items that are allowed k + 1 answers, each a step further down the ranks. */
static void top_k(qn_metrics *m, double weight)
{
    double sum = 0;
    for (int64_t i = 0; i < m->n_outcomes; i++)
        if (m->outcomes[i].label >= 0 && m->outcomes[i].rank < m->n_top)
            m->top[m->outcomes[i].rank] += m->outcomes[i].weight;
    for (int k = 0; k < m->n_top; k++)
        m->top[k] = (sum += m->top[k]) / weight;
}

static void per_class(qn_metrics *m, const qn_tally *t)
{
    for (int64_t i = 0; i < m->n_outcomes; i++) {
        const qn_outcome *o = &m->outcomes[i];
        if (o->label < 0) continue;
        m->classes[o->label].n++;
        m->classes[o->predicted].n_predicted++;
        m->classes[o->label].n_hits += o->rank == 0;
        m->confusion[(int64_t)o->label * m->n_classes + o->predicted]++;
    }
    for (int k = 0; k < m->n_classes; k++) {
        qn_class_metrics *c = &m->classes[k];
        c->support = t->support[k];
        c->predicted = t->predicted[k];
        c->hits = t->hits[k];
        c->precision = c->hits / c->predicted; /* 0/0 is NaN: not defined */
        c->recall = c->hits / c->support;
        c->f1 = qn_f1(c->hits, c->support, c->predicted);
        c->roc_auc = c->average_precision = NAN;
    }
}

static quern_status sum_up(qn_metrics *m, qn_arena *arena, quern_error *err)
{
    qn_tally t;
    void *room;
    QN_TRY(qn_arena_array(arena, (size_t)m->n_classes, 3 * sizeof(double), &room, err));
    qn_tally_init(&t, room, m->n_classes);
    for (int64_t i = 0; i < m->n_outcomes; i++) {
        if (m->outcomes[i].label < 0) continue;
        qn_tally_add(&t, &m->outcomes[i]);
        m->n++;
    }
    if (!(t.weight > 0))
        return qn_fail(
            err, QUERN_DATA,
            "%lld items, of which %lld have a label; their weights sum to %g",
            (long long)m->n_outcomes, (long long)m->n, t.weight);
    per_class(m, &t);
    top_k(m, t.weight);
    qn_tally_figures(&t, m->figure);
    return QUERN_OK;
}

static quern_status make_room(qn_metrics *m, qn_arena *arena, quern_error *err)
{
    const size_t n = (size_t)m->n_classes;
    void *top, *classes, *confusion;
    QN_TRY(qn_arena_array(arena, (size_t)m->n_top, sizeof *m->top, &top, err));
    QN_TRY(qn_arena_array(arena, n, sizeof *m->classes, &classes, err));
    QN_TRY(qn_arena_array(arena, n, n * sizeof *m->confusion, &confusion, err));
    m->top = top;
    m->classes = classes;
    m->confusion = confusion;
    for (int i = 0; i < QN_N_FIGURES; i++)
        m->figure[i] = m->lo[i] = m->hi[i] = NAN;
    return QUERN_OK;
}

quern_status qn_metrics_of_outcomes(const qn_outcome *outcomes, int64_t n,
                                    int n_classes, const qn_metrics_options *opt,
                                    qn_arena *arena, qn_metrics *m, quern_error *err)
{
    const qn_metrics_options defaults = {0};
    if (!opt) opt = &defaults;
    const int top = opt->top > 0 ? opt->top : 5;
    *m = (qn_metrics){.n_classes = n_classes,
                      .n_top = top < n_classes ? top : n_classes,
                      .n_outcomes = n,
                      .outcomes = outcomes};
    QN_TRY(make_room(m, arena, err));
    QN_TRY(sum_up(m, arena, err));
    QN_TRY(qn_metrics_calibrate(m, arena, err));
    return opt->bootstrap > 0 ? qn_metrics_bootstrap(opt, arena, m, err) : QUERN_OK;
}

quern_status qn_metrics_compute(const qn_predictions *in, const qn_metrics_options *opt,
                                qn_arena *arena, qn_metrics *m, quern_error *err)
{
    const qn_metrics_options defaults = {0};
    void *room;
    if (!opt) opt = &defaults;
    QN_TRY(check(in, err));
    QN_TRY(qn_arena_array(arena, (size_t)in->n, sizeof(qn_outcome), &room, err));
    outcomes_ctx ctx = {in, room};
    qn_parallel_for(opt->pool, in->n, 256, outcomes_range, &ctx);
    QN_TRY(qn_metrics_of_outcomes(room, in->n, in->n_classes, opt, arena, m, err));
    return opt->no_ranking ? QUERN_OK : qn_metrics_rank(in, opt, arena, m, err);
}
