/* SPDX-License-Identifier: Apache-2.0 */
/* bench/stats.c - see stats.h. */
#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void qn_sort(double *v, int n)
{
    if (n > 1) qsort(v, (size_t)n, sizeof *v, by_value);
}

double qn_quantile(const double *sorted, int n, double q)
{
    if (n < 1) return (double)NAN;
    const double at = q * (n - 1);
    const int i = (int)at;
    if (i >= n - 1) return sorted[n - 1];
    return sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]);
}

double qn_median(const double *sorted, int n)
{
    return qn_quantile(sorted, n, 0.5);
}

double qn_mad(const double *sorted, int n, double *room)
{
    const double middle = qn_median(sorted, n);
    for (int i = 0; i < n; i++)
        room[i] = fabs(sorted[i] - middle);
    qn_sort(room, n);
    return 1.4826 * qn_median(room, n);
}

/* ---- the binomial distribution --------------------------------------------------- */

static double log_pmf(int n, int k, double q)
{
    return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) + k * log(q) +
           (n - k) * log1p(-q);
}

double qn_binomial_cdf(int n, int k, double q)
{
    double sum = 0;
    if (k < 0) return 0;
    if (k >= n) return 1;
    /* From k downwards, until terms no longer count. */
    for (int i = k; i >= 0; i--) {
        const double term = exp(log_pmf(n, i, q));
        sum += term;
        if (i < n * q && term < 1e-17 * sum) break;
    }
    return sum < 1 ? sum : 1;
}

bool qn_median_ranks(int n, double confidence, int *lo, int *hi)
{
    const double tail = (1 - confidence) / 2;
    int k = (int)(0.5 * n - 2.0 * sqrt(n)) - 2; /* begin outside and move in */
    if (k < 0) k = 0;
    /* [k, n-1-k] misses the median when at most k of n lie on one side of it. */
    if (n < 1 || qn_binomial_cdf(n, 0, 0.5) > tail) {
        *lo = 0;
        *hi = n > 0 ? n - 1 : 0;
        return false;
    }
    while (k + 1 < n - 2 - k && qn_binomial_cdf(n, k + 1, 0.5) <= tail)
        k++;
    while (k > 0 && qn_binomial_cdf(n, k, 0.5) > tail)
        k--;
    *lo = k;
    *hi = n - 1 - k;
    return true;
}

int qn_quantile_bound(int n, double q, double confidence)
{
    /* sorted[k] is below the quantile only if more than k of n values are. */
    int k = (int)(q * n);
    while (k < n && qn_binomial_cdf(n, k, q) < confidence)
        k++;
    return k < n ? k : -1;
}

double qn_sign_test(int plus, int minus)
{
    const int n = plus + minus, least = plus < minus ? plus : minus;
    const double p = 2 * qn_binomial_cdf(n, least, 0.5);
    return n == 0 || p > 1 ? 1 : p;
}

/* ---- resampling ------------------------------------------------------------------ */

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

enum { RESAMPLES = 1000, RESAMPLED = 512 };

void qn_bootstrap_median(const double *v, int n, double confidence, uint64_t seed,
                         double *lo, double *hi)
{
    double medians[RESAMPLES], drawn[RESAMPLED];
    const int m = n < RESAMPLED ? n : RESAMPLED;
    for (int r = 0; r < RESAMPLES && n > 0; r++) {
        for (int i = 0; i < m; i++)
            drawn[i] = v[next_random(&seed) % (uint64_t)n];
        qn_sort(drawn, m);
        medians[r] = qn_median(drawn, m);
    }
    qn_sort(medians, n > 0 ? RESAMPLES : 0);
    *lo = qn_quantile(medians, n > 0 ? RESAMPLES : 0, (1 - confidence) / 2);
    *hi = qn_quantile(medians, n > 0 ? RESAMPLES : 0, (1 + confidence) / 2);
}

bool qn_has_trend(const double *v, int n)
{
    int s = 0;
    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++)
            s += (v[k] > v[i]) - (v[k] < v[i]);
    const double var = n * (n - 1.0) * (2.0 * n + 5) / 18;
    return var > 0 && (abs(s) - 1) / sqrt(var) > 1.96;
}

qn_stats qn_stats_of(const double *v, int n, double *room)
{
    qn_stats s = {.n = n};
    int lo, hi;
    double sum = 0;
    if (n < 1) return s;
    memcpy(room, v, (size_t)n * sizeof *v);
    qn_sort(room, n);
    for (int i = 0; i < n; i++)
        sum += room[i];
    s.mean = sum / n;
    s.min = room[0];
    s.max = room[n - 1];
    s.p5 = qn_quantile(room, n, 0.05);
    s.median = qn_median(room, n);
    s.p90 = qn_quantile(room, n, 0.90);
    s.p95 = qn_quantile(room, n, 0.95);
    s.p99 = qn_quantile(room, n, 0.99);
    s.is_proper = qn_median_ranks(n, 0.95, &lo, &hi);
    s.lo = room[lo];
    s.hi = room[hi];
    for (int i = 0; i < n; i++)
        room[i] = fabs(room[i] - s.median);
    qn_sort(room, n);
    s.mad = 1.4826 * qn_median(room, n);
    return s;
}
