/* SPDX-License-Identifier: Apache-2.0 */
/* bench/paired.c - see paired.h. */
#include "bench/paired.h"

#include "bench/peaks.h"
#include "bench/stats.h"

#include <math.h>

const char *qn_judgement_name(qn_judgement j)
{
    static const char *const names[] = {"same", "faster", "slower", "inconclusive"};
    return names[j];
}

/* No place in a round favours a side, and a steady drift cancels within each round. */
static const int orders[4][QN_SIDES] = {
    {QN_SIDE_A, QN_SIDE_B, QN_SIDE_B2, QN_SIDE_A2},
    {QN_SIDE_B, QN_SIDE_A, QN_SIDE_A2, QN_SIDE_B2},
    {QN_SIDE_A2, QN_SIDE_B2, QN_SIDE_B, QN_SIDE_A},
    {QN_SIDE_B2, QN_SIDE_A2, QN_SIDE_A, QN_SIDE_B},
};

static double log_of_control(const double *s)
{
    return log(s[QN_SIDE_A2] / s[QN_SIDE_A]);
}

static double log_of_b(const double *s)
{
    return 0.5 * log(s[QN_SIDE_B] * s[QN_SIDE_B2] / (s[QN_SIDE_A] * s[QN_SIDE_A2]));
}

/* Whether both sides agree with themselves within that share; 0: any two do. */
static bool is_steady(const double *s, double control)
{
    const double limit = log1p(control);
    return !(control > 0) || (fabs(log_of_control(s)) <= limit &&
                              fabs(log(s[QN_SIDE_B2] / s[QN_SIDE_B])) <= limit);
}

static bool is_starved(const qn_paired *how, int round)
{
    return how->cores > 1 && how->is_starved[round];
}

static bool counts(const qn_paired *how, const double *samples, int round)
{
    return !is_starved(how, round) &&
           is_steady(samples + (long)round * QN_SIDES, how->control);
}

/* The ratio whose logs are given.  Under no difference its sides are drawn alike, so
 * the median of the logs is 0 however skewed the times are. */
static qn_ratio ratio_of(double *logs, int n, double confidence)
{
    qn_ratio r = {.median = (double)NAN, .hi = (double)INFINITY};
    int plus = 0, minus = 0, lo, hi;
    for (int i = 0; i < n; i++) {
        plus += logs[i] > 0;
        minus += logs[i] < 0;
    }
    qn_sort(logs, n);
    r.ties = n - plus - minus;
    r.p = qn_sign_test(plus, minus);
    if (n == 0) return r;
    r.median = exp(qn_median(logs, n));
    if (!qn_median_ranks(n, confidence, &lo, &hi)) return r;
    r.lo = exp(logs[lo]);
    r.hi = exp(logs[hi]);
    return r;
}

static int n_counting(const qn_paired *how, const double *samples, int rounds)
{
    int n = 0;
    for (int i = 0; i < rounds; i++)
        n += counts(how, samples, i);
    return n;
}

static qn_ratio ratio_of_b(const qn_paired *how, bool of_all, const double *samples,
                           int rounds, double *room)
{
    int n = 0;
    for (int i = 0; i < rounds; i++)
        if (of_all || counts(how, samples, i))
            room[n++] = log_of_b(samples + (long)i * QN_SIDES);
    return ratio_of(room, n, how->confidence);
}

/* What the control says about the machine: a shift of its median is never believed in
 * B; if it is even proven, nor is any within its interval. */
static double floor_of(const qn_ratio *control)
{
    double floor = fabs(control->median - 1);
    if (control->lo > 1 && control->hi - 1 > floor) floor = control->hi - 1;
    if (control->hi < 1 && 1 - control->lo > floor) floor = 1 - control->lo;
    return floor;
}

qn_comparison qn_judge_paired(const qn_paired *how, const double *samples, int rounds,
                              double *room)
{
    qn_comparison c = {.rounds = rounds, .is_complete = true};
    c.dropped = rounds - n_counting(how, samples, rounds);
    for (int i = 0; i < rounds; i++)
        c.starved += is_starved(how, i);
    c.b = ratio_of_b(how, false, samples, rounds, room);
    c.all = ratio_of_b(how, true, samples, rounds, room);
    for (int i = 0; i < rounds; i++)
        room[i] = log_of_control(samples + (long)i * QN_SIDES);
    c.control = ratio_of(room, rounds, how->confidence);
    c.floor = floor_of(&c.control);
    const double gate = fmax(how->threshold, c.floor);
    if (c.b.lo > 1 + gate)
        c.verdict = QN_JUDGED_SLOWER;
    else if (c.b.hi < 1 - gate)
        c.verdict = QN_JUDGED_FASTER;
    else if (c.b.lo >= 1 - 2 * gate && c.b.hi <= 1 + 2 * gate)
        c.verdict = QN_JUDGED_SAME;
    else
        c.verdict = QN_JUDGED_INCONCLUSIVE;
    return c;
}

/* Whether more rounds would say nothing new; looks at widths only, never at which side
 * leads, so that stopping early finds no differences by chance. */
static bool is_narrow(const qn_paired *how, const double *samples, int rounds,
                      double *room)
{
    const qn_ratio r = ratio_of_b(how, false, samples, rounds, room);
    return (r.hi - r.lo) / 2 <= how->threshold / 3;
}

static bool is_enough(const qn_paired *how, const double *samples, int rounds,
                      double spent, double *room)
{
    if (rounds < how->min_rounds) return false;
    if (spent > 4 * how->budget) return true;
    if (n_counting(how, samples, rounds) < how->min_rounds) return false;
    return spent > how->budget ||
           (rounds % 16 == 0 && is_narrow(how, samples, rounds, room));
}

/* Whether the round could be measured. */
static bool measure_round(const qn_paired *how, int n, double *samples)
{
    bool has_cores = qn_has_cores(how->cores);
    for (int k = 0; k < QN_SIDES; k++) {
        const int side = orders[n % 4][k];
        samples[side] = how->measure(how->ctx, side);
        if (!(samples[side] > 0)) return false;
        has_cores &= qn_has_cores(how->cores);
    }
    if (how->cores > 1) how->is_starved[n] = !has_cores;
    return true;
}

qn_comparison qn_compare_paired(const qn_paired *how, double *samples, double *room)
{
    const double start = how->now(how->ctx);
    int n = 0;
    bool is_complete = true;
    while (n < how->max_rounds && is_complete &&
           !is_enough(how, samples, n, how->now(how->ctx) - start, room)) {
        is_complete = measure_round(how, n, samples + (long)n * QN_SIDES);
        n += is_complete;
    }
    qn_comparison c = qn_judge_paired(how, samples, n, room);
    c.is_complete = is_complete;
    return c;
}
