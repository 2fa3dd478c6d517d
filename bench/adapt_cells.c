/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_cells.c - slots heat_f64 and drift_f32. */
#include "bench/adapter.h"
#include "kernels/drift.h"
#include "kernels/heat.h"

#include <string.h>

enum { H, W, STEPS };

/* ---- heat ---- */

typedef struct heat_state {
    qn_heat heat;
    size_t bytes; /* of a plane */
    double *y;
} heat_state;

/* The shape is all but the rim. */
static quern_status fill_shape(qn_bench_case *c, heat_state *s, quern_error *err)
{
    const int64_t h = c->truth->p->v[H][0], w = c->truth->p->v[W][0];
    void *lo, *hi, *weight;
    QN_TRY(qn_bench_buffer(c, "lo", QN_BUFFER_INPUT, (size_t)h * sizeof(int32_t), &lo,
                           err));
    QN_TRY(qn_bench_buffer(c, "hi", QN_BUFFER_INPUT, (size_t)h * sizeof(int32_t), &hi,
                           err));
    QN_TRY(qn_bench_buffer(c, "weight", QN_BUFFER_INPUT, s->bytes, &weight, err));
    for (int64_t y = 1; y < h - 1; y++) {
        ((int32_t *)lo)[y] = 1;
        ((int32_t *)hi)[y] = (int32_t)(w - 1);
        for (int64_t x = 1; x < w - 1; x++)
            ((double *)weight)[y * s->heat.stride + x] = 1.0 / 9;
    }
    s->heat.lo = lo;
    s->heat.hi = hi;
    s->heat.weight = weight;
    return QUERN_OK;
}

static quern_status open_heat(qn_bench_case *c, quern_error *err)
{
    const int64_t h = c->truth->p->v[H][0], w = c->truth->p->v[W][0];
    void *at, *from, *to;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(heat_state), &at, err));
    heat_state *s = c->state = at;
    s->heat = (qn_heat){.stride = w + QN_HEAT_PAD,
                        .first = 1,
                        .last = h - 1,
                        .row = h / 2,
                        .column = w / 2,
                        .steps = c->truth->p->v[STEPS][0]};
    s->bytes = (size_t)(h * s->heat.stride) * sizeof(double);
    QN_TRY(fill_shape(c, s, err));
    QN_TRY(qn_bench_buffer(c, "from", QN_BUFFER_SCRATCH, s->bytes, &from, err));
    QN_TRY(qn_bench_buffer(c, "to", QN_BUFFER_SCRATCH, s->bytes, &to, err));
    s->heat.from = from;
    s->heat.to = to;
    QN_TRY(qn_bench_output(c, sizeof(double), &at, err));
    s->y = at;
    return QUERN_OK;
}

/* Clearing the planes and bringing the result over are part of what is timed. */
static void run_heat(qn_bench_case *c)
{
    const heat_state *s = c->state;
    const int64_t h = c->truth->p->v[H][0], w = c->truth->p->v[W][0];
    memset(s->heat.from, 0, s->bytes);
    memset(s->heat.to, 0, s->bytes);
    ((qn_heat_f64_fn *)c->fn)(&s->heat);
    const double *end = s->heat.steps % 2 ? s->heat.to : s->heat.from;
    for (int64_t y = 0; y < h; y++)
        memcpy(s->y + y * w, end + y * s->heat.stride, (size_t)w * sizeof *end);
}

const qn_adapter qn_adapter_heat = {
    .kind = "heat_f64",
    .slot = "heat_f64",
    .open = open_heat,
    .run = run_heat,
    .take = qn_bench_take_doubles,
};

/* ---- drift ---- */

typedef struct drift_state {
    qn_drift drift;
    uint32_t *pixel;
} drift_state;

static quern_status fill_flow(qn_bench_case *c, drift_state *s, quern_error *err)
{
    const int64_t h = s->drift.rows, w = s->drift.width;
    void *at;
    QN_TRY(qn_bench_buffer(c, "flow", QN_BUFFER_INPUT,
                           (size_t)((h + 1) * (w + 1)) * 2 * sizeof(float), &at, err));
    float *flow = at;
    for (int64_t y = 0; y <= h; y++)
        for (int64_t x = 0; x <= w; x++, flow += 2) {
            const double *from =
                c->truth->x[0] + 2 * ((y < h ? y : h - 1) * w + (x < w ? x : w - 1));
            flow[0] = (float)from[0];
            flow[1] = (float)from[1];
        }
    s->drift.flow = at;
    return QUERN_OK;
}

static quern_status open_drift(qn_bench_case *c, quern_error *err)
{
    const qn_problem *p = c->truth->p;
    void *at;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(drift_state), &at, err));
    drift_state *s = c->state = at;
    s->drift =
        (qn_drift){.rows = p->v[H][0], .width = p->v[W][0], .steps = p->v[STEPS][0]};
    QN_TRY(fill_flow(c, s, err));
    QN_TRY(qn_bench_output(c, sizeof(uint32_t), &at, err));
    s->pixel = at;
    return QUERN_OK;
}

static void run_drift(qn_bench_case *c)
{
    const drift_state *s = c->state;
    for (int64_t i = 0; i < c->truth->n_out; i++)
        s->pixel[i] = (uint32_t)i;
    ((qn_drift_f32_fn *)c->fn)(&s->drift, c->truth->n_out, s->pixel);
}

static void take_pixels(qn_bench_case *c)
{
    const drift_state *s = c->state;
    for (int64_t i = 0; i < c->truth->n_out; i++)
        c->y[i] = s->pixel[i];
}

const qn_adapter qn_adapter_drift = {
    .kind = "drift_f32",
    .slot = "drift_f32",
    .open = open_drift,
    .run = run_drift,
    .take = take_pixels,
};
