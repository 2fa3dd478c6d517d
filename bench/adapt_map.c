/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_map.c - slots pool8c_f32, mean8c_f32, add8c_f32, scale8c_f32, to8c_f32,
 * from8c_f32, weave8c_f32 and resize8c_f32 of kernels/blocked.h. */
#include "bench/blocked_case.h"

#include <math.h>

enum { OP = 4, ACT, SCALE = OP, MODE };
enum { ADD, FACTOR, BLOCK, UNBLOCK, WEAVE };

typedef struct state {
    qn_blocked_output y;
    int64_t n, rows, blocks; /* images; of y */
    qn_pool8c pool;
    qn_map8c map;
    qn_weave8c weave;
    qn_resize8c resize;
} state;

static quern_status make_state(qn_bench_case *c, state **out, quern_error *err)
{
    void *at;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(state), &at, err));
    c->state = *out = at;
    return QUERN_OK;
}

static void set_task(state *s, const int64_t dims[4])
{
    s->n = dims[0];
    s->rows = dims[2];
    s->blocks = qn_blocks8c(dims[1]);
}

#define RUN_IMAGES(name, type, how)                           \
    static void name(qn_bench_case *c)                        \
    {                                                         \
        const state *s = c->state;                            \
        qn_task8c task = {.i1 = s->rows, .c1 = s->blocks};    \
        for (task.image = 0; task.image < s->n; task.image++) \
            ((type *)c->fn)(&s->how, &task);                  \
    }
RUN_IMAGES(run_pool, qn_pool8c_f32_fn, pool)
RUN_IMAGES(run_map, qn_add8c_f32_fn, map) /* all of one type */
RUN_IMAGES(run_weave, qn_weave8c_f32_fn, weave)
RUN_IMAGES(run_resize, qn_resize8c_f32_fn, resize)

static void take(qn_bench_case *c)
{
    qn_blocked_take(c, &((const state *)c->state)->y);
}

static const char *audit(const qn_bench_case *c)
{
    return qn_blocked_audit(&((const state *)c->state)->y);
}

/* ---- pools ----------------------------------------------------------------------- */

static bool is_mean(const qn_problem *p)
{
    return p->v[qn_problem_field_of(p->kind, "type")][0] == 1;
}

static quern_status open_pool(qn_bench_case *c, quern_error *err)
{
    const qn_conv_problem p = qn_conv_problem_of(c->truth->p);
    const int64_t x[4] = {p.n, p.ic, p.w.in[0], p.w.in[1]};
    const int64_t y[4] = {p.n, p.ic, p.w.out[0], p.w.out[1]};
    state *s;
    QN_TRY(make_state(c, &s, err));
    for (int a = 0; a < 2; a++) {
        s->pool.kernel[a] = p.w.kernel[a];
        s->pool.stride[a] = p.w.stride[a];
        s->pool.dilation[a] = 1;
        s->pool.pad[a] = p.w.begin[a];
        s->pool.end[a] = p.w.end[a];
    }
    s->pool.mean = is_mean(c->truth->p);
    QN_TRY(qn_blocked_input(c, 0, &s->pool.x, x, 0, err));
    QN_TRY(qn_blocked_open(c, &s->y, y, err));
    s->pool.y = s->map.y = s->y.p;
    s->map.x = s->pool.x;
    set_task(s, y);
    return QUERN_OK;
}

static const char *refuse_global(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    for (int a = 0; a < 2; a++)
        if (c.w.kernel[a] != c.w.in[a] || c.w.begin[a] || c.w.end[a])
            return "not of the whole image";
    return is_mean(p) ? NULL : "no mean";
}

/* ---- maps ------------------------------------------------------------------------ */

static quern_status open_map(qn_bench_case *c, quern_error *err)
{
    const qn_problem *p = c->truth->p;
    const int64_t dims[4] = {p->v[0][0], p->v[1][0], p->v[2][0], p->v[3][0]};
    const int64_t factors[4] = {dims[0], dims[1], 1, 1};
    const int64_t op = p->v[OP][0];
    state *s;
    QN_TRY(make_state(c, &s, err));
    if (op == BLOCK)
        QN_TRY(qn_blocked_plain(c, 0, &s->map.x, dims, err));
    else
        QN_TRY(qn_blocked_input(c, 0, &s->map.x, dims, 0, err));
    if (op < BLOCK)
        QN_TRY(qn_blocked_input(c, 1, &s->map.z, op == ADD ? dims : factors, 0, err));
    s->map.act = qn_truth_act(p->v[ACT][0]);
    set_task(s, dims);
    if (op == UNBLOCK) return qn_blocked_plain(c, -1, &s->map.y, dims, err);
    QN_TRY(qn_blocked_open(c, &s->y, dims, err));
    s->map.y = s->y.p;
    return QUERN_OK;
}

static quern_status open_weave(qn_bench_case *c, quern_error *err)
{
    const qn_problem *p = c->truth->p;
    const int64_t dims[4] = {p->v[0][0], p->v[1][0], p->v[2][0], p->v[3][0]};
    state *s;
    QN_TRY(make_state(c, &s, err));
    QN_TRY(qn_blocked_input(c, 0, &s->weave.x, dims, 0, err));
    QN_TRY(qn_blocked_input(c, 1, &s->weave.z, dims, 0, err));
    QN_TRY(qn_blocked_open(c, &s->y, dims, err));
    s->weave.y = s->y.p;
    set_task(s, dims);
    return QUERN_OK;
}

static const char *refuse_op(const qn_problem *p, int64_t op)
{
    return p->v[OP][0] == op ? NULL : "another op";
}

static const char *refuse_add(const qn_problem *p)
{
    return refuse_op(p, ADD);
}

static const char *refuse_factor(const qn_problem *p)
{
    return refuse_op(p, FACTOR);
}

static const char *refuse_block(const qn_problem *p)
{
    return refuse_op(p, BLOCK);
}

static const char *refuse_weave(const qn_problem *p)
{
    return refuse_op(p, WEAVE);
}

static const char *refuse_unblock(const qn_problem *p)
{
    return refuse_op(p, UNBLOCK);
}

/* ---- enlarging ------------------------------------------------------------------- */

/* Of each output along an axis of n inputs; the arithmetic of kind_map.c. */
static quern_status axis(qn_bench_case *c, int64_t n, const int32_t **a,
                         const int32_t **b, const float **mix, quern_error *err)
{
    const int64_t scale = c->truth->p->v[SCALE][0];
    const bool is_linear = c->truth->p->v[MODE][0];
    void *at[3] = {NULL};
    const size_t bytes = (size_t)(n * scale) * sizeof(int32_t);
    for (int k = 0; k < (is_linear ? 3 : 2); k++)
        QN_TRY(qn_bench_buffer(c, k < 2 ? "index" : "mix", QN_BUFFER_INPUT, bytes,
                               &at[k], err));
    for (int64_t i = 0; i < n * scale; i++) {
        const double where = ((double)i + 0.5) / (double)scale - 0.5,
                     low = floor(where);
        int32_t *first = at[0], *second = at[1];
        first[i] = (int32_t)(is_linear ? (low < 0 ? 0 : (int64_t)low) : i / scale);
        second[i] =
            is_linear ? (int32_t)(low + 1 > (double)(n - 1) ? n - 1 : (int64_t)low + 1)
                      : first[i];
        if (is_linear) ((float *)at[2])[i] = (float)(where - low);
    }
    *a = at[0];
    *b = at[1];
    *mix = at[2];
    return QUERN_OK;
}

static quern_status open_resize(qn_bench_case *c, quern_error *err)
{
    const qn_problem *p = c->truth->p;
    const int64_t scale = p->v[SCALE][0];
    const int64_t x[4] = {p->v[0][0], p->v[1][0], p->v[2][0], p->v[3][0]};
    const int64_t y[4] = {x[0], x[1], x[2] * scale, x[3] * scale};
    state *s;
    QN_TRY(make_state(c, &s, err));
    qn_resize8c *r = &s->resize;
    QN_TRY(qn_blocked_input(c, 0, &r->x, x, 0, err));
    QN_TRY(axis(c, x[2], &r->row0, &r->row1, &r->row_mix, err));
    QN_TRY(axis(c, x[3], &r->col0, &r->col1, &r->col_mix, err));
    QN_TRY(qn_blocked_open(c, &s->y, y, err));
    r->y = s->y.p;
    set_task(s, y);
    return QUERN_OK;
}

#define MAP_ADAPTER(name, its_kind, its_slot, fits, begin, go, bring, look) \
    const qn_adapter qn_adapter_##name = {                                  \
        .kind = its_kind,                                                   \
        .slot = its_slot,                                                   \
        .refuse = fits,                                                     \
        .open = begin,                                                      \
        .run = go,                                                          \
        .take = bring,                                                      \
        .audit = look,                                                      \
    };
MAP_ADAPTER(pool8c, "pool_f32", "pool8c_f32", NULL, open_pool, run_pool, take, audit)
MAP_ADAPTER(mean8c, "pool_f32", "mean8c_f32", refuse_global, open_pool, run_map, take,
            audit)
MAP_ADAPTER(add8c, "map_f32", "add8c_f32", refuse_add, open_map, run_map, take, audit)
MAP_ADAPTER(weave8c, "map_f32", "weave8c_f32", refuse_weave, open_weave, run_weave,
            take, audit)
MAP_ADAPTER(scale8c, "map_f32", "scale8c_f32", refuse_factor, open_map, run_map, take,
            audit)
MAP_ADAPTER(to8c, "map_f32", "to8c_f32", refuse_block, open_map, run_map, take, audit)
MAP_ADAPTER(from8c, "map_f32", "from8c_f32", refuse_unblock, open_map, run_map,
            qn_bench_take_floats, NULL)
MAP_ADAPTER(resize8c, "resize_f32", "resize8c_f32", NULL, open_resize, run_resize, take,
            audit)
