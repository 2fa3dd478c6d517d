/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/fft.h - discrete Fourier transforms of any length, in double. */
#ifndef QN_KERNELS_FFT_H
#define QN_KERNELS_FFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Complex numbers are pairs: real, imaginary. */
typedef struct qn_fft {
    int64_t n, m;  /* length; power of two that does the work */
    double *roots; /* m/2: exp(-2 pi i k / m) */
    double *chirp; /* n: exp(-pi i k^2 / n); other lengths only */
    double *wave;  /* m: transform of the inverse chirp */
    double *work;  /* m */
} qn_fft;

/* Doubles that the tables and the work area of length n >= 1 take; 0 on overflow. */
size_t qn_fft_room(int64_t n);
/* Fills the tables; room holds qn_fft_room(n) doubles and is kept. */
void qn_fft_init(qn_fft *f, int64_t n, double *room);
/* z[n] becomes its transform, not scaled; inverse: with the other sign.  One at a time
 * for each f. */
void qn_fft_run(const qn_fft *f, bool inverse, double *z);

#endif
