/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_blocked.c - slots conv8c_f32, stem8c_f32, wino8c_f32 and dw8c_f32 of
 * kernels/blocked.h.  Weights are packed before the clock runs; operands lie blocked
 * already, as they do within a network. */
#include "bench/blocked_case.h"

typedef enum way { WAY_DIRECT, WAY_STEM, WAY_DEPTH, WAY_WINO } way;

typedef struct state {
    way way;
    qn_conv_problem p;
    qn_conv8c c;
    qn_task8c task;
    qn_blocked_output y;
} state;

/* ---- what fits ------------------------------------------------------------------- */

static const char *refuse_direct(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    if (c.groups > 1 && (c.ic / c.groups % QN_BLOCK8 || c.oc / c.groups % QN_BLOCK8))
        return "groups are no whole blocks";
    return NULL;
}

static const char *refuse_stem(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    return c.groups > 1 || c.ic > 4 ? "more than four channels" : NULL;
}

static const char *refuse_depth(const qn_problem *p)
{
    return qn_conv_problem_of(p).is_depthwise ? NULL : "not depthwise";
}

static const char *refuse_wino(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    if (c.ic < 8) return "less than a block of channels";
    for (int a = 0; a < 2; a++)
        if (c.w.kernel[a] != 3 || c.w.stride[a] != 1 || c.w.dilation[a] != 1)
            return "not 3x3 with stride 1";
    return c.groups > 1 ? "groups" : NULL;
}

static const char *refuse_wino2(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    if (c.ic < 8) return "less than a block of channels";
    for (int a = 0; a < 2; a++)
        if (c.w.kernel[a] != 3 || c.w.stride[a] > 2 || c.w.dilation[a] != 1)
            return "not 3x3 with stride 1 or 2";
    if (c.w.stride[0] != c.w.stride[1]) return "two strides";
    return c.groups > 1 ? "groups" : NULL;
}

/* ---- operands -------------------------------------------------------------------- */

static quern_status floats(qn_bench_case *c, const char *name, qn_buffer_role role,
                           int64_t n, float **out, quern_error *err)
{
    void *at;
    QN_TRY(qn_bench_buffer(c, name, role, (size_t)n * sizeof(float), &at, err));
    *out = at;
    return QUERN_OK;
}

/* Rows and columns of zeros that stand for padding, on whichever side needs more. */
static int64_t halo_of(const qn_window *w)
{
    int64_t halo = 0;
    for (int a = 0; a < 2; a++) {
        const int64_t behind = (w->out[a] - 1) * w->stride[a] +
                               (w->kernel[a] - 1) * w->dilation[a] - w->begin[a] -
                               (w->in[a] - 1);
        halo = w->begin[a] > halo ? w->begin[a] : halo;
        halo = behind > halo ? behind : halo;
    }
    return halo;
}

static quern_status open_planes(qn_bench_case *c, state *s, quern_error *err)
{
    const qn_window *w = &s->p.w;
    const int64_t x[4] = {s->p.n, s->p.ic, w->in[0], w->in[1]};
    const int64_t y[4] = {s->p.n, s->p.oc, w->out[0], w->out[1]};
    if (s->way == WAY_STEM)
        QN_TRY(qn_blocked_plain(c, 0, &s->c.x, x, err));
    else
        QN_TRY(qn_blocked_input(c, 0, &s->c.x, x, halo_of(w), err));
    if (s->p.has_add) QN_TRY(qn_blocked_input(c, 3, &s->c.add, y, 0, err));
    QN_TRY(qn_blocked_open(c, &s->y, y, err));
    s->c.y = s->y.p;
    return QUERN_OK;
}

static const struct {
    int64_t (*size)(const qn_conv8c *c);
    void (*pack)(const qn_conv8c *c, const float *w, float *packed);
} packers[] = {
    [WAY_DIRECT] = {qn_conv8c_weight_size, qn_conv8c_pack},
    [WAY_STEM] = {qn_stem8c_weight_size, qn_stem8c_pack},
    [WAY_DEPTH] = {qn_dw8c_weight_size, qn_dw8c_pack},
    [WAY_WINO] = {qn_wino8c_weight_size, qn_wino8c_pack},
};

static quern_status open_weights(qn_bench_case *c, state *s, quern_error *err)
{
    const qn_truth *t = c->truth;
    float *packed, *bias;
    void *at;
    QN_TRY(qn_arena_array(c->arena, (size_t)t->in[1].n, sizeof(float), &at, err));
    float *w = at;
    for (int64_t i = 0; i < t->in[1].n; i++)
        w[i] = (float)t->x[1][i];
    QN_TRY(floats(c, "w", QN_BUFFER_INPUT, packers[s->way].size(&s->c), &packed, err));
    packers[s->way].pack(&s->c, w, packed);
    s->c.weight = packed;
    if (!s->p.has_bias) return QUERN_OK;
    QN_TRY(floats(c, "bias", QN_BUFFER_INPUT, qn_blocks8c(s->p.oc) * QN_BLOCK8, &bias,
                  err));
    for (int64_t i = 0; i < s->p.oc; i++)
        bias[i] = (float)t->x[2][i];
    s->c.bias = bias;
    return QUERN_OK;
}

static quern_status open_segments(qn_bench_case *c, state *s, quern_error *err)
{
    const bool is_stem = s->way == WAY_STEM;
    void *at;
    if (!is_stem && s->way != WAY_DIRECT) return QUERN_OK;
    const int64_t n =
        is_stem ? qn_stem8c_n_segments(&s->c) : qn_conv8c_n_segments(&s->c);
    QN_TRY(qn_bench_buffer(c, "segments", QN_BUFFER_INPUT, (size_t)n * sizeof(int64_t),
                           &at, err));
    if (is_stem)
        qn_stem8c_segments(&s->c, at);
    else
        qn_conv8c_segments(&s->c, at);
    s->c.segment = at;
    return QUERN_OK;
}

/* All of the work as one task, as a session with one thread has it. */
static void set_task(state *s)
{
    s->task.i1 = s->c.y.h;
    if (s->way == WAY_DIRECT) s->task.i1 *= s->c.y.w;
    if (s->way == WAY_WINO) s->task.i1 = qn_wino8c_tiles(&s->c, s->p.n);
    s->task.c1 = s->way == WAY_DEPTH ? qn_blocks8c(s->c.y.c) : qn_conv8c_panels(&s->c);
}

static quern_status open_way(qn_bench_case *c, way its_way, int tile, quern_error *err)
{
    void *at;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(state), &at, err));
    state *s = c->state = at;
    s->way = its_way;
    s->p = qn_conv_problem_of(c->truth->p);
    s->c = (qn_conv8c){
        .groups = s->p.groups, .y_step = QN_BLOCK8, .tile = tile, .act = s->p.act};
    for (int a = 0; a < 2; a++) {
        s->c.kernel[a] = s->p.w.kernel[a];
        s->c.stride[a] = s->p.w.stride[a];
        s->c.dilation[a] = s->p.w.dilation[a];
        s->c.pad[a] = s->p.w.begin[a];
    }
    QN_TRY(open_planes(c, s, err));
    QN_TRY(open_weights(c, s, err));
    QN_TRY(open_segments(c, s, err));
    set_task(s);
    const int64_t scratch = s->way == WAY_STEM   ? qn_stem8c_scratch(&s->c)
                            : s->way == WAY_WINO ? qn_wino8c_scratch(&s->c)
                                                 : 0;
    if (scratch == 0) return QUERN_OK;
    return floats(c, "scratch", QN_BUFFER_SCRATCH, scratch, &s->task.scratch, err);
}

static quern_status open_direct(qn_bench_case *c, quern_error *err)
{
    return open_way(c, WAY_DIRECT, 0, err);
}

static quern_status open_stem(qn_bench_case *c, quern_error *err)
{
    return open_way(c, WAY_STEM, 0, err);
}

static quern_status open_depth(qn_bench_case *c, quern_error *err)
{
    return open_way(c, WAY_DEPTH, 0, err);
}

static quern_status open_wino4(qn_bench_case *c, quern_error *err)
{
    return open_way(c, WAY_WINO, 4, err);
}

static quern_status open_wino2(qn_bench_case *c, quern_error *err)
{
    return open_way(c, WAY_WINO, 2, err);
}

/* ---- running --------------------------------------------------------------------- */

static void run(qn_bench_case *c)
{
    const state *s = c->state;
    qn_task8c task = s->task;
    /* The four slots have one type. */
    qn_conv8c_f32_fn *fn = (qn_conv8c_f32_fn *)c->fn;
    const int64_t images = s->way == WAY_WINO ? 1 : s->p.n;
    for (task.image = 0; task.image < images; task.image++)
        fn(&s->c, &task);
}

static void take(qn_bench_case *c)
{
    qn_blocked_take(c, &((const state *)c->state)->y);
}

static const char *audit(const qn_bench_case *c)
{
    return qn_blocked_audit(&((const state *)c->state)->y);
}

#define BLOCKED_ADAPTER(name, its_kind, its_slot, text, fits, begin, inexact) \
    const qn_adapter qn_adapter_##name = {                                    \
        .kind = its_kind,                                                     \
        .slot = its_slot,                                                     \
        .variant = text,                                                      \
        .refuse = fits,                                                       \
        .open = begin,                                                        \
        .run = run,                                                           \
        .take = take,                                                         \
        .audit = audit,                                                       \
        .is_inexact = inexact,                                                \
    };
BLOCKED_ADAPTER(conv8c, "conv_f32", "conv8c_f32", NULL, refuse_direct, open_direct,
                false)
BLOCKED_ADAPTER(stem8c, "conv_f32", "stem8c_f32", NULL, refuse_stem, open_stem, false)
BLOCKED_ADAPTER(wino4, "conv_f32", "wino8c_f32", "4x4", refuse_wino, open_wino4, true)
BLOCKED_ADAPTER(wino2, "conv_f32", "wino8c_f32", "2x2", refuse_wino2, open_wino2, true)
BLOCKED_ADAPTER(conv_dw8c, "conv_f32", "dw8c_f32", NULL, refuse_depth, open_depth,
                false)
BLOCKED_ADAPTER(dw8c, "dw_f32", "dw8c_f32", NULL, refuse_depth, open_depth, false)
