/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/gemv.h - vector times matrix, included once per element type and
 * instruction set with T and GEMV defined.  Transposed: dot products with 16 partial
 * sums, four rows of B at a time.  Else: eight rows of B are added per sweep over y, so
 * that y is loaded and stored once for eight rows.  Plain loops, made to vectorise. */

#define QN_GEMV_LANES 16

static inline T GEMV_FOLD(const T *acc)
{
    T sum = 0;
    for (int l = 0; l < QN_GEMV_LANES; l++)
        sum += acc[l];
    return sum;
}

static void GEMV_DOTS(int64_t n, int64_t k, T alpha, const T *x, const T *b,
                      int64_t ldb, T beta, T *y)
{
    int64_t whole = k - k % QN_GEMV_LANES;
    for (int64_t j = 0; j < n; j += 4) {
        const int64_t rows = n - j < 4 ? n - j : 4;
        const T *r0 = b + j * ldb, *r1 = r0 + (rows > 1 ? ldb : 0);
        const T *r2 = r0 + (rows > 2 ? 2 * ldb : 0),
                *r3 = r0 + (rows > 3 ? 3 * ldb : 0);
        T s0[QN_GEMV_LANES] = {0}, s1[QN_GEMV_LANES] = {0};
        T s2[QN_GEMV_LANES] = {0}, s3[QN_GEMV_LANES] = {0};
        for (int64_t p = 0; p < whole; p += QN_GEMV_LANES)
            for (int l = 0; l < QN_GEMV_LANES; l++) {
                s0[l] += x[p + l] * r0[p + l];
                s1[l] += x[p + l] * r1[p + l];
                s2[l] += x[p + l] * r2[p + l];
                s3[l] += x[p + l] * r3[p + l];
            }
        T sum[4] = {GEMV_FOLD(s0), GEMV_FOLD(s1), GEMV_FOLD(s2), GEMV_FOLD(s3)};
        for (int64_t p = whole; p < k; p++) {
            sum[0] += x[p] * r0[p];
            sum[1] += x[p] * r1[p];
            sum[2] += x[p] * r2[p];
            sum[3] += x[p] * r3[p];
        }
        for (int64_t r = 0; r < rows; r++)
            y[j + r] = (beta == 0 ? 0 : beta * y[j + r]) + alpha * sum[r];
    }
}

static void GEMV_SWEEPS(int64_t n, int64_t k, T alpha, const T *x, const T *b,
                        int64_t ldb, T beta, T *y)
{
    for (int64_t j = 0; j < n; j++)
        y[j] = beta == 0 ? 0 : beta * y[j];
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) {
        const T *r = b + p * ldb;
        T w[8];
        for (int i = 0; i < 8; i++)
            w[i] = alpha * x[p + i];
        for (int64_t j = 0; j < n; j++) {
            T lo = w[0] * r[j] + w[1] * r[j + ldb];
            T hi = w[4] * r[j + 4 * ldb] + w[5] * r[j + 5 * ldb];
            lo += w[2] * r[j + 2 * ldb] + w[3] * r[j + 3 * ldb];
            hi += w[6] * r[j + 6 * ldb] + w[7] * r[j + 7 * ldb];
            y[j] += lo + hi;
        }
    }
    for (; p < k; p++) {
        const T *r = b + p * ldb;
        const T w = alpha * x[p];
        for (int64_t j = 0; j < n; j++)
            y[j] += w * r[j];
    }
}

void GEMV(bool tb, int64_t n, int64_t k, T alpha, const T *x, const T *b, int64_t ldb,
          T beta, T *y)
{
    if (tb)
        GEMV_DOTS(n, k, alpha, x, b, ldb, beta, y);
    else
        GEMV_SWEEPS(n, k, alpha, x, b, ldb, beta, y);
}
