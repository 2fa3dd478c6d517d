/* SPDX-License-Identifier: Apache-2.0 */
/* engine/product.c - see product.h.  A work item is one block of one product of the
 * batch. */
#include "engine/product.h"

#include "kernels/act.h"
#include "kernels/matrix.h"

typedef struct gemm_work {
    const qn_gemm *g;
    const qn_kernels *k;
    int64_t bm, bn, rows, cols; /* block size; blocks per product */
} gemm_work;

enum { BLOCK_MACS = 1 << 24, BLOCK_SIDE = 128, BLOCKS = 16, VECTOR_MACS = 1 << 16 };

qn_gemm qn_gemm_dense(quern_dtype dtype, bool ta, bool tb, int64_t m, int64_t n,
                      int64_t k)
{
    return (qn_gemm){.dtype = dtype,
                     .ta = ta,
                     .tb = tb,
                     .m = m,
                     .n = n,
                     .k = k,
                     .lda = ta ? m : k,
                     .ldb = tb ? k : n,
                     .ldc = n,
                     .alpha = 1};
}

/* Can row i of C be a vector times B?  Its row of A must lie densely. */
static bool row_is_vector(const qn_gemm *g)
{
    return g->m == 1 && (!g->ta || g->lda == 1 || g->k == 1);
}

/* Can C, one column, be A times a vector?  That is the transposed problem. */
static bool column_is_vector(const qn_gemm *g)
{
    return g->n == 1 && g->ldc == 1 && (g->tb || g->ldb == 1 || g->k == 1);
}

static int64_t halve(int64_t x, int64_t multiple)
{
    int64_t half = (x + 1) / 2;
    return (half + multiple - 1) / multiple * multiple;
}

/* Copying operands costs k * (bm + bn) a block, so blocks stay near square; they depend
 * on the problem alone. */
static void choose_blocks(gemm_work *w)
{
    const qn_gemm *g = w->g;
    w->bm = g->m;
    w->bn = g->n;
    if (row_is_vector(g) || column_is_vector(g)) {
        int64_t *side = row_is_vector(g) ? &w->bn : &w->bm;
        int64_t least = VECTOR_MACS / (g->k > 0 ? g->k : 1);
        int64_t block = least < 64 ? 64 : least - least % 64;
        *side = *side < block ? *side : block;
    } else {
        for (;;) {
            int64_t blocks =
                ((g->m + w->bm - 1) / w->bm) * ((g->n + w->bn - 1) / w->bn);
            double macs = (double)w->bm * (double)w->bn * (double)g->k;
            if (blocks >= BLOCKS || macs < BLOCK_MACS) break;
            int64_t *side = w->bm >= w->bn ? &w->bm : &w->bn;
            if (*side < 2 * BLOCK_SIDE) break;
            *side = halve(*side, 16);
        }
    }
    w->rows = (g->m + w->bm - 1) / w->bm;
    w->cols = (g->n + w->bn - 1) / w->bn;
}

typedef struct gemm_block {
    int64_t m, n, a, b, c; /* sizes; offsets in elements */
} gemm_block;

static gemm_block block_at(const gemm_work *w, int64_t item)
{
    const qn_gemm *g = w->g;
    gemm_block k = {0};
    int64_t j = item % w->cols * w->bn, i = item / w->cols % w->rows * w->bm;
    int64_t product = item / w->cols / w->rows;
    for (int d = g->rank - 1; d >= 0; d--) {
        int64_t at = product % g->dim[d];
        product /= g->dim[d];
        k.a += at * g->step_a[d];
        k.b += at * g->step_b[d];
        k.c += at * g->step_c[d];
    }
    k.m = g->m - i < w->bm ? g->m - i : w->bm;
    k.n = g->n - j < w->bn ? g->n - j : w->bn;
    k.a += i * (g->ta ? 1 : g->lda);
    k.b += j * (g->tb ? g->ldb : 1);
    k.c += i * g->ldc + j;
    return k;
}

static bool has_act(const qn_gemm *g)
{
    return g->act && g->act->kind != QN_ACT_NONE;
}

static void block_f32(const qn_gemm *g, const qn_kernels *slots, const gemm_block *k)
{
    const float *a = (const float *)g->a + k->a, *b = (const float *)g->b + k->b;
    const float alpha = (float)g->alpha, beta = (float)g->beta;
    float *c = (float *)g->c + k->c;
    if (row_is_vector(g))
        slots->gemv_f32(g->tb, k->n, g->k, alpha, a, b, g->ldb, beta, c);
    else if (column_is_vector(g))
        slots->gemv_f32(!g->ta, k->m, g->k, alpha, b, a, g->lda, beta, c);
    else
        slots->gemm_f32(slots, g->ta, g->tb, k->m, k->n, g->k, alpha, a, g->lda, b,
                        g->ldb, beta, c, g->ldc);
    for (int64_t i = 0; has_act(g) && i < k->m; i++)
        slots->act_f32(g->act->kind, g->act->alpha, g->act->beta, c + i * g->ldc, k->n);
}

static void block_f64(const qn_gemm *g, const qn_kernels *slots, const gemm_block *k)
{
    const double *a = (const double *)g->a + k->a, *b = (const double *)g->b + k->b;
    double *c = (double *)g->c + k->c;
    if (row_is_vector(g))
        slots->gemv_f64(g->tb, k->n, g->k, g->alpha, a, b, g->ldb, g->beta, c);
    else if (column_is_vector(g))
        slots->gemv_f64(!g->ta, k->m, g->k, g->alpha, b, a, g->lda, g->beta, c);
    else
        slots->gemm_f64(slots, g->ta, g->tb, k->m, k->n, g->k, g->alpha, a, g->lda, b,
                        g->ldb, g->beta, c, g->ldc);
    for (int64_t i = 0; has_act(g) && i < k->m; i++)
        qn_act_f64(g->act->kind, g->act->alpha, g->act->beta, c + i * g->ldc, k->n);
}

static void block_u32(const qn_gemm *g, const gemm_block *k)
{
    qn_gemm_u32(NULL, g->ta, g->tb, k->m, k->n, g->k, 1, (const uint32_t *)g->a + k->a,
                g->lda, (const uint32_t *)g->b + k->b, g->ldb, g->beta != 0,
                (uint32_t *)g->c + k->c, g->ldc);
}

static void block_u64(const qn_gemm *g, const gemm_block *k)
{
    qn_gemm_u64(NULL, g->ta, g->tb, k->m, k->n, g->k, 1, (const uint64_t *)g->a + k->a,
                g->lda, (const uint64_t *)g->b + k->b, g->ldb, g->beta != 0,
                (uint64_t *)g->c + k->c, g->ldc);
}

static void gemm_items(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const gemm_work *w = ctx;
    for (int64_t item = begin; item < end; item++) {
        const gemm_block k = block_at(w, item);
        if (w->g->dtype == QUERN_FLOAT)
            block_f32(w->g, w->k, &k);
        else if (w->g->dtype == QUERN_DOUBLE)
            block_f64(w->g, w->k, &k);
        else if (qn_dtype_size(w->g->dtype) == 4)
            block_u32(w->g, &k);
        else
            block_u64(w->g, &k);
    }
}

void qn_gemm_run(const qn_gemm *g, const qn_kernels *k, qn_pool *pool)
{
    int64_t products = 1;
    for (int d = 0; d < g->rank; d++)
        products *= g->dim[d];
    if (g->m == 0 || g->n == 0 || products == 0) return;
    gemm_work w = {.g = g, .k = k};
    choose_blocks(&w);
    double macs = (double)w.bm * (double)w.bn * (double)(g->k > 0 ? g->k : 1);
    int64_t grain = macs >= VECTOR_MACS ? 1 : (int64_t)(VECTOR_MACS / macs);
    qn_parallel_for(pool, products * w.rows * w.cols, grain, gemm_items, &w);
}
