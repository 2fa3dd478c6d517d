/* SPDX-License-Identifier: Apache-2.0 */
/* bench/stats.h - what may be said of a list of measured times.
 *
 * Times have a long right tail and jump with the machine, so nothing here assumes a
 * distribution: medians, their intervals by order statistics, and sign tests. */
#ifndef QN_BENCH_STATS_H
#define QN_BENCH_STATS_H

#include <stdbool.h>
#include <stdint.h>

void qn_sort(double *v, int n);
/* Of sorted values; q in [0, 1], between two values in proportion.  NaN for none. */
double qn_quantile(const double *sorted, int n, double q);
double qn_median(const double *sorted, int n);
/* Median distance from the median, times 1.4826: the standard deviation if the values
 * were normal.  room: n doubles. */
double qn_mad(const double *sorted, int n, double *room);

/* P(X <= k) of a binomial variable of n trials with probability q. */
double qn_binomial_cdf(int n, int k, double q);
/* Ranks such that [sorted[lo], sorted[hi]] holds the median with at least this
 * confidence, whatever the distribution.  false: n is too small, and the ranks are the
 * extremes. */
bool qn_median_ranks(int n, double confidence, int *lo, int *hi);
/* The rank of a value that is not below quantile q with this confidence, or -1: n is
 * too small (p99 at 95 % takes 299 values). */
int qn_quantile_bound(int n, double q, double confidence);
/* How likely a split as uneven as this is when plus and minus are equally likely. */
double qn_sign_test(int plus, int minus);
/* Percentile interval of the median by resampling; the same seed gives the same bits.
 */
void qn_bootstrap_median(const double *v, int n, double confidence, uint64_t seed,
                         double *lo, double *hi);
/* Mann-Kendall: whether the values rise or fall in the order given (|z| > 1.96). */
bool qn_has_trend(const double *v, int n);

typedef struct qn_stats {
    int n;
    double min, p5, median, p90, p95, p99, max, mean, mad;
    double lo, hi;  /* 95 % interval of the median */
    bool is_proper; /* enough values for that interval */
} qn_stats;
/* room: n doubles. */
qn_stats qn_stats_of(const double *v, int n, double *room);

#endif
