/* SPDX-License-Identifier: Apache-2.0 */
/* engine/metrics_rank.c - one class against the rest by the order of its probabilities:
 * the area under the ROC curve as a rank sum in which ties count half (Hanley and
 * McNeil 1982), and average precision, the sum over thresholds of precision times the
 * step in recall, as scikit-learn has it. */
#include "engine/metrics_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t qn_sort_key(float value, int64_t index)
{
    uint32_t bits; /* of numbers not below 0 they sort as integers */
    const float positive = value + 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &positive, sizeof bits);
    return (uint64_t)bits << 32 | (uint32_t)index;
}

int qn_by_key(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

typedef struct rank_ctx {
    const qn_predictions *in;
    qn_metrics *m;
    uint64_t *keys; /* [workers][n] */
} rank_ctx;

/* Those that count, in the order of p of the class; how many. */
static int64_t sorted(const rank_ctx *c, int k, uint64_t *keys)
{
    const qn_predictions *in = c->in;
    int64_t n = 0;
    for (int64_t i = 0; i < in->n; i++)
        if (c->m->outcomes[i].label >= 0)
            keys[n++] = qn_sort_key(in->p[i * in->n_classes + k], i);
    qsort(keys, (size_t)n, sizeof *keys, qn_by_key);
    return n;
}

/* From the highest p down, items of equal p at once. */
static void rank_class(const rank_ctx *c, int k, uint64_t *keys)
{
    qn_class_metrics *class = &c->m->classes[k];
    const int64_t n = sorted(c, k, keys);
    double hits = 0, others = 0, area = 0, precision = 0;
    for (int64_t i = n - 1; i >= 0;) {
        const uint64_t value = keys[i] >> 32;
        double more_hits = 0, more_others = 0;
        for (; i >= 0 && keys[i] >> 32 == value; i--) {
            const qn_outcome *o = &c->m->outcomes[QN_KEY_INDEX(keys[i])];
            *(o->label == k ? &more_hits : &more_others) += o->weight;
        }
        area += more_others * (hits + more_hits / 2);
        hits += more_hits;
        others += more_others;
        if (more_hits > 0) precision += more_hits * hits / (hits + others);
    }
    class->roc_auc = area / (hits * others); /* 0/0: NaN, one of the two is missing */
    class->average_precision = precision / hits;
}

static void rank_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    const rank_ctx *c = ctx;
    for (int64_t k = begin; k < end; k++)
        rank_class(c, (int)k, c->keys + worker * c->in->n);
}

static double mean_of(const qn_metrics *m, size_t offset)
{
    double sum = 0;
    int n = 0;
    for (int k = 0; k < m->n_classes; k++) {
        const double x = *(const double *)((const char *)&m->classes[k] + offset);
        if (isnan(x)) continue;
        sum += x;
        n++;
    }
    return n ? sum / n : NAN;
}

quern_status qn_metrics_rank(const qn_predictions *in, const qn_metrics_options *opt,
                             qn_arena *arena, qn_metrics *m, quern_error *err)
{
    void *keys;
    const size_t n_workers = (size_t)qn_pool_size(opt->pool);
    QN_TRY(
        qn_arena_array(arena, (size_t)in->n, n_workers * sizeof(uint64_t), &keys, err));
    rank_ctx ctx = {in, m, keys};
    qn_parallel_for(opt->pool, in->n_classes, 1, rank_range, &ctx);
    m->figure[QN_FIGURE_ROC_AUC] = mean_of(m, offsetof(qn_class_metrics, roc_auc));
    m->figure[QN_FIGURE_AVERAGE_PRECISION] =
        mean_of(m, offsetof(qn_class_metrics, average_precision));
    return QUERN_OK;
}
