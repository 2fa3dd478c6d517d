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

/* Every order of the three sides, so that no place in a round favours one of them. */
static const int orders[6][QN_SIDES] = {
    {0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 2, 1}, {2, 0, 1}, {1, 0, 2},
};

/* The ratio of side to A over all rounds.  Under no difference the two are drawn alike,
 * so the median of their log ratio is 0 however skewed the times are. */
static qn_ratio ratio_of(const double *samples, int rounds, int side, double confidence,
                         double *room)
{
    qn_ratio r = {.median = 1};
    int plus = 0, minus = 0, lo, hi;
    for (int i = 0; i < rounds; i++) {
        const double *s = samples + (long)i * QN_SIDES;
        room[i] = log(s[side] / s[QN_SIDE_A]);
        plus += room[i] > 0;
        minus += room[i] < 0;
    }
    qn_sort(room, rounds);
    r.ties = rounds - plus - minus;
    r.p = qn_sign_test(plus, minus);
    if (rounds == 0) return r;
    r.median = exp(qn_median(room, rounds));
    const bool is_proper = qn_median_ranks(rounds, confidence, &lo, &hi);
    r.lo = is_proper ? exp(room[lo]) : 0;
    r.hi = is_proper ? exp(room[hi]) : (double)INFINITY;
    return r;
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
    c.b = ratio_of(samples, rounds, QN_SIDE_B, how->confidence, room);
    c.control = ratio_of(samples, rounds, QN_SIDE_CONTROL, how->confidence, room);
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
    const qn_ratio r = ratio_of(samples, rounds, QN_SIDE_B, how->confidence, room);
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
            const int side = orders[n % 6][k];
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
