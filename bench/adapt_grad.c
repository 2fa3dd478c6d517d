/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_grad.c - slots unary_grad_f32, poolgrad8c_f32, moments8c_f32, norm8c_f32,
 * normsums8c_f32 and normgrad8c_f32. */
#include "bench/blocked_case.h"
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

/* ---- windows --------------------------------------------------------------------- */

typedef struct image_state {
    qn_blocked_output out;
    qn_poolgrad8c pool;
    qn_norm8c norm;
    int64_t n, rows, blocks;
} image_state;

static quern_status make_state(qn_bench_case *c, const int64_t dims[4],
                               image_state **out, quern_error *err)
{
    void *at;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(image_state), &at, err));
    image_state *s = c->state = *out = at;
    s->n = dims[0];
    s->rows = dims[2];
    s->blocks = qn_blocks8c(dims[1]);
    return QUERN_OK;
}

static void take(qn_bench_case *c)
{
    qn_blocked_take(c, &((const image_state *)c->state)->out);
}

static const char *audit(const qn_bench_case *c)
{
    return qn_blocked_audit(&((const image_state *)c->state)->out);
}

/* Pooled values are an operand, too: made by the reference kernel. */
static quern_status make_pooled(qn_bench_case *c, image_state *s, const int64_t y[4],
                                quern_error *err)
{
    void *memory;
    int64_t origin;
    qn_kernels ref;
    qn_pool8c *q = &s->pool.pool;
    qn_plane8c_shape(&q->y, y[1], y[2], y[3], 0, &origin);
    QN_TRY(qn_bench_buffer(c, "y", QN_BUFFER_INPUT,
                           (size_t)(y[0] * q->y.image) * sizeof(float), &memory, err));
    q->y.data = (float *)memory + origin;
    qn_kernels_init(&ref, QN_ISA_REF);
    qn_task8c t = {.i1 = y[2], .c1 = s->blocks};
    for (t.image = 0; t.image < s->n; t.image++)
        ref.pool8c_f32(q, &t);
    return QUERN_OK;
}

static quern_status open_pool(qn_bench_case *c, quern_error *err)
{
    const qn_conv_problem p = qn_conv_problem_of(c->truth->p);
    const int64_t x[4] = {p.n, p.ic, p.w.in[0], p.w.in[1]};
    const int64_t y[4] = {p.n, p.ic, p.w.out[0], p.w.out[1]};
    image_state *s;
    QN_TRY(make_state(c, x, &s, err));
    qn_pool8c *q = &s->pool.pool;
    for (int a = 0; a < 2; a++) {
        q->kernel[a] = p.w.kernel[a];
        q->stride[a] = p.w.stride[a];
        q->dilation[a] = 1;
        q->pad[a] = p.w.begin[a];
        q->end[a] = p.w.end[a];
    }
    q->mean = c->truth->p->v[qn_problem_field_of(c->truth->p->kind, "type")][0] == 1;
    QN_TRY(qn_blocked_input(c, 0, &q->x, x, 0, err));
    QN_TRY(qn_blocked_input(c, 1, &s->pool.dy, y, 0, err));
    QN_TRY(make_pooled(c, s, y, err));
    QN_TRY(qn_blocked_open(c, &s->out, x, err));
    s->pool.dx = s->out.p;
    return QUERN_OK;
}

static void run_pool(qn_bench_case *c)
{
    const image_state *s = c->state;
    qn_task8c t = {.i1 = s->rows, .c1 = s->blocks};
    for (t.image = 0; t.image < s->n; t.image++)
        ((qn_poolgrad8c_f32_fn *)c->fn)(&s->pool, &t);
}

const qn_adapter qn_adapter_pool_grad8c = {
    .kind = "pool_grad_f32",
    .slot = "poolgrad8c_f32",
    .open = open_pool,
    .run = run_pool,
    .take = take,
    .audit = audit,
};

/* ---- batch normalisation --------------------------------------------------------- */

enum { OP = 4, ACT };
enum { MOMENTS, NORM, SUMS, BACK };

/* Vectors [5][c] with the tail that kernels expect. */
static quern_status open_vectors(qn_bench_case *c, image_state *s, quern_error *err)
{
    const int64_t n = c->truth->p->v[1][0], lanes = s->blocks * QN_BLOCK8;
    const float **to[5] = {&s->norm.weight, &s->norm.bias, &s->norm.mean,
                           &s->norm.shift, &s->norm.slope};
    void *at;
    QN_TRY(qn_bench_buffer(c, "vectors", QN_BUFFER_INPUT,
                           (size_t)(5 * lanes) * sizeof(float), &at, err));
    for (int k = 0; k < 5; k++) {
        float *v = (float *)at + k * lanes;
        for (int64_t i = 0; i < n; i++)
            v[i] = (float)c->truth->x[2][k * n + i];
        *to[k] = v;
    }
    return QUERN_OK;
}

static quern_status open_norm(qn_bench_case *c, quern_error *err)
{
    const qn_problem *p = c->truth->p;
    const int64_t dims[4] = {p->v[0][0], p->v[1][0], p->v[2][0], p->v[3][0]};
    const bool is_summed = p->v[OP][0] == MOMENTS || p->v[OP][0] == SUMS;
    image_state *s;
    void *at;
    QN_TRY(make_state(c, dims, &s, err));
    QN_TRY(qn_blocked_input(c, 0, &s->norm.x, dims, 0, err));
    QN_TRY(qn_blocked_input(c, 1, &s->norm.dy, dims, 0, err));
    QN_TRY(open_vectors(c, s, err));
    s->norm.act.kind = p->v[ACT][0] ? QN_ACT_RELU : QN_ACT_NONE;
    if (!is_summed) {
        QN_TRY(qn_blocked_open(c, &s->out, dims, err));
        s->norm.y = s->norm.dx = s->out.p;
        return QUERN_OK;
    }
    QN_TRY(qn_bench_buffer(c, "sums", QN_BUFFER_OUTPUT,
                           (size_t)(dims[0] * s->blocks * 16) * sizeof(double), &at,
                           err));
    s->norm.sums = at;
    return QUERN_OK;
}

static void run_norm(qn_bench_case *c)
{
    const image_state *s = c->state;
    qn_task8c t = {.i1 = s->rows, .c1 = s->blocks};
    for (t.image = 0; t.image < s->n; t.image++) /* all slots of one type */
        ((qn_norm8c_f32_fn *)c->fn)(&s->norm, &t);
}

static void take_sums(qn_bench_case *c)
{
    const image_state *s = c->state;
    const int64_t channels = c->truth->p->v[1][0];
    for (int64_t i = 0; i < c->truth->n_out; i++) {
        const int64_t ch = i / 2 % channels;
        c->y[i] = qn_norm8c_sums(&s->norm, i / 2 / channels,
                                 ch / QN_BLOCK8)[i % 2 * QN_BLOCK8 + ch % QN_BLOCK8];
    }
}

#define NORM_ADAPTER(name, its_slot, its_op, bring, look)       \
    static const char *refuse_##name(const qn_problem *p)       \
    {                                                           \
        return p->v[OP][0] == (its_op) ? NULL : "another part"; \
    }                                                           \
    const qn_adapter qn_adapter_##name = {                      \
        .kind = "norm_f32",                                     \
        .slot = its_slot,                                       \
        .refuse = refuse_##name,                                \
        .open = open_norm,                                      \
        .run = run_norm,                                        \
        .take = bring,                                          \
        .audit = look,                                          \
    };
NORM_ADAPTER(moments8c, "moments8c_f32", MOMENTS, take_sums, NULL)
NORM_ADAPTER(norm8c, "norm8c_f32", NORM, take, audit)
NORM_ADAPTER(normsums8c, "normsums8c_f32", SUMS, take_sums, NULL)
NORM_ADAPTER(normgrad8c, "normgrad8c_f32", BACK, take, audit)
