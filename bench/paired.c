/* SPDX-License-Identifier: Apache-2.0 */
/* bench/paired.c - see paired.h. */
#include "bench/paired.h"
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

static bool is_steady(const qn_paired *how, const double *s)
{
    const double limit = log1p(how->control);
    return !(how->control > 0) || (fabs(log_of_control(s)) <= limit &&
                                   fabs(log(s[QN_SIDE_B2] / s[QN_SIDE_B])) <= limit);
}

/* The ratio whose logs are given.  Under no difference its sides are drawn alike, so
 * the median of the logs is 0 however skewed the times are. */
static qn_ratio ratio_of(double *logs, int n, double confidence)
{
    qn_ratio r = {.median = 1, .hi = (double)INFINITY};
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

static qn_ratio ratio_of_b(const qn_paired *how, const double *samples, int rounds,
                           int *dropped, double *room)
{
    int n = 0;
    for (int i = 0; i < rounds; i++) {
        const double *s = samples + (long)i * QN_SIDES;
        if (is_steady(how, s)) room[n++] = log_of_b(s);
    }
    *dropped = rounds - n;
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
    c.b = ratio_of_b(how, samples, rounds, &c.dropped, room);
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
    int dropped;
    const qn_ratio r = ratio_of_b(how, samples, rounds, &dropped, room);
    return (r.hi - r.lo) / 2 <= how->threshold / 3;
}

qn_comparison qn_compare_paired(const qn_paired *how, double *samples, double *room)
{
    const double start = how->now(how->ctx);
    int n = 0, rounds = 0;
    bool failed = false;
    while (rounds < how->max_rounds && !failed) {
        const bool is_late = how->now(how->ctx) - start > how->budget;
        if (rounds >= how->min_rounds && is_late) break;
        if (rounds >= how->min_rounds && rounds % 16 == 0 &&
            is_narrow(how, samples, rounds, room))
            break;
        for (int k = 0; k < QN_SIDES && !failed; k++) {
            const int side = orders[n % 4][k];
            const double t = how->measure(how->ctx, side);
            samples[(long)rounds * QN_SIDES + side] = t;
            failed = !(t > 0);
        }
        n++;
        rounds += !failed;
    }
    qn_comparison c = qn_judge_paired(how, samples, rounds, room);
    c.is_complete = !failed;
    return c;
}
