/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/gemv8.h - slot gemv_f32 in the words of v8_<instruction set>.h, which
 * the includer has included.  Transposed: dot products with 16 partial sums, four rows
 * of B at a time.  Else: eight rows of B are added per sweep over y, so that y is
 * loaded and stored once for eight rows.  An element has the same bits wherever it lies
 * in y. */
#include <math.h>

qn_gemv_f32_fn QN_V8_ROW(gemv_f32);

static inline float add_up(qn_v8 lo, qn_v8 hi)
{
    float lane[8], sum = 0;
    qn_store8(lane, qn_add8(lo, hi));
    for (int i = 0; i < 8; i++)
        sum += lane[i];
    return sum;
}

/* x times the four rows of k numbers at r. */
static void four_dots(int64_t k, const float *x, const float *const r[4], float sum[4])
{
    const int64_t whole = k - k % 16;
    qn_v8 lo0 = qn_zero8(), lo1 = lo0, lo2 = lo0, lo3 = lo0;
    qn_v8 hi0 = lo0, hi1 = lo0, hi2 = lo0, hi3 = lo0;
    for (int64_t p = 0; p < whole; p += 16) {
        const qn_v8 a = qn_load8(x + p), b = qn_load8(x + p + 8);
        lo0 = qn_fma8(a, qn_load8(r[0] + p), lo0);
        lo1 = qn_fma8(a, qn_load8(r[1] + p), lo1);
        lo2 = qn_fma8(a, qn_load8(r[2] + p), lo2);
        lo3 = qn_fma8(a, qn_load8(r[3] + p), lo3);
        hi0 = qn_fma8(b, qn_load8(r[0] + p + 8), hi0);
        hi1 = qn_fma8(b, qn_load8(r[1] + p + 8), hi1);
        hi2 = qn_fma8(b, qn_load8(r[2] + p + 8), hi2);
        hi3 = qn_fma8(b, qn_load8(r[3] + p + 8), hi3);
    }
    sum[0] = add_up(lo0, hi0), sum[1] = add_up(lo1, hi1);
    sum[2] = add_up(lo2, hi2), sum[3] = add_up(lo3, hi3);
    for (int64_t p = whole; p < k; p++)
        for (int i = 0; i < 4; i++)
            sum[i] = fmaf(x[p], r[i][p], sum[i]);
}

static void dots(int64_t n, int64_t k, float alpha, const float *x, const float *b,
                 int64_t ldb, float beta, float *y)
{
    for (int64_t j = 0; j < n; j += 4) {
        const int64_t rows = n - j < 4 ? n - j : 4;
        const float *r[4];
        float sum[4];
        for (int64_t i = 0; i < 4; i++)
            r[i] = b + (j + (i < rows ? i : 0)) * ldb;
        four_dots(k, x, r, sum);
        for (int64_t i = 0; i < rows; i++)
            y[j + i] = (beta == 0 ? 0 : beta * y[j + i]) + alpha * sum[i];
    }
}

/* y [n] += w [8] times eight rows of B. */
static void sweep(int64_t n, const float *w, const float *b, int64_t ldb, float *y)
{
    int64_t j = 0;
    for (; j + 8 <= n; j += 8) {
        const float *r = b + j;
        qn_v8 lo = qn_mul8(qn_set8(w[0]), qn_load8(r));
        qn_v8 hi = qn_mul8(qn_set8(w[4]), qn_load8(r + 4 * ldb));
        for (int i = 1; i < 4; i++) {
            lo = qn_fma8(qn_set8(w[i]), qn_load8(r + i * ldb), lo);
            hi = qn_fma8(qn_set8(w[i + 4]), qn_load8(r + (i + 4) * ldb), hi);
        }
        qn_store8(y + j, qn_add8(qn_load8(y + j), qn_add8(lo, hi)));
    }
    for (; j < n; j++) {
        float lo = w[0] * b[j], hi = w[4] * b[j + 4 * ldb];
        for (int i = 1; i < 4; i++) {
            lo = fmaf(w[i], b[j + i * ldb], lo);
            hi = fmaf(w[i + 4], b[j + (i + 4) * ldb], hi);
        }
        y[j] += lo + hi;
    }
}

static void sweeps(int64_t n, int64_t k, float alpha, const float *x, const float *b,
                   int64_t ldb, float beta, float *y)
{
    for (int64_t j = 0; j < n; j++)
        y[j] = beta == 0 ? 0 : beta * y[j];
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) {
        float w[8];
        for (int i = 0; i < 8; i++)
            w[i] = alpha * x[p + i];
        sweep(n, w, b + p * ldb, ldb, y);
    }
    for (; p < k; p++)
        for (int64_t j = 0; j < n; j++)
            y[j] = fmaf(alpha * x[p], b[p * ldb + j], y[j]);
}

void QN_V8_ROW(gemv_f32)(bool tb, int64_t n, int64_t k, float alpha, const float *x,
                         const float *b, int64_t ldb, float beta, float *y)
{
    if (tb)
        dots(n, k, alpha, x, b, ldb, beta, y);
    else
        sweeps(n, k, alpha, x, b, ldb, beta, y);
}
