/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_matrix.c - slots gemm_f32, gemm_f64, gemv_f32, gemv_f64. */
#include "bench/adapter.h"

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
