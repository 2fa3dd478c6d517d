/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_grad.c - slot unary_grad_f32. */
#include "bench/adapter.h"
#include "kernels/elementwise.h"

typedef struct unary_state {
    float *dy, *x, *dx;
} unary_state;

static quern_status open_unary(qn_bench_case *c, quern_error *err)
{
    void *at;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(unary_state), &at, err));
    unary_state *s = c->state = at;
    QN_TRY(qn_bench_floats(c, 0, &s->dy, err));
    QN_TRY(qn_bench_floats(c, 1, &s->x, err));
    QN_TRY(qn_bench_output(c, sizeof(float), &at, err));
    s->dx = at;
    return QUERN_OK;
}

static void run_unary(qn_bench_case *c)
{
    static const int ops[] = {QN_UNARY_relu,       QN_UNARY_sigmoid, QN_UNARY_tanh,
                              QN_UNARY_hard_swish, QN_UNARY_gelu,    QN_UNARY_swish};
    static const double one[2] = {1, 0}; /* the factor of swish */
    const unary_state *s = c->state;
    const qn_problem *p = c->truth->p;
    ((qn_unary_grad_f32_fn *)c->fn)(ops[p->v[1][0]], s->dy, s->x, s->dx, p->v[0][0],
                                    one);
}

const qn_adapter qn_adapter_unary_grad = {
    .kind = "unary_grad_f32",
    .slot = "unary_grad_f32",
    .open = open_unary,
    .run = run_unary,
    .take = qn_bench_take_floats,
};
