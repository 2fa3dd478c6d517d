/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/rows_avx2.c - what is done row by row between matrix products: slots
 * softmax_f32 (rows that lie densely; the rest is the reference's) and moments_f32. */
#include "kernels/kernels.h"
#include "kernels/x86/v8_avx2.h"
#include "kernels/tmpl/act8c.h"

#include <string.h>

qn_softmax_f32_fn qn_softmax_f32_avx2;
qn_moments_f32_fn qn_moments_f32_avx2;

static float reduce8(__m256 v, bool is_max)
{
    float lane[8], r;
    _mm256_storeu_ps(lane, v);
    r = lane[0];
    for (int i = 1; i < 8; i++)
        r = is_max ? lane[i] > r ? lane[i] : r : r + lane[i];
    return r;
}

/* exp(x) for x <= 0, 0 from where it would be subnormal; NaN gives NaN. */
static __m256 exp_below(__m256 x)
{
    return _mm256_and_ps(qn_exp8(x), _mm256_cmp_ps(x, qn_set8(-87.3f), _CMP_NLT_UQ));
}

/* A NaN may escape the maximum, but not the sum. */
static void softmax_row(const float *x, float *y, int64_t n)
{
    const int64_t whole = n / 8 * 8;
    float tail[8];
    for (int i = 0; i < 8; i++)
        tail[i] = whole + i < n ? x[whole + i] : -INFINITY;
    const __m256 last = _mm256_loadu_ps(tail);
    __m256 max = last, sum;
    for (int64_t i = 0; i < whole; i += 8)
        max = _mm256_max_ps(max, _mm256_loadu_ps(x + i));
    max = qn_set8(reduce8(max, true));
    sum = _mm256_setzero_ps();
    for (int64_t i = 0; i < whole; i += 8) {
        const __m256 e = exp_below(_mm256_sub_ps(_mm256_loadu_ps(x + i), max));
        sum = _mm256_add_ps(sum, e);
        _mm256_storeu_ps(y + i, e);
    }
    __m256 rest = exp_below(_mm256_sub_ps(last, max));
    if (whole < n) sum = _mm256_add_ps(sum, rest);
    const __m256 scale = qn_set8(1 / reduce8(sum, false));
    for (int64_t i = 0; i < whole; i += 8)
        _mm256_storeu_ps(y + i, _mm256_mul_ps(scale, _mm256_loadu_ps(y + i)));
    _mm256_storeu_ps(tail, _mm256_mul_ps(scale, rest));
    memcpy(y + whole, tail, (size_t)(n - whole) * sizeof *y);
}

void qn_softmax_f32_avx2(qn_softmax_kind kind, int64_t n, int64_t inner, const float *x,
                         float *y, int64_t begin, int64_t end)
{
    if (kind != QN_SOFTMAX || inner != 1 || n == 0) {
        qn_softmax_f32(kind, n, inner, x, y, begin, end);
        return;
    }
    for (int64_t o = begin; o < end; o++)
        softmax_row(x + o * n, y + o * n, n);
}

/* Sums of (x - shift) and (x - shift)^2, in the reference's eight lanes. */
static void sums(const float *x, int64_t n, double shift, double *sum, double *squares)
{
    const __m256d by = _mm256_set1_pd(shift);
    __m256d s0 = _mm256_setzero_pd(), s1 = s0, q0 = s0, q1 = s0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256d a = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(x + i)), by);
        __m256d b = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(x + i + 4)), by);
        s0 = _mm256_add_pd(s0, a);
        s1 = _mm256_add_pd(s1, b);
        q0 = _mm256_add_pd(q0, _mm256_mul_pd(a, a));
        q1 = _mm256_add_pd(q1, _mm256_mul_pd(b, b));
    }
    double s[8], q[8];
    _mm256_storeu_pd(s, s0);
    _mm256_storeu_pd(s + 4, s1);
    _mm256_storeu_pd(q, q0);
    _mm256_storeu_pd(q + 4, q1);
    for (int j = 0; i < n; i++, j++) {
        const double v = (double)x[i] - shift;
        s[j] += v;
        q[j] += v * v;
    }
    *sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    *squares = ((q[0] + q[1]) + (q[2] + q[3])) + ((q[4] + q[5]) + (q[6] + q[7]));
}

qn_moments qn_moments_f32_avx2(const float *x, int64_t n)
{
    double sum, squares;
    const double shift = n > 0 ? (double)x[0] : 0;
    sums(x, n, shift, &sum, &squares);
    const double mean = shift + sum / (double)n;
    sums(x, n, mean, &sum, &squares);
    return (qn_moments){mean, squares / (double)n};
}
