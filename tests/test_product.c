/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_product.c - matrix products: every row of the gemm and gemv slots and
 * OpenBLAS against sums in double, blocks under a pool, integers, biases. */
#include "engine/blas.h"
#include "engine/product.h"
#include "kernels/act.h"
#include "kernels/matrix.h"
#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct problem {
    bool ta, tb;
    int64_t m, n, k, lda, ldb, ldc;
    float alpha, beta;
    float *a, *b, *c, *y; /* c: before; y: after */
} problem;

static problem make(qn_test *t, bool ta, bool tb, int64_t m, int64_t n, int64_t k,
                    int64_t gap)
{
    problem p = {.ta = ta, .tb = tb, .m = m, .n = n, .k = k};
    p.lda = (ta ? m : k) + gap;
    p.ldb = (tb ? k : n) + gap;
    p.ldc = n + gap;
    p.alpha = 0.75f;
    p.beta = -0.5f;
    p.a = qn_random_floats(t, (size_t)((ta ? k : m) * p.lda));
    p.b = qn_random_floats(t, (size_t)((tb ? n : k) * p.ldb));
    p.c = qn_random_floats(t, (size_t)(m * p.ldc));
    p.y = qn_random_floats(t, (size_t)(m * p.ldc));
    return p;
}

/* Largest excess of |y - exact| over (k + 2) eps sum |a b|; 0 or below is right. */
static double excess(const problem *p)
{
    double worst = 0;
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            double sum = 0, mass = 0;
            for (int64_t q = 0; q < p->k; q++) {
                double x = (double)p->a[p->ta ? q * p->lda + i : i * p->lda + q];
                double z = (double)p->b[p->tb ? j * p->ldb + q : q * p->ldb + j];
                sum += x * z;
                mass += fabs(x * z);
            }
            double old =
                p->beta == 0 ? 0 : (double)p->beta * (double)p->c[i * p->ldc + j];
            double want = (double)p->alpha * sum + old;
            double tol = (double)(p->k + 2) * FLT_EPSILON *
                         (fabs((double)p->alpha) * mass + fabs(old));
            double off = fabs((double)p->y[i * p->ldc + j] - want) - tol;
            if (!(off <= worst)) worst = off;
        }
    return worst;
}

static void check_gemm(qn_test *t, const qn_kernels *slots, qn_gemm_f32_fn *fn)
{
    static const int64_t sizes[] = {0, 1, 3, 4, 5, 16, 33};
    enum { N = sizeof sizes / sizeof *sizes };
    for (int s = 0; s < N * N * N * 8; s++) {
        const int64_t m = sizes[s / 8 % N], n = sizes[s / 8 / N % N];
        const int64_t k = sizes[s / 8 / N / N];
        problem p = make(t, s & 1, s & 2, m, n, k, s & 4 ? 3 : 0);
        if (s % 5 == 0) { /* beta 0 does not read C */
            p.beta = 0;
            for (int64_t i = 0; i < m * p.ldc; i++)
                p.y[i] = NAN;
        } else {
            memcpy(p.y, p.c, (size_t)(m * p.ldc) * sizeof *p.y);
        }
        fn(slots, p.ta, p.tb, m, n, k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.y,
           p.ldc);
        qn_note(t, "m %d n %d k %d, case %d", (int)m, (int)n, (int)k, s & 7);
        CHECK_WITHIN(t, excess(&p), 0, 0);
    }
}

void test_gemm_rows(qn_test *t)
{
    int n;
    const qn_kernel_row *rows = qn_kernel_rows(&n);
    const unsigned isa = qn_cpu_isa();
    qn_kernels slots;
    qn_kernels_init(&slots, isa);
    for (int r = 0; r < n; r++)
        if (strcmp(rows[r].slot, "gemm_f32") == 0 &&
            (isa & rows[r].need) == rows[r].need)
            check_gemm(t, &slots, (qn_gemm_f32_fn *)rows[r].fn);
}

void test_gemm_openblas(qn_test *t)
{
    qn_kernels slots;
    qn_kernels_init(&slots, qn_cpu_isa());
    if (!qn_blas_open(&slots)) {
        CHECK(t, !slots.cblas_sgemm);
        qn_skip(t, "OpenBLAS cannot be opened here");
        return;
    }
    check_gemm(t, &slots, slots.gemm_f32);
}

void test_gemv_rows(qn_test *t)
{
    static const int64_t sizes[] = {0, 1, 2, 5, 15, 16, 17, 64, 130};
    enum { N = sizeof sizes / sizeof *sizes };
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    const unsigned isa = qn_cpu_isa();
    for (int r = 0; r < n_rows; r++) {
        if (strcmp(rows[r].slot, "gemv_f32") != 0 ||
            (isa & rows[r].need) != rows[r].need)
            continue;
        qn_gemv_f32_fn *fn = (qn_gemv_f32_fn *)rows[r].fn;
        for (int s = 0; s < N * N * 4; s++) {
            problem p = make(t, false, s & 1, 1, sizes[s / 4 % N], sizes[s / 4 / N],
                             s & 2 ? 5 : 0);
            memcpy(p.y, p.c, (size_t)p.n * sizeof *p.y);
            fn(p.tb, p.n, p.k, p.alpha, p.a, p.b, p.ldb, p.beta, p.y);
            qn_note(t, "%s n %d k %d", rows[r].name, (int)p.n, (int)p.k);
            CHECK_WITHIN(t, excess(&p), 0, 0);
        }
    }
}

/* Blocks: right at their borders, and the same bits whoever computes them. */
void test_product_blocks(qn_test *t)
{
    static const int64_t shapes[][3] = {{300, 290, 301}, {1, 3000, 130}, {2100, 1, 64},
                                        {37, 700, 900},  {0, 4, 4},      {5, 6, 0}};
    quern_error err;
    qn_pool *pool;
    REQUIRE_OK(t, quern_pool_create(3, &pool, &err), &err);
    qn_kernels slots;
    qn_kernels_init(&slots, qn_cpu_isa());
    for (int s = 0; s < 24; s++) {
        const int64_t *d = shapes[s / 4];
        problem p = make(t, s & 1, s & 2, d[0], d[1], d[2], 0);
        qn_gemm g = qn_gemm_dense(QUERN_FLOAT, p.ta, p.tb, p.m, p.n, p.k);
        g.alpha = (double)p.alpha;
        g.beta = (double)p.beta;
        g.a = p.a;
        g.b = p.b;
        const size_t bytes = (size_t)(p.m * p.n) * sizeof(float);
        float *alone = qn_exact(t, bytes);
        memcpy(alone, p.c, bytes);
        memcpy(p.y, p.c, bytes);
        g.c = alone;
        qn_gemm_run(&g, &slots, NULL);
        g.c = p.y;
        qn_gemm_run(&g, &slots, pool);
        qn_note(t, "%d x %d x %d, case %d", (int)p.m, (int)p.n, (int)p.k, s & 3);
        CHECK(t, memcmp(alone, p.y, bytes) == 0);
        CHECK_WITHIN(t, excess(&p), 0, 0);
    }
    quern_pool_free(pool);
}

/* A batch whose operands step in their own ways, with an activation behind. */
void test_product_batch(qn_test *t)
{
    enum { M = 3, N = 5, K = 4 };
    float *a = qn_random_floats(t, 2 * M * K), *b = qn_random_floats(t, 3 * K * N);
    float *c = qn_exact(t, 6 * M * N * sizeof *c);
    const qn_act relu = {.kind = QN_ACT_RELU};
    qn_kernels slots;
    qn_kernels_init(&slots, QN_ISA_REF);
    qn_gemm g = qn_gemm_dense(QUERN_FLOAT, false, false, M, N, K);
    g.a = a;
    g.b = b;
    g.c = c;
    g.act = &relu;
    g.rank = 2;
    memcpy(g.dim, (int64_t[]){2, 3}, 2 * sizeof(int64_t));
    memcpy(g.step_a, (int64_t[]){M * K, 0}, 2 * sizeof(int64_t));
    memcpy(g.step_b, (int64_t[]){0, K * N}, 2 * sizeof(int64_t));
    memcpy(g.step_c, (int64_t[]){3 * M * N, M * N}, 2 * sizeof(int64_t));
    qn_gemm_run(&g, &slots, NULL);
    for (int i = 0; i < 6 * M * N; i++) {
        const float *x = a + i / (3 * M * N) * M * K + i / N % M * K;
        const float *y = b + i / (M * N) % 3 * K * N + i % N;
        double sum = 0;
        for (int q = 0; q < K; q++)
            sum += (double)x[q] * (double)y[q * N];
        CHECK_WITHIN(t, (double)c[i], sum < 0 ? 0 : sum, 6 * FLT_EPSILON * K);
    }
}

void test_product_integers(qn_test *t)
{
    const uint32_t a[4] = {UINT32_MAX, 2, 3, 1u << 31}, b[2] = {UINT32_MAX, 2};
    uint32_t y[2] = {7, 9};
    qn_gemm_u32(NULL, false, false, 2, 1, 2, 1, a, 2, b, 1, 1, y, 1);
    CHECK_EQ(t, y[0], 7 + 1 + 4); /* modulo 2^32, with -1 * -1 = 1 */
    CHECK_EQ(t, y[1], 9 - 3);
    const uint8_t x[6] = {0, 1, 2, 253, 254, 255}, zero[2] = {1, 255};
    int32_t wide[6];
    qn_widen_u8(2, 3, x, (qn_zero){.v = zero, .row = 1}, wide);
    CHECK_EQ(t, wide[0], -1);
    CHECK_EQ(t, wide[3], -2);
    CHECK_EQ(t, wide[5], 0);
    const float one = 1;
    const int32_t sums[4] = {3, 5, 100000, -100000};
    int8_t low[4];
    qn_rescale_i8(4, sums, &(qn_rescale){.a = 0.5f, .y = 1, .b = &one}, low);
    CHECK_EQ(t, low[0], 2); /* 1.5 and 2.5: ties to even */
    CHECK_EQ(t, low[1], 2);
    CHECK_EQ(t, low[2], 127);
    CHECK_EQ(t, low[3], -128);
}

void test_gemm_bias(qn_test *t)
{
    int64_t y[2] = {INT64_MAX, 4};
    const int64_t c[1] = {1};
    qn_bias_i64((qn_bias){.m = 2, .n = 1}, 1, y, 1, c);
    CHECK_EQ(t, y[0], INT64_MIN); /* wraps */
    qn_bias_i64((qn_bias){.m = 2, .n = 1}, 1e30, y, 1, NULL);
    CHECK_EQ(t, y[0], INT64_MIN); /* saturates */
    CHECK_EQ(t, y[1], INT64_MAX);
    float f[4] = {NAN, NAN, NAN, NAN};
    const float row[2] = {1, 2};
    qn_bias_f32((qn_bias){.m = 2, .n = 2, .col = 1}, 0, f, 3, row);
    CHECK_WITHIN(t, (double)f[3], 6, 0);
}
