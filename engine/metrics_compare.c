/* SPDX-License-Identifier: Apache-2.0 */
/* engine/metrics_compare.c - two classifiers on the same items, and the worst mistakes
 * of one; see metrics.h. */
#include "engine/index.h"
#include "engine/metrics.h"

#include <math.h>

/* ---- McNemar --------------------------------------------------------------------- */

/* Twice the probability of at most k heads in n fair throws, 1 at most. */
static double both_tails(int64_t k, int64_t n)
{
    double log_term = -(double)n * log(2), sum = 0; /* of the binomial, at i heads */
    for (int64_t i = 0; i <= k; i++) {
        sum += exp(log_term);
        log_term += log((double)(n - i)) - log((double)(i + 1));
    }
    return fmin(1, 2 * sum);
}

qn_mcnemar qn_mcnemar_test(const qn_outcome *a, const qn_outcome *b, int64_t n)
{
    qn_mcnemar m = {.p_chi2 = 1, .p_exact = 1};
    for (int64_t i = 0; i < n; i++) {
        if (a[i].label < 0 || b[i].label < 0) continue;
        const bool is_a = a[i].rank == 0, is_b = b[i].rank == 0;
        m.both += is_a && is_b;
        m.only_a += is_a && !is_b;
        m.only_b += !is_a && is_b;
        m.neither += !is_a && !is_b;
    }
    const int64_t fewer = m.only_a < m.only_b ? m.only_a : m.only_b;
    const int64_t differ = m.only_a + m.only_b;
    if (differ == 0) return m;
    const double distance = fmax(0, (double)(differ - 2 * fewer) - 1);
    m.chi2 = distance * distance / (double)differ;
    m.p_chi2 = erfc(sqrt(m.chi2 / 2));
    m.p_exact = both_tails(fewer, differ);
    return m;
}

/* ---- mistakes -------------------------------------------------------------------- */

static bool more_confident(const void *ctx, int64_t a, int64_t b)
{
    const qn_outcome *o = ctx;
    return o[a].confidence > o[b].confidence;
}

static bool is_mistake(const qn_outcome *o, int label, int predicted)
{
    return o->label >= 0 && o->rank != 0 && (label < 0 || o->label == label) &&
           (predicted < 0 || o->predicted == predicted);
}

quern_status qn_mistakes(const qn_metrics *m, int label, int predicted, int64_t most,
                         qn_arena *arena, int64_t **out, int64_t *n_out,
                         quern_error *err)
{
    void *room;
    int64_t n = 0, *index;
    QN_TRY(qn_arena_array(arena, (size_t)m->n_outcomes, 2 * sizeof *index, &room, err));
    index = room;
    for (int64_t i = 0; i < m->n_outcomes; i++)
        if (is_mistake(&m->outcomes[i], label, predicted)) index[n++] = i;
    qn_sort_indices(index, index + n, n, more_confident, m->outcomes);
    *out = index;
    *n_out = n < most ? n : most;
    return QUERN_OK;
}

static bool is_fuller(const void *ctx, int64_t a, int64_t b)
{
    const int64_t *confusion = ctx;
    return confusion[a] > confusion[b];
}

quern_status qn_most_confused(const qn_metrics *m, int64_t most, qn_arena *arena,
                              qn_confused **out, int64_t *n_out, quern_error *err)
{
    const int64_t k = m->n_classes;
    int64_t n = 0, *cell;
    void *room, *list;
    for (int64_t i = 0; i < k * k; i++)
        n += m->confusion[i] > 0 && i / k != i % k;
    QN_TRY(qn_arena_array(arena, (size_t)n, 2 * sizeof *cell, &room, err));
    cell = room;
    n = 0;
    for (int64_t i = 0; i < k * k; i++)
        if (m->confusion[i] > 0 && i / k != i % k) cell[n++] = i;
    qn_sort_indices(cell, cell + n, n, is_fuller, m->confusion);
    *n_out = n < most ? n : most;
    QN_TRY(qn_arena_array(arena, (size_t)*n_out, sizeof **out, &list, err));
    *out = list;
    for (int64_t i = 0; i < *n_out; i++)
        (*out)[i] = (qn_confused){(int32_t)(cell[i] / k), (int32_t)(cell[i] % k),
                                  m->confusion[cell[i]]};
    return QUERN_OK;
}
