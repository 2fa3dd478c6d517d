/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/gemm.h - matrix product in plain C, included once per element type with
 * T (the type) and GEMM (the name) defined.  Rows of C are formed four at a time, so
 * that a row of B is read once for four rows of A; the inner loop runs along n and
 * vectorises without reordering any sum. */

static void GEMM_ROWS(int64_t m, int64_t n, int64_t k, T alpha, const T *a, int64_t row,
                      int64_t col, const T *b, int64_t ldb, T *c, int64_t ldc)
{
    for (int64_t p = 0; p < k; p++) {
        const T *bp = b + p * ldb;
        for (int64_t i = 0; i < m; i++) {
            T x = alpha * a[i * row + p * col];
            T *ci = c + i * ldc;
            for (int64_t j = 0; j < n; j++)
                ci[j] += x * bp[j];
        }
    }
}

static void GEMM_DOTS(int64_t m, int64_t n, int64_t k, T alpha, const T *a, int64_t row,
                      int64_t col, const T *b, int64_t ldb, T *c, int64_t ldc)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            T sum = 0;
            for (int64_t p = 0; p < k; p++)
                sum += a[i * row + p * col] * b[j * ldb + p];
            c[i * ldc + j] += alpha * sum;
        }
}

void GEMM(const qn_kernels *slots, bool ta, bool tb, int64_t m, int64_t n, int64_t k,
          T alpha, const T *a, int64_t lda, const T *b, int64_t ldb, T beta, T *c,
          int64_t ldc)
{
    (void)slots;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
    int64_t row = ta ? 1 : lda, col = ta ? lda : 1;
    if (tb) {
        GEMM_DOTS(m, n, k, alpha, a, row, col, b, ldb, c, ldc);
        return;
    }
    for (int64_t i = 0; i < m; i += 4)
        GEMM_ROWS(m - i < 4 ? m - i : 4, n, k, alpha, a + i * row, row, col, b, ldb,
                  c + i * ldc, ldc);
}
