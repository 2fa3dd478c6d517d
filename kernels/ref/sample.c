/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/sample.c - points to pixels and weights. */
#include "kernels/sample.h"

#include <math.h>

double qn_sample_pixel(const qn_sample *how, int d, double normalized)
{
    double n = (double)how->dim[d];
    if (how->align_corners) return (normalized + 1) / 2 * (n - 1);
    return ((normalized + 1) * n - 1) / 2;
}

/* Mirrors x at both borders until it lies between them. */
static double reflect(double x, double low, double high)
{
    double range = high - low, over = x < low ? low - x : x > high ? x - high : -1;
    if (over < 0) return x;
    if (!(range > 0)) return low;
    double rest = fmod(over, range);
    bool even = fmod(floor(over / range), 2) == 0;
    return (x < low) == even ? low + rest : high - rest;
}

static double move_inside(const qn_sample *how, int d, double x)
{
    double n = (double)how->dim[d];
    double low = how->align_corners ? 0 : -0.5,
           high = low + (how->align_corners ? n - 1 : n);
    if (how->outside == QN_OUTSIDE_REFLECTION) return reflect(x, low, high);
    if (how->outside == QN_OUTSIDE_BORDER && (x < low || x > high))
        return x < 0 ? 0 : n - 1;
    return x;
}

/* Index of pixel x (a whole number), or -1 for none. */
static int64_t pixel_index(const qn_sample *how, int d, double x)
{
    double last = (double)(how->dim[d] - 1);
    if (how->outside == QN_OUTSIDE_ZEROS) return x >= 0 && x <= last ? (int64_t)x : -1;
    x = trunc(move_inside(how, d, x));
    return !(x > 0) ? 0 : x > last ? how->dim[d] - 1 : (int64_t)x;
}

/* Keys' cubic kernel with a = -0.75. */
static double cubic(double x)
{
    const double a = -0.75;
    x = fabs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* Taps of one axis; returns how many. */
static int axis_taps(const qn_sample *how, int d, double x, int64_t *index,
                     double *weight)
{
    if (how->mode == QN_SAMPLE_NEAREST) x = rint((double)(float)x);
    x = move_inside(how, d, x);
    if (how->mode == QN_SAMPLE_NEAREST) {
        index[0] = pixel_index(how, d, trunc(x));
        weight[0] = 1;
        return 1;
    }
    int half = how->mode == QN_SAMPLE_CUBIC ? 2 : 1, n = 2 * half;
    double first = floor(x) - half + 1;
    for (int t = 0; t < n; t++) {
        double at = first + t;
        index[t] = pixel_index(how, d, at);
        weight[t] = n == 4 ? cubic(x - at) : 1 - fabs(x - at);
    }
    return n;
}

void qn_sample_point(const qn_sample *how, const double *pixel, qn_point *point)
{
    point->n = 1;
    point->at[0] = 0;
    point->weight[0] = 1;
    for (int d = 0; d < how->rank; d++) {
        int64_t index[4];
        double weight[4];
        qn_point old = {.n = point->n};
        for (int k = 0; k < old.n; k++) {
            old.at[k] = point->at[k] * how->dim[d];
            old.weight[k] = point->weight[k];
        }
        int n = axis_taps(how, d, pixel[d], index, weight);
        point->n = 0;
        for (int k = 0; k < old.n; k++)
            for (int t = 0; t < n; t++) {
                if (index[t] < 0) continue;
                point->at[point->n] = old.at[k] + index[t];
                point->weight[point->n++] = old.weight[k] * weight[t];
            }
    }
}

double qn_sample_f32(const qn_point *point, const float *plane)
{
    double sum = 0;
    for (int k = 0; k < point->n; k++)
        sum += point->weight[k] * (double)plane[point->at[k]];
    return sum;
}

double qn_sample_f64(const qn_point *point, const double *plane)
{
    double sum = 0;
    for (int k = 0; k < point->n; k++)
        sum += point->weight[k] * plane[point->at[k]];
    return sum;
}
