/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/synth_field.c - planes of numbers: blurred, noisy, ranked. */
#include "engine/cells/synth_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TAPS = 512 };

quern_status qn_field_make(qn_arena *arena, int64_t height, int64_t width,
                           qn_field *out, quern_error *err)
{
    void *p;
    const size_t n = (size_t)(height * width);
    QN_TRY(qn_arena_array(arena, 2 * n, sizeof(double), &p, err));
    *out = (qn_field){height, width, p, (double *)p + n};
    return QUERN_OK;
}

/* ---- blur ---- */

/* Half a Gaussian, [0 .. *n), the whole summing to 1. */
static void taps_of(double sigma, double *tap, int *n)
{
    double sum = 0;
    const int reach = (int)ceil(3 * sigma);
    *n = reach + 1 < MOST_TAPS ? reach + 1 : MOST_TAPS;
    for (int k = 0; k < *n; k++) {
        tap[k] = exp(-0.5 * k * k / (sigma * sigma));
        sum += k == 0 ? tap[k] : 2 * tap[k];
    }
    for (int k = 0; k < *n; k++)
        tap[k] /= sum;
}

static int64_t held(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static void blur_row(const double *x, double *y, int64_t n, const double *tap,
                     int n_taps)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = tap[0] * x[i];
        if (i >= n_taps && i + n_taps < n)
            for (int k = 1; k < n_taps; k++)
                sum += tap[k] * (x[i - k] + x[i + k]);
        else
            for (int k = 1; k < n_taps; k++)
                sum += tap[k] * (x[held(i - k, n)] + x[held(i + k, n)]);
        y[i] = sum;
    }
}

/* Row by row, so that memory is read as it lies. */
static void blur_column(const qn_field *f, int64_t row, const double *tap, int n_taps)
{
    double *y = f->v + row * f->width;
    const double *x = f->spare + row * f->width;
    for (int64_t i = 0; i < f->width; i++)
        y[i] = tap[0] * x[i];
    for (int k = 1; k < n_taps; k++) {
        const double *a = f->spare + held(row - k, f->height) * f->width;
        const double *b = f->spare + held(row + k, f->height) * f->width;
        for (int64_t i = 0; i < f->width; i++)
            y[i] += tap[k] * (a[i] + b[i]);
    }
}

void qn_field_blur(qn_field *f, double sigma)
{
    double tap[MOST_TAPS];
    int n;
    if (!(sigma > 0.05)) return;
    taps_of(sigma, tap, &n);
    for (int64_t row = 0; row < f->height; row++)
        blur_row(f->v + row * f->width, f->spare + row * f->width, f->width, tap, n);
    for (int64_t row = 0; row < f->height; row++)
        blur_column(f, row, tap, n);
}

/* ---- noise and rank ---- */

void qn_field_noise(qn_field *f, qn_dice *dice, double sigma)
{
    const int64_t n = f->height * f->width;
    const qn_rng rng = qn_rng_make(dice->key, "noise", dice->planes++);
    double square = 0, sum = 0;
    for (int64_t i = 0; i < n; i++)
        f->v[i] = qn_rng_normal(&rng, (uint64_t)i);
    qn_field_blur(f, sigma);
    for (int64_t i = 0; i < n; i++)
        sum += f->v[i];
    for (int64_t i = 0; i < n; i++) {
        f->v[i] -= sum / (double)n;
        square += f->v[i] * f->v[i];
    }
    const double scale = square > 0 ? 1 / sqrt(square / (double)n) : 0;
    for (int64_t i = 0; i < n; i++)
        f->v[i] *= scale;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double qn_field_quantile(qn_field *f, double p)
{
    const int64_t n = f->height * f->width;
    memcpy(f->spare, f->v, (size_t)n * sizeof *f->v);
    qsort(f->spare, (size_t)n, sizeof *f->spare, by_size);
    return f->spare[(int64_t)(p * (double)(n - 1))];
}
