/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_matrix.c - slots gemm_f32, gemm_f64, gemv_f32, gemv_f64, and
 * panels_f32, whose right operand is packed before the clock runs. */
#include "bench/adapter.h"
#include "kernels/panels.h"

enum { M, N, K, TA, TB };

typedef struct state {
    void *a, *b, *y;
} state;

static quern_status open_case(qn_bench_case *c, bool is_double, quern_error *err)
{
    void *at, *p[2];
    float *f;
    double *d;
    for (int i = 0; i < 2; i++) {
        if (is_double)
            QN_TRY(qn_bench_doubles(c, i, &d, err));
        else
            QN_TRY(qn_bench_floats(c, i, &f, err));
        p[i] = c->buffer[i].p;
    }
    QN_TRY(qn_arena_alloc(c->arena, sizeof(state), &at, err));
    state *s = c->state = at;
    s->a = p[0];
    s->b = p[1];
    return qn_bench_output(c, is_double ? 8 : 4, &s->y, err);
}

static quern_status open_f32(qn_bench_case *c, quern_error *err)
{
    return open_case(c, false, err);
}

static quern_status open_f64(qn_bench_case *c, quern_error *err)
{
    return open_case(c, true, err);
}

#define RUN_GEMM(suffix)                                                             \
    static void run_gemm_##suffix(qn_bench_case *c)                                  \
    {                                                                                \
        const state *s = c->state;                                                   \
        const qn_problem *p = c->truth->p;                                           \
        const int64_t m = p->v[M][0], n = p->v[N][0], k = p->v[K][0];                \
        ((qn_gemm_##suffix##_fn *)c->fn)(c->k, p->v[TA][0], p->v[TB][0], m, n, k, 1, \
                                         s->a, p->v[TA][0] ? m : k, s->b,            \
                                         p->v[TB][0] ? k : n, 0, s->y, n);           \
    }
#define RUN_GEMV(suffix)                                                   \
    static void run_gemv_##suffix(qn_bench_case *c)                        \
    {                                                                      \
        const state *s = c->state;                                         \
        const qn_problem *p = c->truth->p;                                 \
        const int64_t n = p->v[N][0], k = p->v[K][0];                      \
        ((qn_gemv_##suffix##_fn *)c->fn)(p->v[TB][0], n, k, 1, s->a, s->b, \
                                         p->v[TB][0] ? k : n, 0, s->y);    \
    }
RUN_GEMM(f32)
RUN_GEMM(f64)
RUN_GEMV(f32)
RUN_GEMV(f64)

#define MATRIX_ADAPTER(name, suffix, bring)           \
    const qn_adapter qn_adapter_##name##_##suffix = { \
        .kind = #name "_" #suffix,                    \
        .slot = #name "_" #suffix,                    \
        .open = open_##suffix,                        \
        .run = run_##name##_##suffix,                 \
        .take = bring,                                \
    };
MATRIX_ADAPTER(gemm, f32, qn_bench_take_floats)
MATRIX_ADAPTER(gemm, f64, qn_bench_take_doubles)
MATRIX_ADAPTER(gemv, f32, qn_bench_take_floats)
MATRIX_ADAPTER(gemv, f64, qn_bench_take_doubles)

/* ---- panels ---------------------------------------------------------------------- */

static const char *refuse_panels(const qn_problem *p)
{
    return p->v[TA][0] ? "A is transposed" : NULL;
}

static quern_status open_panels(qn_bench_case *c, quern_error *err)
{
    const qn_problem *p = c->truth->p;
    const int64_t n = p->v[N][0], k = p->v[K][0];
    void *at, *packed;
    float *a;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(state), &at, err));
    state *s = c->state = at;
    QN_TRY(qn_bench_floats(c, 0, &a, err));
    s->a = a;
    QN_TRY(qn_bench_buffer(c, "b", QN_BUFFER_INPUT,
                           (size_t)qn_panels_size(k, n) * sizeof(float), &packed, err));
    s->b = packed;
    QN_TRY(qn_arena_array(c->arena, (size_t)(k * n), sizeof(float), &at, err));
    float *b = at;
    for (int64_t i = 0; i < k * n; i++)
        b[i] = (float)c->truth->x[1][i];
    const qn_panels_source source = {.b = b,
                                     .ldb = p->v[TB][0] ? k : n,
                                     .k = k,
                                     .n = n,
                                     .transposed = p->v[TB][0],
                                     .alpha = 1};
    qn_panels_pack(&source, 0, qn_panels(n), packed);
    return qn_bench_output(c, sizeof(float), &s->y, err);
}

static void run_panels(qn_bench_case *c)
{
    const state *s = c->state;
    const qn_problem *p = c->truth->p;
    const int64_t n = p->v[N][0], k = p->v[K][0];
    const qn_panels_product product = {
        .n = n, .k = k, .a = s->a, .b = s->b, .y = s->y, .lda = k, .ldy = n};
    const qn_panels_task task = {0, p->v[M][0], 0, qn_panels(n)};
    ((qn_panels_f32_fn *)c->fn)(&product, &task);
}

#define PANELS_ADAPTER(name, its_kind)     \
    const qn_adapter qn_adapter_##name = { \
        .kind = its_kind,                  \
        .slot = "panels_f32",              \
        .refuse = refuse_panels,           \
        .open = open_panels,               \
        .run = run_panels,                 \
        .take = qn_bench_take_floats,      \
    };
PANELS_ADAPTER(gemm_panels, "gemm_f32")
PANELS_ADAPTER(gemv_panels, "gemv_f32")
