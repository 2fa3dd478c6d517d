/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/fft_ref.c - radix 2 by Cooley and Tukey for powers of two; any other
 * length as a convolution with a chirp of the next power of two (Bluestein 1970). */
#include "kernels/fft.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

static bool is_power(int64_t n)
{
    return (n & (n - 1)) == 0;
}

/* The power of two that a transform of length n is done with; 0: too long. */
static int64_t work_length(int64_t n)
{
    if (is_power(n)) return n;
    if (n > INT64_C(1) << 55) return 0;
    int64_t m = 1;
    while (m < 2 * n - 1)
        m *= 2;
    return m;
}

size_t qn_fft_room(int64_t n)
{
    int64_t m = n > INT64_C(1) << 55 ? 0 : work_length(n);
    if (m == 0) return 0;
    return (size_t)(is_power(n) ? m : 5 * m + 2 * n);
}

/* In place, m a power of two. */
static void radix2(const double *roots, int64_t m, bool inverse, double *z)
{
    for (int64_t i = 1, j = 0; i < m; i++) { /* bit reversal */
        int64_t bit = m >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i >= j) continue;
        for (int c = 0; c < 2; c++) {
            double t = z[2 * i + c];
            z[2 * i + c] = z[2 * j + c];
            z[2 * j + c] = t;
        }
    }
    for (int64_t half = 1; half < m; half *= 2)
        for (int64_t base = 0; base < m; base += 2 * half)
            for (int64_t k = 0; k < half; k++) {
                const double *w = roots + 2 * (k * (m / 2 / half));
                double wr = w[0], wi = inverse ? -w[1] : w[1];
                double *a = z + 2 * (base + k), *b = a + 2 * half;
                double tr = b[0] * wr - b[1] * wi, ti = b[0] * wi + b[1] * wr;
                b[0] = a[0] - tr;
                b[1] = a[1] - ti;
                a[0] += tr;
                a[1] += ti;
            }
}

void qn_fft_init(qn_fft *f, int64_t n, double *room)
{
    int64_t m = work_length(n);
    *f = (qn_fft){.n = n, .m = m, .roots = room};
    for (int64_t k = 0; k < m / 2; k++) {
        double angle = -2 * pi * (double)k / (double)m;
        room[2 * k] = cos(angle);
        room[2 * k + 1] = sin(angle);
    }
    if (m == n) return;
    f->wave = room + m;
    f->work = f->wave + 2 * m;
    f->chirp = f->work + 2 * m;
    for (int64_t k = 0; k < n; k++) { /* k^2 modulo 2n keeps the angle exact */
        uint64_t square = (uint64_t)k * (uint64_t)k % (2 * (uint64_t)n);
        double angle = -pi * (double)square / (double)n;
        f->chirp[2 * k] = cos(angle);
        f->chirp[2 * k + 1] = sin(angle);
    }
    for (int64_t k = 0; k < 2 * m; k++)
        f->wave[k] = 0;
    for (int64_t k = 0; k < n; k++) { /* at k and, by symmetry, at -k */
        int64_t mirror = k ? m - k : 0;
        f->wave[2 * k] = f->wave[2 * mirror] = f->chirp[2 * k];
        f->wave[2 * k + 1] = f->wave[2 * mirror + 1] = -f->chirp[2 * k + 1];
    }
    radix2(f->roots, m, false, f->wave);
}

/* By the chirp: forward only; the inverse conjugates before and after. */
static void chirp_run(const qn_fft *f, double *z)
{
    double *w = f->work;
    for (int64_t k = 0; k < f->n; k++) {
        const double *c = f->chirp + 2 * k;
        w[2 * k] = z[2 * k] * c[0] - z[2 * k + 1] * c[1];
        w[2 * k + 1] = z[2 * k] * c[1] + z[2 * k + 1] * c[0];
    }
    for (int64_t k = 2 * f->n; k < 2 * f->m; k++)
        w[k] = 0;
    radix2(f->roots, f->m, false, w);
    for (int64_t k = 0; k < f->m; k++) {
        double re = w[2 * k] * f->wave[2 * k] - w[2 * k + 1] * f->wave[2 * k + 1];
        w[2 * k + 1] = w[2 * k] * f->wave[2 * k + 1] + w[2 * k + 1] * f->wave[2 * k];
        w[2 * k] = re;
    }
    radix2(f->roots, f->m, true, w);
    for (int64_t k = 0; k < f->n; k++) {
        const double *c = f->chirp + 2 * k;
        double re = w[2 * k] / (double)f->m, im = w[2 * k + 1] / (double)f->m;
        z[2 * k] = re * c[0] - im * c[1];
        z[2 * k + 1] = re * c[1] + im * c[0];
    }
}

void qn_fft_run(const qn_fft *f, bool inverse, double *z)
{
    if (f->m == f->n) {
        radix2(f->roots, f->m, inverse, z);
        return;
    }
    for (int64_t k = 0; inverse && k < f->n; k++)
        z[2 * k + 1] = -z[2 * k + 1];
    chirp_run(f, z);
    for (int64_t k = 0; inverse && k < f->n; k++)
        z[2 * k + 1] = -z[2 * k + 1];
}
