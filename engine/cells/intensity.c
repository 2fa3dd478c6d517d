/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/intensity.c - what a channel's raw samples are in a cell. */
#include "engine/cells/measure_parts.h"

#include <math.h>

float qn_select_float(float *v, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        const float pivot = v[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i > j) break;
            const float held = v[i];
            v[i++] = v[j];
            v[j--] = held;
        }
        if (k <= j)
            hi = j;
        else if (k >= i)
            lo = i;
        else
            break;
    }
    return v[k];
}

static float sample_at(const void *samples, quern_dtype dtype, int64_t i)
{
    if (dtype == QUERN_UINT8) return ((const uint8_t *)samples)[i];
    if (dtype == QUERN_UINT16) return ((const uint16_t *)samples)[i];
    return ((const float *)samples)[i];
}

static int64_t gather(const qn_cell_pixels *p, const void *samples, quern_dtype dtype,
                      float *room)
{
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_runs; i++) {
        const int64_t row = p->run[i].line * p->labels->width;
        for (int32_t x = p->run[i].begin; x < p->run[i].end; x++)
            room[n++] = sample_at(samples, dtype, row + x);
    }
    return n;
}

/* Of an even number the mean of the two in the middle. */
static double median_of(float *v, int64_t n)
{
    const float upper = qn_select_float(v, n, n / 2);
    if (n % 2) return upper;
    float lower = v[0];
    for (int64_t i = 1; i < n / 2; i++)
        lower = fmaxf(lower, v[i]);
    return ((double)lower + upper) / 2;
}

void qn_cell_intensity(const qn_cell_pixels *p, const void *samples, quern_dtype dtype,
                       float *room, qn_intensity *out)
{
    const int64_t n = gather(p, samples, dtype, room);
    double sum = 0, squares = 0, min = INFINITY, max = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        sum += room[i];
        min = room[i] < min ? room[i] : min;
        max = room[i] > max ? room[i] : max;
    }
    const double mean = sum / (double)n;
    if (isnan(sum)) {
        *out = (qn_intensity){NAN, NAN, NAN, NAN, NAN, NAN};
        return;
    }
    for (int64_t i = 0; i < n; i++)
        squares += (room[i] - mean) * (room[i] - mean);
    *out = (qn_intensity){mean, median_of(room, n), sqrt(squares / (double)n), min, max,
                          sum};
}

double qn_cell_mean_prob(const qn_cell_pixels *p, const float *logits)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_runs; i++) {
        const int64_t row = p->run[i].line * p->labels->width;
        n += p->run[i].end - p->run[i].begin;
        for (int32_t x = p->run[i].begin; x < p->run[i].end; x++)
            sum += 1 / (1 + exp(-(double)logits[row + x]));
    }
    return sum / (double)n;
}

float qn_percentile_float(float *v, int64_t n, double percent)
{
    const double at = percent / 100 * (double)(n - 1);
    const int64_t i = (int64_t)at;
    const float lower = qn_select_float(v, n, i);
    const float upper = i + 1 < n ? qn_select_float(v, n, i + 1) : lower;
    return (float)(lower + (at - (double)i) * ((double)upper - lower));
}
