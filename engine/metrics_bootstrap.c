/* SPDX-License-Identifier: Apache-2.0 */
/* engine/metrics_bootstrap.c - how far a figure may be chance: the items are drawn anew
 * with replacement, many times, and the middle 95 % of what comes out is the interval
 * (Efron 1979; the percentile method).  Resample r is a function of (seed, r). */
#include "engine/metrics_parts.h"
#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>

typedef struct bootstrap_ctx {
    const qn_outcome **items; /* [n]: those that count */
    int64_t n;
    int n_classes;
    uint64_t seed;
    double *room;                    /* [workers][3 * n_classes] */
    double (*figures)[QN_N_FIGURES]; /* [resamples] */
} bootstrap_ctx;

static void resample(const bootstrap_ctx *c, int64_t r, double *room)
{
    const qn_rng rng = qn_rng_make(c->seed, "bootstrap", (uint64_t)r);
    uint32_t bits[4];
    qn_tally t;
    qn_tally_init(&t, room, c->n_classes);
    for (int64_t i = 0; i < c->n; i++) {
        if (i % 4 == 0) qn_rng_block(&rng, (uint64_t)i / 4, bits);
        /* 32 bits times n: biased by less than n / 2^32 */
        qn_tally_add(&t, c->items[(uint64_t)bits[i % 4] * (uint64_t)c->n >> 32]);
    }
    qn_tally_figures(&t, c->figures[r]);
}

static void resample_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    const bootstrap_ctx *c = ctx;
    for (int64_t r = begin; r < end; r++)
        resample(c, r, c->room + (int64_t)worker * 3 * c->n_classes);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two values that the share q falls between, in proportion. */
static double quantile(const double *sorted, int n, double q)
{
    const double at = q * (n - 1);
    const int below = (int)at;
    const int above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

static void interval(const bootstrap_ctx *c, int resamples, int figure, double *values,
                     qn_metrics *m)
{
    int n = 0;
    for (int r = 0; r < resamples; r++)
        if (!isnan(c->figures[r][figure])) values[n++] = c->figures[r][figure];
    if (n == 0 || isnan(m->figure[figure])) return;
    qsort(values, (size_t)n, sizeof *values, by_value);
    m->lo[figure] = quantile(values, n, 0.025);
    m->hi[figure] = quantile(values, n, 0.975);
}

quern_status qn_metrics_bootstrap(const qn_metrics_options *opt, qn_arena *arena,
                                  qn_metrics *m, quern_error *err)
{
    void *items, *room, *figures, *values;
    const size_t n_workers = (size_t)qn_pool_size(opt->pool),
                 n_resamples = (size_t)opt->bootstrap;
    bootstrap_ctx c = {.n_classes = m->n_classes, .seed = opt->seed};
    QN_TRY(qn_arena_array(arena, (size_t)m->n, sizeof *c.items, &items, err));
    QN_TRY(qn_arena_array(arena, (size_t)m->n_classes, 3 * n_workers * sizeof(double),
                          &room, err));
    QN_TRY(qn_arena_array(arena, n_resamples, sizeof *c.figures, &figures, err));
    QN_TRY(qn_arena_array(arena, n_resamples, sizeof(double), &values, err));
    c.items = items;
    c.room = room;
    c.figures = figures;
    for (int64_t i = 0; i < m->n_outcomes; i++)
        if (m->outcomes[i].label >= 0) c.items[c.n++] = &m->outcomes[i];
    qn_parallel_for(opt->pool, opt->bootstrap, 1, resample_range, &c);
    for (int f = 0; f < QN_N_FIGURES; f++)
        if (qn_figure_at((qn_figure)f)->has_interval)
            interval(&c, opt->bootstrap, f, values, m);
    return QUERN_OK;
}
