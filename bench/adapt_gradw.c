/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_gradw.c - slots gradw8c_f32 and dwgradw8c_f32 of kernels/gradw8c.h: one
 * sum over all images, and the filters' order again. */
#include "bench/blocked_case.h"

typedef struct state {
    qn_gradw8c g;
    bool is_depth;
    int64_t images, parts;
    float *sum, *dw, *scratch;
} state;

static const char *refuse_blocked(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    if (c.groups > 1 && (c.ic / c.groups % QN_BLOCK8 || c.oc / c.groups % QN_BLOCK8))
        return "groups are no whole blocks";
    return NULL;
}

static const char *refuse_wino(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    for (int a = 0; a < 2; a++)
        if (c.w.kernel[a] != 3 || c.w.stride[a] != 1 || c.w.dilation[a] != 1)
            return "not 3x3 with stride 1";
    return c.groups > 1 ? "groups" : NULL;
}

static const char *refuse_plain(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    return c.groups > 1 || c.ic > 4 ? "more than four channels" : NULL;
}

static const char *refuse_depth(const qn_problem *p)
{
    return qn_conv_problem_of(p).is_depthwise ? NULL : "not depthwise";
}

static quern_status floats(qn_bench_case *c, const char *name, qn_buffer_role role,
                           int64_t n, float **out, quern_error *err)
{
    void *at;
    QN_TRY(qn_bench_buffer(c, name, role, (size_t)n * sizeof(float), &at, err));
    *out = at;
    return QUERN_OK;
}

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

static quern_status open_sums(qn_bench_case *c, state *s, quern_error *err)
{
    void *row;
    const int64_t n = s->is_depth ? 0 : qn_gradw8c_n_rows(&s->g);
    const int64_t size =
        s->is_depth ? qn_dwgradw8c_size(&s->g) : qn_gradw8c_size(&s->g);
    QN_TRY(floats(c, "sum", QN_BUFFER_SCRATCH, size, &s->sum, err));
    const int64_t scratch = s->g.is_plain ? qn_gradw8c_scratch(&s->g)
                            : s->g.c.tile ? qn_gradwino8c_scratch(&s->g, s->parts)
                                          : 0;
    if (scratch)
        QN_TRY(floats(c, "scratch", QN_BUFFER_SCRATCH, scratch, &s->scratch, err));
    void *dw;
    QN_TRY(qn_bench_output(c, sizeof(float), &dw, err));
    s->dw = dw;
    if (n == 0) return QUERN_OK;
    QN_TRY(qn_bench_buffer(c, "rows", QN_BUFFER_INPUT, (size_t)n * sizeof(int64_t),
                           &row, err));
    qn_gradw8c_rows(&s->g, row);
    s->g.row = row;
    return QUERN_OK;
}

static quern_status open(qn_bench_case *c, bool is_plain, bool is_depth, int tile,
                         quern_error *err)
{
    void *at;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(state), &at, err));
    state *s = c->state = at;
    const qn_conv_problem p = qn_conv_problem_of(c->truth->p);
    const int64_t x[4] = {p.n, p.ic, p.w.in[0], p.w.in[1]};
    const int64_t y[4] = {p.n, p.oc, p.w.out[0], p.w.out[1]};
    *s = (state){.is_depth = is_depth, .images = p.n, .g.is_plain = is_plain};
    s->g.c = (qn_conv8c){.groups = p.groups, .y_step = QN_BLOCK8, .tile = tile};
    for (int a = 0; a < 2; a++) {
        s->g.c.kernel[a] = p.w.kernel[a];
        s->g.c.stride[a] = p.w.stride[a];
        s->g.c.dilation[a] = p.w.dilation[a];
        s->g.c.pad[a] = p.w.begin[a];
    }
    if (is_plain)
        QN_TRY(qn_blocked_plain(c, 0, &s->g.c.x, x, err));
    else
        QN_TRY(qn_blocked_input(c, 0, &s->g.c.x, x, halo_of(&p.w), err));
    QN_TRY(qn_blocked_input(c, 1, &s->g.c.y, y, 0, err));
    s->parts = is_depth ? qn_blocks8c(p.ic) : qn_conv8c_panels(&s->g.c);
    return open_sums(c, s, err);
}

static quern_status open_blocked(qn_bench_case *c, quern_error *err)
{
    return open(c, false, false, 0, err);
}

static quern_status open_wino(qn_bench_case *c, quern_error *err)
{
    return open(c, false, false, 4, err);
}

static quern_status open_plain(qn_bench_case *c, quern_error *err)
{
    return open(c, true, false, 0, err);
}

static quern_status open_depth(qn_bench_case *c, quern_error *err)
{
    return open(c, false, true, 0, err);
}

static void run(qn_bench_case *c)
{
    const state *s = c->state;
    const qn_task8c t = {.i1 = s->images, .c1 = s->parts, .scratch = s->scratch};
    /* Both slots have one type. */
    ((qn_gradw8c_f32_fn *)c->fn)(&s->g, &t, s->sum);
    (s->is_depth ? qn_dwgradw8c_unpack : qn_gradw8c_unpack)(&s->g, 0, s->parts, s->sum,
                                                            s->dw);
}

#define GRADW_ADAPTER(name, its_slot, text, fits, begin, inexact) \
    const qn_adapter qn_adapter_##name = {                        \
        .kind = "gradw_f32",                                      \
        .slot = its_slot,                                         \
        .variant = text,                                          \
        .refuse = fits,                                           \
        .open = begin,                                            \
        .run = run,                                               \
        .take = qn_bench_take_floats,                             \
        .is_inexact = inexact,                                    \
    };
GRADW_ADAPTER(gradw8c, "gradw8c_f32", NULL, refuse_blocked, open_blocked, false)
GRADW_ADAPTER(gradwino8c, "gradwino8c_f32", NULL, refuse_wino, open_wino, true)
GRADW_ADAPTER(gradw8c_plain, "gradw8c_f32", "plain", refuse_plain, open_plain, false)
GRADW_ADAPTER(dwgradw8c, "dwgradw8c_f32", NULL, refuse_depth, open_depth, false)
