/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/dwtaps_avx2.c - sum of shifted planes with 4 accumulators of 8 lanes: one
 * load and one FMA a tap and vector; the tail ends with a masked vector. */
#include "kernels/kernels.h"

#include <immintrin.h>

qn_dwtaps_f32_fn qn_dwtaps_f32_avx2;

static const int32_t tail_mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                      0,  0,  0,  0,  0,  0,  0,  0};

void qn_dwtaps_f32_avx2(int64_t n, int taps, const int64_t *shift, const float *weight,
                        float bias, const float *x, float *y)
{
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256 a = _mm256_set1_ps(bias), b = a, c = a, d = a;
        for (int t = 0; t < taps; t++) {
            const float *p = x + shift[t] + i;
            __m256 w = _mm256_broadcast_ss(weight + t);
            a = _mm256_fmadd_ps(w, _mm256_loadu_ps(p), a);
            b = _mm256_fmadd_ps(w, _mm256_loadu_ps(p + 8), b);
            c = _mm256_fmadd_ps(w, _mm256_loadu_ps(p + 16), c);
            d = _mm256_fmadd_ps(w, _mm256_loadu_ps(p + 24), d);
        }
        _mm256_storeu_ps(y + i, a);
        _mm256_storeu_ps(y + i + 8, b);
        _mm256_storeu_ps(y + i + 16, c);
        _mm256_storeu_ps(y + i + 24, d);
    }
    for (; i < n; i += 8) {
        int64_t left = n - i < 8 ? n - i : 8;
        __m256i m = _mm256_loadu_si256((const __m256i *)(tail_mask + 8 - left));
        __m256 a = _mm256_set1_ps(bias);
        for (int t = 0; t < taps; t++)
            a = _mm256_fmadd_ps(_mm256_broadcast_ss(weight + t),
                                _mm256_maskload_ps(x + shift[t] + i, m), a);
        _mm256_maskstore_ps(y + i, m, a);
    }
}
