/* SPDX-License-Identifier: Apache-2.0 */
/* engine/blas.c - see blas.h. */
#include "engine/blas.h"
#include "engine/os.h"
#include "kernels/matrix.h"

#include <limits.h>
#include <string.h>

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

static bool fits_int(int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb,
                     int64_t ldc)
{
    return m <= INT_MAX && n <= INT_MAX && k <= INT_MAX && lda <= INT_MAX &&
           ldb <= INT_MAX && ldc <= INT_MAX;
}

/* BLAS wants row steps of at least 1 even where a dim is 0 or 1. */
static int step(int64_t ld, int64_t columns)
{
    return (int)(ld > columns ? ld : columns > 1 ? columns : 1);
}

static qn_gemm_f32_fn gemm_f32_blas;
static qn_gemm_f64_fn gemm_f64_blas;

static void gemm_f32_blas(const qn_kernels *slots, bool ta, bool tb, int64_t m,
                          int64_t n, int64_t k, float alpha, const float *a,
                          int64_t lda, const float *b, int64_t ldb, float beta,
                          float *c, int64_t ldc)
{
    if (m == 0 || n == 0) return;
    if (!fits_int(m, n, k, lda, ldb, ldc))
        qn_gemm_f32_ref(slots, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    else
        slots->cblas_sgemm(ROW_MAJOR, ta ? TRANSPOSED : PLAIN, tb ? TRANSPOSED : PLAIN,
                           (int)m, (int)n, (int)k, alpha, a, step(lda, ta ? m : k), b,
                           step(ldb, tb ? k : n), beta, c, step(ldc, n));
}

static void gemm_f64_blas(const qn_kernels *slots, bool ta, bool tb, int64_t m,
                          int64_t n, int64_t k, double alpha, const double *a,
                          int64_t lda, const double *b, int64_t ldb, double beta,
                          double *c, int64_t ldc)
{
    if (m == 0 || n == 0) return;
    if (!fits_int(m, n, k, lda, ldb, ldc))
        qn_gemm_f64_ref(slots, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    else
        slots->cblas_dgemm(ROW_MAJOR, ta ? TRANSPOSED : PLAIN, tb ? TRANSPOSED : PLAIN,
                           (int)m, (int)n, (int)k, alpha, a, step(lda, ta ? m : k), b,
                           step(ldb, tb ? k : n), beta, c, step(ldc, n));
}

/* A function pointer from dlsym: ISO C converts no void *, POSIX promises the bytes. */
static void find(void *lib, const char *symbol, void *fn, size_t size)
{
    void *p = qn_lib_find(lib, symbol);
    memcpy(fn, &p, size);
}

bool qn_blas_open(qn_kernels *k)
{
    void *lib = qn_lib_open_single("libopenblas.so.0");
    if (!lib) return false;
    int (*threads)(void);
    qn_cblas_sgemm_fn *sgemm;
    qn_cblas_dgemm_fn *dgemm;
    find(lib, "openblas_get_num_threads", &threads, sizeof threads);
    find(lib, "cblas_sgemm", &sgemm, sizeof sgemm);
    find(lib, "cblas_dgemm", &dgemm, sizeof dgemm);
    if (!threads || !sgemm || !dgemm || threads() != 1) {
        qn_lib_close(lib);
        return false;
    }
    k->cblas_sgemm = sgemm;
    k->cblas_dgemm = dgemm;
    k->gemm_f32 = gemm_f32_blas;
    k->gemm_f64 = gemm_f64_blas;
    return true;
}
