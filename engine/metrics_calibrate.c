/* SPDX-License-Identifier: Apache-2.0 */
/* engine/metrics_calibrate.c - whether confidence is what it says: the expected
 * calibration error over bins of equal width (Naeini, Cooper, Hauskrecht 2015; Guo et
 * al. 2017) and of equal mass (Nguyen and O'Connor 2015), and temperature scaling. */
#include "engine/metrics_parts.h"

#include <math.h>
#include <stdlib.h>

/* ---- bins ------------------------------------------------------------------------ */

static void bin_add(qn_bin *b, const qn_outcome *o)
{
    b->n++;
    b->weight += o->weight;
    b->confidence += o->weight * o->confidence;
    b->accuracy += o->rank == 0 ? o->weight : 0;
}

/* Sums to means; the mean distance between accuracy and confidence. */
static double bins_finish(qn_bin bins[QN_BINS])
{
    double all = 0, distance = 0;
    for (int i = 0; i < QN_BINS; i++) {
        all += bins[i].weight;
        distance += fabs(bins[i].accuracy - bins[i].confidence);
    }
    for (int i = 0; i < QN_BINS; i++) {
        bins[i].confidence /= bins[i].weight; /* 0/0 is NaN: an empty bin */
        bins[i].accuracy /= bins[i].weight;
        bins[i].weight /= all;
    }
    return distance / all;
}

static double equal_width(qn_metrics *m)
{
    for (int i = 0; i < QN_BINS; i++) {
        m->width[i].lo = (double)i / QN_BINS;
        m->width[i].hi = (double)(i + 1) / QN_BINS;
    }
    for (int64_t i = 0; i < m->n_outcomes; i++) {
        const qn_outcome *o = &m->outcomes[i];
        if (o->label < 0) continue;
        const int at = (int)ceil(fmin(o->confidence, 1) * QN_BINS) - 1;
        bin_add(&m->width[at < 0 ? 0 : at], o);
    }
    return bins_finish(m->width);
}

/* Bin i holds items n i / 15 .. n (i + 1) / 15 by confidence. */
static double equal_mass(qn_metrics *m, uint64_t *keys)
{
    int64_t n = 0;
    for (int64_t i = 0; i < m->n_outcomes; i++)
        if (m->outcomes[i].label >= 0)
            keys[n++] = qn_sort_key((float)m->outcomes[i].confidence, i);
    qsort(keys, (size_t)n, sizeof *keys, qn_by_key);
    for (int b = 0; b < QN_BINS; b++) {
        const int64_t begin = n * b / QN_BINS, end = n * (b + 1) / QN_BINS;
        qn_bin *bin = &m->mass[b];
        for (int64_t i = begin; i < end; i++)
            bin_add(bin, &m->outcomes[QN_KEY_INDEX(keys[i])]);
        bin->lo = end > begin ? m->outcomes[QN_KEY_INDEX(keys[begin])].confidence : NAN;
        bin->hi =
            end > begin ? m->outcomes[QN_KEY_INDEX(keys[end - 1])].confidence : NAN;
    }
    return bins_finish(m->mass);
}

quern_status qn_metrics_calibrate(qn_metrics *m, qn_arena *arena, quern_error *err)
{
    void *keys;
    QN_TRY(qn_arena_array(arena, (size_t)m->n_outcomes, sizeof(uint64_t), &keys, err));
    m->figure[QN_FIGURE_ECE] = equal_width(m);
    m->figure[QN_FIGURE_ECE_MASS] = equal_mass(m, keys);
    return QUERN_OK;
}

/* ---- temperature ----------------------------------------------------------------- */

/* The log loss as a function of b = 1/T is convex: of item i it is log sum exp(b z_k) -
 * b z_label, its slope mean(z) - z_label and its curvature var(z) under softmax(b z).
 */
typedef struct slope {
    double weight, loss, first, second;
} slope;

typedef struct slope_ctx {
    const qn_predictions *in;
    double b;
    slope *blocks;
} slope_ctx;

#define SLOPE_GRAIN 256

static slope item_slope(const float *z, int n, int32_t label, double b)
{
    double top = -INFINITY, sum = 0, mean = 0, square = 0;
    for (int k = 0; k < n; k++)
        top = fmax(top, z[k]);
    for (int k = 0; k < n; k++) {
        const double below = z[k] - top, e = exp(b * below);
        sum += e;
        mean += e * below;
        square += e * below * below;
    }
    mean /= sum;
    square /= sum;
    return (slope){1, log(sum) - b * (z[label] - top), mean - (z[label] - top),
                   square - mean * mean};
}

static void slope_add(slope *a, slope b, double weight)
{
    a->weight += weight * b.weight;
    a->loss += weight * b.loss;
    a->first += weight * b.first;
    a->second += weight * b.second;
}

static void slope_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    const slope_ctx *c = ctx;
    const qn_predictions *in = c->in;
    slope *block = &c->blocks[begin / SLOPE_GRAIN];
    (void)worker;
    *block = (slope){0};
    for (int64_t i = begin; i < end; i++) {
        const int32_t label = in->label[i];
        if (label < 0 || label >= in->n_classes) continue;
        slope_add(
            block,
            item_slope(in->logits + i * in->n_classes, in->n_classes, label, c->b),
            in->weight ? in->weight[i] : 1);
    }
}

static slope slope_at(slope_ctx *c, qn_pool *pool, double b)
{
    slope all = {0};
    c->b = b;
    qn_parallel_for(pool, c->in->n, SLOPE_GRAIN, slope_range, c);
    for (int64_t i = 0; i * SLOPE_GRAIN < c->in->n; i++)
        slope_add(&all, c->blocks[i], 1);
    return all;
}

/* Newton's method between bounds that the sign of the slope draws in; a step out of
 * them is halved between them. */
static double least(slope_ctx *c, qn_pool *pool, slope *at)
{
    double lo = 0.01, hi = 100, b = 1;
    for (int i = 0; i < 60 && at->first != 0; i++) {
        *(at->first > 0 ? &hi : &lo) = b;
        double next = b - at->first / at->second;
        if (!(next > lo && next < hi)) next = sqrt(lo * hi);
        const double step = fabs(next - b);
        b = next;
        *at = slope_at(c, pool, b);
        if (step <= 1e-10 * b) break;
    }
    return b;
}

quern_status qn_temperature_fit(const qn_predictions *in, qn_pool *pool,
                                qn_arena *arena, qn_temperature *out, quern_error *err)
{
    void *blocks;
    const size_t n_blocks = (size_t)((in->n + SLOPE_GRAIN - 1) / SLOPE_GRAIN);
    QN_TRY(qn_arena_array(arena, n_blocks, sizeof(slope), &blocks, err));
    slope_ctx ctx = {.in = in, .blocks = blocks};
    slope at = slope_at(&ctx, pool, 1);
    if (!(at.weight > 0) || !isfinite(at.loss))
        return qn_fail(err, QUERN_DATA,
                       "no temperature fits %lld items of weight %g and log loss %g",
                       (long long)in->n, at.weight, at.loss / at.weight);
    out->before = at.loss / at.weight;
    out->value = 1 / least(&ctx, pool, &at);
    out->after = at.loss / at.weight;
    return QUERN_OK;
}
