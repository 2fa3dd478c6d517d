/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_gate.c - slot gate8c_f32 of kernels/blocked.h: an image times a factor a
 * channel, its pixels as the output channels of packed filters. */
#include "bench/blocked_case.h"

enum { N, C, H, W, OP, ACT };
enum { FACTOR = 1 };

typedef struct state {
    qn_conv8c c;
    qn_gate8c gate;
} state;

static const char *refuse(const qn_problem *p)
{
    if (p->v[OP][0] != FACTOR) return "another op";
    if (p->v[ACT][0]) return "an activation";
    return p->v[N][0] == 1 ? NULL : "more than one image";
}

static quern_status open_gate(qn_bench_case *c, quern_error *err)
{
    const qn_problem *p = c->truth->p;
    const int64_t ic = p->v[C][0], oc = p->v[H][0] * p->v[W][0];
    const int64_t factors[4] = {1, ic, 1, 1};
    void *at, *plain;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(state), &at, err));
    state *s = c->state = at;
    s->c = (qn_conv8c){.x.c = ic,
                       .y.c = oc,
                       .kernel = {1, 1},
                       .groups = 1,
                       .filters = {.oc = 1, .ic = oc}};
    QN_TRY(qn_arena_array(c->arena, (size_t)(ic * oc), sizeof(float), &plain, err));
    for (int64_t i = 0; i < ic * oc; i++)
        ((float *)plain)[i] = (float)c->truth->x[0][i];
    const size_t bytes = (size_t)qn_conv8c_weight_size(&s->c) * sizeof(float);
    QN_TRY(qn_bench_buffer(c, "x", QN_BUFFER_INPUT, bytes, &at, err));
    qn_conv8c_pack(&s->c, plain, at);
    s->c.weight = at;
    QN_TRY(qn_blocked_input(c, 1, &s->gate.z, factors, 0, err));
    QN_TRY(qn_bench_buffer(c, "y", QN_BUFFER_OUTPUT, bytes, &at, err));
    s->gate.y = at;
    s->gate.conv = &s->c;
    return QUERN_OK;
}

static void run_gate(qn_bench_case *c)
{
    const state *s = c->state;
    const qn_task8c task = {.c1 = qn_conv8c_panels(&s->c)};
    ((qn_gate8c_f32_fn *)c->fn)(&s->gate, &task);
}

/* Panels hold the outputs of an input channel side by side. */
static void take_gate(qn_bench_case *c)
{
    const state *s = c->state;
    const int64_t ic = s->c.x.c, oc = s->c.y.c, rows = qn_blocks8c(ic) * QN_BLOCK8;
    for (int64_t i = 0; i < qn_conv8c_panels(&s->c); i++) {
        const qn_panel8c p = qn_conv8c_panel(&s->c, i);
        const int64_t first = p.block * QN_BLOCK8, width = p.blocks * QN_BLOCK8;
        for (int64_t o = 0; o < width && first + o < oc; o++)
            for (int64_t k = 0; k < ic; k++)
                c->y[k * oc + first + o] =
                    (double)s->gate.y[first * rows + k * width + o];
    }
}

const qn_adapter qn_adapter_gate8c = {
    .kind = "map_f32",
    .slot = "gate8c_f32",
    .refuse = refuse,
    .open = open_gate,
    .run = run_gate,
    .take = take_gate,
};
