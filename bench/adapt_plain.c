/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapt_plain.c - convolution and pooling in plain layout: unfolded columns and a
 * matrix product (slot gemm_f32), sums of shifted planes (slot dwtaps_f32), pools. */
#include "bench/adapter.h"
#include "kernels/conv.h"
#include "kernels/pooling.h"

typedef struct state {
    qn_conv_problem c;
    float *x, *w, *bias, *add, *y, *scratch;
    qn_dwconv dw;
    qn_kernels k; /* with the kernel in question in its slot */
} state;

static quern_status open_operands(qn_bench_case *c, state **out, quern_error *err)
{
    void *at;
    QN_TRY(qn_arena_alloc(c->arena, sizeof(state), &at, err));
    state *s = c->state = *out = at;
    float **const to[] = {&s->x, &s->w, &s->bias, &s->add};
    s->c = qn_conv_problem_of(c->truth->p);
    s->k = *c->k;
    for (int i = 0; i < c->truth->n_in; i++)
        if (c->truth->in[i].n > 0) QN_TRY(qn_bench_floats(c, i, to[i], err));
    QN_TRY(qn_bench_output(c, sizeof(float), &at, err));
    s->y = at;
    return QUERN_OK;
}

static quern_status open_scratch(qn_bench_case *c, state *s, int64_t floats,
                                 quern_error *err)
{
    void *at;
    QN_TRY(qn_bench_buffer(c, "scratch", QN_BUFFER_SCRATCH,
                           (size_t)floats * sizeof(float), &at, err));
    s->scratch = at;
    return QUERN_OK;
}

/* ---- columns --------------------------------------------------------------------- */

enum { TILE_FLOATS = 1 << 18 }; /* of columns and results: a second-level cache */

static bool is_point(const qn_window *w)
{
    return w->kernel[0] * w->kernel[1] * w->stride[0] * w->stride[1] == 1 &&
           w->begin[0] + w->begin[1] + w->end[0] + w->end[1] == 0;
}

static int64_t tile_columns(const qn_conv_problem *c)
{
    const int64_t len = c->w.out[0] * c->w.out[1];
    const int64_t k = c->ic / c->groups * c->w.kernel[0] * c->w.kernel[1];
    int64_t n = TILE_FLOATS / (k + c->oc / c->groups) / 16 * 16;
    if (n < 64) n = 64;
    return n < len ? n : len;
}

static const char *refuse_columns(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    return c.is_depthwise ? "depthwise" : NULL;
}

static quern_status open_columns(qn_bench_case *c, quern_error *err)
{
    state *s;
    QN_TRY(open_operands(c, &s, err));
    s->k.gemm_f32 = (qn_gemm_f32_fn *)c->fn;
    if (is_point(&s->c.w)) return QUERN_OK;
    return open_scratch(c, s,
                        s->c.ic / s->c.groups * s->c.w.kernel[0] * s->c.w.kernel[1] *
                            tile_columns(&s->c),
                        err);
}

static void finish(const state *s, int64_t channel, int64_t at, int64_t n)
{
    float *y = s->y + at;
    if (s->bias) qn_shift_f32(y, s->bias[channel], n);
    for (int64_t i = 0; s->add && i < n; i++)
        y[i] += s->add[at + i];
    if (s->c.act.kind != QN_ACT_NONE)
        s->k.act_f32(s->c.act.kind, s->c.act.alpha, s->c.act.beta, y, n);
}

static void run_group(const state *s, int64_t image, int64_t group)
{
    const qn_conv_problem *c = &s->c;
    const int64_t icg = c->ic / c->groups, ocg = c->oc / c->groups;
    const int64_t len = c->w.out[0] * c->w.out[1], step = tile_columns(c);
    const int64_t k = icg * c->w.kernel[0] * c->w.kernel[1];
    const float *x = s->x + (image * c->ic + group * icg) * c->w.in[0] * c->w.in[1];
    for (int64_t from = 0; from < len; from += step) {
        const int64_t n = len - from < step ? len - from : step;
        const int64_t first = image * c->oc + group * ocg;
        const float *b = x + from;
        if (s->scratch) {
            const qn_cols part = {0, k, from, from + n, n};
            qn_im2col_4(&c->w, &part, x, s->scratch);
            b = s->scratch;
        }
        s->k.gemm_f32(&s->k, false, false, ocg, n, k, 1, s->w + group * ocg * k, k, b,
                      s->scratch ? n : len, 0, s->y + first * len + from, len);
        for (int64_t o = 0; o < ocg; o++)
            finish(s, group * ocg + o, (first + o) * len + from, n);
    }
}

static void run_columns(qn_bench_case *c)
{
    const state *s = c->state;
    for (int64_t i = 0; i < s->c.n; i++)
        for (int64_t g = 0; g < s->c.groups; g++)
            run_group(s, i, g);
}

const qn_adapter qn_adapter_conv_columns = {
    .kind = "conv_f32",
    .slot = "gemm_f32",
    .variant = "columns",
    .refuse = refuse_columns,
    .open = open_columns,
    .run = run_columns,
    .take = qn_bench_take_floats,
};

/* ---- depthwise planes ------------------------------------------------------------ */

enum { PLANE_FLOATS = 24 << 10 };

static const char *refuse_planes(const qn_problem *p)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    qn_dwconv dw;
    if (!c.is_depthwise) return "not depthwise";
    return qn_dwconv_init(&dw, &c.w, PLANE_FLOATS) ? NULL : "too large a window";
}

static quern_status open_planes(qn_bench_case *c, quern_error *err)
{
    state *s;
    QN_TRY(open_operands(c, &s, err));
    s->k.dwtaps_f32 = (qn_dwtaps_f32_fn *)c->fn;
    qn_dwconv_init(&s->dw, &s->c.w, PLANE_FLOATS);
    return open_scratch(c, s, qn_dwconv_scratch(&s->dw), err);
}

static void run_planes(qn_bench_case *c)
{
    const state *s = c->state;
    const qn_window *w = &s->c.w;
    const int64_t taps = w->kernel[0] * w->kernel[1], len = w->out[0] * w->out[1];
    for (int64_t plane = 0; plane < s->c.n * s->c.ic; plane++) {
        const int64_t channel = plane % s->c.ic;
        for (int64_t row = 0; row < w->out[0]; row += s->dw.rows) {
            const int64_t end =
                row + s->dw.rows < w->out[0] ? row + s->dw.rows : w->out[0];
            qn_dwconv_split(&s->dw, row, end, s->x + plane * w->in[0] * w->in[1],
                            s->scratch);
            qn_dwconv_rows(&s->k, &s->dw, end - row, s->w + channel * taps, 0,
                           s->scratch, s->y + plane * len + row * w->out[1]);
            finish(s, channel, plane * len + row * w->out[1], (end - row) * w->out[1]);
        }
    }
}

const qn_adapter qn_adapter_conv_planes = {
    .kind = "conv_f32",
    .slot = "dwtaps_f32",
    .variant = "planes",
    .refuse = refuse_planes,
    .open = open_planes,
    .run = run_planes,
    .take = qn_bench_take_floats,
};
const qn_adapter qn_adapter_dw_planes = {
    .kind = "dw_f32",
    .slot = "dwtaps_f32",
    .variant = "planes",
    .refuse = refuse_planes,
    .open = open_planes,
    .run = run_planes,
    .take = qn_bench_take_floats,
};

/* ---- pools ----------------------------------------------------------------------- */

static bool is_mean(const qn_problem *p)
{
    return p->v[qn_problem_field_of(p->kind, "type")][0] == 1;
}

static const char *refuse_max(const qn_problem *p)
{
    return is_mean(p) ? "a mean" : NULL;
}

static const char *refuse_mean(const qn_problem *p)
{
    return is_mean(p) ? NULL : "no mean";
}

static quern_status open_pool(qn_bench_case *c, quern_error *err)
{
    state *s;
    QN_TRY(open_operands(c, &s, err));
    return open_scratch(c, s, s->c.w.in[1], err);
}

static void run_pool(qn_bench_case *c)
{
    const state *s = c->state;
    const qn_window *w = &s->c.w;
    const qn_pool_sum mean = {0, false};
    for (int64_t plane = 0; plane < s->c.n * s->c.ic; plane++) {
        const float *x = s->x + plane * w->in[0] * w->in[1];
        float *y = s->y + plane * w->out[0] * w->out[1];
        if (is_mean(c->truth->p))
            qn_sumpool_f32(w, &mean, x, y, s->scratch);
        else
            qn_maxpool_f32(w, x, y, s->scratch);
    }
}

const qn_adapter qn_adapter_max_pool = {
    .kind = "pool_f32",
    .variant = "maxpool_f32",
    .refuse = refuse_max,
    .open = open_pool,
    .run = run_pool,
    .take = qn_bench_take_floats,
};
const qn_adapter qn_adapter_mean_pool = {
    .kind = "pool_f32",
    .variant = "sumpool_f32",
    .refuse = refuse_mean,
    .open = open_pool,
    .run = run_pool,
    .take = qn_bench_take_floats,
};
