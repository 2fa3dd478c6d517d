/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_element.c - slots softmax_f32, rownorm_f32, act_f32, unary_f32. */
#include "bench/adapter.h"
#include "kernels/elementwise.h"
#include "kernels/softmax.h"

#include <math.h>
#include <string.h>

typedef struct state {
    float *x, *y;
    float *scale, *bias; /* of rownorm_f32 */
} state;

static quern_status open_case(qn_bench_case *c, quern_error *err)
{
    void *at;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(state), &at, err));
    state *s = c->state = at;
    QN_TRY(qn_bench_floats(c, 0, &s->x, err));
    QN_TRY(qn_bench_output(c, sizeof(float), &at, err));
    s->y = at;
    return QUERN_OK;
}

static void run_softmax(qn_bench_case *c)
{
    const state *s = c->state;
    const qn_problem *p = c->truth->p;
    ((qn_softmax_f32_fn *)c->fn)(QN_SOFTMAX, p->v[1][0], 1, s->x, s->y, 0, p->v[0][0]);
}

const qn_adapter qn_adapter_softmax = {
    .kind = "softmax_f32",
    .slot = "softmax_f32",
    .open = open_case,
    .run = run_softmax,
    .take = qn_bench_take_floats,
};

static quern_status open_rownorm(qn_bench_case *c, quern_error *err)
{
    QN_TRY(open_case(c, err));
    state *s = c->state;
    QN_TRY(qn_bench_floats(c, 1, &s->scale, err));
    return qn_bench_floats(c, 2, &s->bias, err);
}

static void run_rownorm(qn_bench_case *c)
{
    const state *s = c->state;
    const qn_problem *p = c->truth->p;
    const int64_t n = p->v[1][0];
    const qn_rownorm norm = {n, 1e-5, s->scale, s->bias};
    for (int64_t i = 0; i < p->v[0][0]; i++)
        ((qn_rownorm_f32_fn *)c->fn)(&norm, s->x + i * n, s->y + i * n);
}

const qn_adapter qn_adapter_rownorm = {
    .kind = "rownorm_f32",
    .slot = "rownorm_f32",
    .open = open_rownorm,
    .run = run_rownorm,
    .take = qn_bench_take_floats,
};

/* The slot works in place, so the copy is part of what is timed. */
static void run_act(qn_bench_case *c)
{
    const state *s = c->state;
    const qn_problem *p = c->truth->p;
    const qn_act act = qn_truth_act(p->v[1][0]);
    memcpy(s->y, s->x, (size_t)p->v[0][0] * sizeof *s->y);
    ((qn_act_f32_fn *)c->fn)(act.kind, act.alpha, act.beta, s->y, p->v[0][0]);
}

const qn_adapter qn_adapter_act = {
    .kind = "act_f32",
    .slot = "act_f32",
    .open = open_case,
    .run = run_act,
    .take = qn_bench_take_floats,
};

enum { SQRT_WORD = 4 };

static quern_status open_unary(qn_bench_case *c, quern_error *err)
{
    QN_TRY(open_case(c, err));
    const state *s = c->state;
    const qn_problem *p = c->truth->p;
    for (int64_t i = 0; p->v[1][0] == SQRT_WORD && i < p->v[0][0]; i++)
        s->x[i] = fabsf(s->x[i]);
    return QUERN_OK;
}

static void run_unary(qn_bench_case *c)
{
    static const int ops[] = {QN_UNARY_exp, QN_UNARY_tanh, QN_UNARY_sigmoid,
                              QN_UNARY_erf, QN_UNARY_sqrt, QN_UNARY_gelu};
    static const float none[2];
    const state *s = c->state;
    const qn_problem *p = c->truth->p;
    ((qn_unary_f32_fn *)c->fn)(ops[p->v[1][0]], s->x, s->y, p->v[0][0], none);
}

const qn_adapter qn_adapter_unary = {
    .kind = "unary_f32",
    .slot = "unary_f32",
    .open = open_unary,
    .run = run_unary,
    .take = qn_bench_take_floats,
};
