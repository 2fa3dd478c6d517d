/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_blocked.c - convolution in the blocked layout (kernels/blocked.h).
 *
 * Five ways: few input channels read plain (stem), depthwise, Winograd with tiles of 4
 * or of 2, direct.  The way depends on shapes of one image only, never on batch or
 * threads, so the bits do not depend on them either. */
#include "engine/ops/conv_blocked.h"

#include "engine/ops/conv_shape.h"
#include "engine/rows8c.h"

#include <string.h>

typedef enum way { WAY_DIRECT, WAY_STEM, WAY_DEPTH, WAY_WINO } way;

typedef struct state {
    way way;
    qn_conv8c c;
    int64_t images, things; /* things: what the slot cuts, of one image or of all */
    int64_t groups_of_channels;
    int64_t cut_i, cut_c; /* tasks along things and along channels */
    size_t scratch;       /* floats of a task */
} state;

enum {
    STEM_CHANNELS = 4,
    MAX_HALO = 64,
    WINO_CHANNELS = 16,      /* below, transforms cost more than they save */
    WINO_WEIGHTS = 48 << 10, /* filters whose transforms leave the caches */
    WINO_FEW = 16,           /* tiles of a 14x14 map */
    TASK_MACS = 1 << 20      /* a task is worth handing to a thread */
};

static bool fits(const qn_instr *i, qn_conv8c *c, int64_t *end)
{
    const qn_window_params *p = i->params;
    const qn_tensor *x = i->in[0], *w = i->in[1], *y = i->out[0];
    qn_window win;
    if (x->rank != 4 || x->dtype != QUERN_FLOAT || !w->data || !y ||
        qn_tensor_count(y) == 0 || qn_tensor_count(x) == 0 ||
        (i->n_in > 2 && i->in[2] && !i->in[2]->data) ||
        qn_window_fit(p, x, w, &win, NULL) != QUERN_OK)
        return false;
    *c = (qn_conv8c){.groups = p->group, .y_step = QN_BLOCK8, .act = i->act};
    for (int d = 0; d < 2; d++) {
        c->kernel[d] = win.kernel[d];
        c->stride[d] = win.stride[d];
        c->dilation[d] = win.dilation[d];
        c->pad[d] = win.begin[d];
        end[d] = (win.out[d] - 1) * win.stride[d] +
                 (win.kernel[d] - 1) * win.dilation[d] - win.begin[d] - (win.in[d] - 1);
    }
    return true;
}

static bool choose(const qn_instr *i, const qn_conv8c *c, way *chosen)
{
    int64_t ic = i->in[1]->dim[1], oc = i->in[1]->dim[0];
    if (c->groups == 1)
        *chosen = ic <= STEM_CHANNELS ? WAY_STEM : WAY_DIRECT;
    else if (ic == 1 && oc == c->groups)
        *chosen = WAY_DEPTH;
    else if (ic % QN_BLOCK8 == 0 && oc / c->groups % QN_BLOCK8 == 0)
        *chosen = WAY_DIRECT;
    else
        return false;
    return true;
}

bool qn_conv_blocked(const qn_instr *i, qn_blocked *how)
{
    qn_conv8c c;
    way chosen;
    int64_t end[2], halo = 0;
    if (!fits(i, &c, end) || !choose(i, &c, &chosen)) return false;
    for (int d = 0; d < 2; d++) {
        halo = c.pad[d] > halo ? c.pad[d] : halo;
        halo = end[d] > halo ? end[d] : halo;
    }
    if (halo > MAX_HALO) return false;
    *how = (qn_blocked){.wants = true, .in = 1, .halo = (int)halo};
    if (chosen == WAY_STEM) *how = (qn_blocked){.wants = true};
    if (i->residual) how->in |= UINT32_C(1) << (i->n_in - 1);
    return true;
}

/* 4, 2 or 0 for none: by map size and by what ragged last tiles waste. */
static int wino_tile(const qn_conv8c *c, int64_t ic, int64_t oc)
{
    int64_t h = c->y.h, w = c->y.w, least = h < w ? h : w;
    if (c->groups != 1 || ic < WINO_CHANNELS || oc < WINO_CHANNELS) return 0;
    for (int d = 0; d < 2; d++)
        if (c->kernel[d] != 3 || c->stride[d] != 1 || c->dilation[d] != 1) return 0;
    double waste = (double)((h + 3) / 4 * ((w + 3) / 4) * 16) / (double)(h * w);
    /* A tile of 4 makes 36 floats of 9: few tiles do not pay for streaming them. */
    bool heavy = ic * oc > WINO_WEIGHTS && (h + 3) / 4 * ((w + 3) / 4) <= WINO_FEW;
    if (least >= 12 && waste <= 1.5 && !heavy) return 4;
    return least >= 5 ? 2 : 0;
}

/* ---- prepare ---- */

typedef int64_t size_fn(const qn_conv8c *c);
typedef void pack_fn(const qn_conv8c *c, const float *w, float *packed);

static const struct {
    size_fn *size;
    pack_fn *pack;
} packers[] = {
    [WAY_DIRECT] = {qn_conv8c_weight_size, qn_conv8c_pack},
    [WAY_STEM] = {qn_stem8c_weight_size, qn_stem8c_pack},
    [WAY_DEPTH] = {qn_dw8c_weight_size, qn_dw8c_pack},
    [WAY_WINO] = {qn_wino8c_weight_size, qn_wino8c_pack},
};

static void pack_weight(void *packed, const qn_tensor *weight, const void *ctx)
{
    const state *s = ctx;
    packers[s->way].pack(&s->c, weight->data, packed);
}

static quern_status take_weight(qn_prep *p, state *s, quern_error *err)
{
    const void *packed;
    uint64_t key = ((uint64_t)s->way << 8 | (uint64_t)s->c.tile) + 1;
    size_t bytes = (size_t)packers[s->way].size(&s->c) * sizeof(float);
    QN_TRY(qn_prep_pack(p, 1, key, bytes, pack_weight, s, &packed, err));
    s->c.weight = packed;
    return QUERN_OK;
}

/* The bias, zeros where there is no channel. */
static quern_status take_bias(qn_prep *p, state *s, quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_tensor *b = p->instr->node->n_in > 2 ? i->in[2] : NULL;
    void *room;
    if (!b) return QUERN_OK;
    QN_TRY(qn_arena_array(p->arena, (size_t)qn_blocks8c(s->c.y.c) * QN_BLOCK8,
                          sizeof(float), &room, err));
    memcpy(room, b->data, qn_tensor_bytes(b));
    s->c.bias = room;
    return QUERN_OK;
}

static quern_status take_segments(qn_prep *p, state *s, quern_error *err)
{
    bool stem = s->way == WAY_STEM;
    if (!stem && s->way != WAY_DIRECT) return QUERN_OK;
    int64_t n = stem ? qn_stem8c_n_segments(&s->c) : qn_conv8c_n_segments(&s->c);
    void *room;
    QN_TRY(qn_arena_array(p->arena, (size_t)n, sizeof(int64_t), &room, err));
    if (stem)
        qn_stem8c_segments(&s->c, room);
    else
        qn_conv8c_segments(&s->c, room);
    s->c.segment = room;
    return QUERN_OK;
}

static void set_planes(state *s, const qn_instr *i)
{
    s->c.x = s->way == WAY_STEM ? qn_plain_plane(i->in[0]) : qn_tensor_plane(i->in[0]);
    s->c.y = qn_tensor_plane(i->out[0]);
    if (i->residual) s->c.add = qn_tensor_plane(i->residual);
}

/* Few tasks for few threads: the kernels block for the caches themselves. */
static void cut(state *s, const qn_instr *i, int n_workers)
{
    double macs = (double)qn_tensor_count(i->out[0]) / (double)s->images *
                  (double)qn_dims_count(i->in[1], 1, 4);
    int64_t most = (int64_t)(macs / TASK_MACS),
            want = n_workers > 1 ? 4 * n_workers : 1;
    if (s->way == WAY_WINO) most *= s->images;
    if (want > most) want = most;
    if (want < 1) want = 1;
    int64_t grain = s->way == WAY_DIRECT ? 48 : s->way == WAY_WINO ? 24 : 4;
    int64_t fit = s->things / grain > 0 ? s->things / grain : 1;
    s->cut_i = want < fit ? want : fit;
    s->cut_c = (want + s->cut_i - 1) / s->cut_i;
    if (s->cut_c > s->groups_of_channels) s->cut_c = s->groups_of_channels;
}

quern_status qn_conv_blocked_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    int64_t end[2];
    state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    if (!fits(i, &s->c, end) || !choose(i, &s->c, &s->way))
        return qn_fail(err, QUERN_INVALID, "blocked convolution of %s",
                       QN_SHAPE(i->in[0]));
    set_planes(s, i);
    s->images = i->in[0]->dim[0];
    if (s->way == WAY_DIRECT && !p->no_winograd)
        s->c.tile = wino_tile(&s->c, i->in[1]->dim[1], i->in[1]->dim[0]);
    if (s->c.tile) s->way = WAY_WINO;
    s->groups_of_channels = qn_conv8c_panels(&s->c);
    s->things = s->c.y.h;
    if (s->way == WAY_DIRECT) s->things *= s->c.y.w;
    if (s->way == WAY_DEPTH) s->groups_of_channels = qn_blocks8c(s->c.y.c);
    if (s->way == WAY_STEM) s->scratch = (size_t)qn_stem8c_scratch(&s->c);
    if (s->way == WAY_WINO) {
        s->things = qn_wino8c_tiles(&s->c, s->images);
        s->scratch = (size_t)qn_wino8c_scratch(&s->c);
    }
    cut(s, i, p->n_workers);
    QN_TRY(take_weight(p, s, err));
    QN_TRY(take_bias(p, s, err));
    QN_TRY(take_segments(p, s, err));
    s->scratch = (s->scratch + 15) & ~(size_t)15;
    qn_prep_scratch(p, s->scratch * sizeof(float) * (size_t)p->n_workers);
    return QUERN_OK;
}

/* ---- run
 * ------------------------------------------------------------------------------------
 */

typedef struct job {
    const state *s;
    qn_conv8c c;
    const qn_kernels *k;
    float *scratch;
} job;

static void run_tasks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const state *s = j->s;
    for (int64_t n = begin; n < end; n++) {
        int64_t c = n % s->cut_c, i = n / s->cut_c % s->cut_i;
        qn_task8c t = {.image = n / s->cut_c / s->cut_i,
                       .i0 = s->things * i / s->cut_i,
                       .i1 = s->things * (i + 1) / s->cut_i,
                       .c0 = s->groups_of_channels * c / s->cut_c,
                       .c1 = s->groups_of_channels * (c + 1) / s->cut_c,
                       .scratch = j->scratch + (size_t)worker * s->scratch};
        switch (s->way) {
        case WAY_DIRECT:
            j->k->conv8c_f32(&j->c, &t);
            break;
        case WAY_STEM:
            j->k->stem8c_f32(&j->c, &t);
            break;
        case WAY_DEPTH:
            j->k->dw8c_f32(&j->c, &t);
            break;
        case WAY_WINO:
            j->k->wino8c_f32(&j->c, &t);
            break;
        }
    }
}

quern_status qn_conv_blocked_run(const qn_instr *i, const qn_exec *x)
{
    const state *s = i->state;
    job j = {.s = s, .c = s->c, .k = x->k, .scratch = i->scratch};
    state now = *s;
    set_planes(&now, i);
    j.c.x = now.c.x;
    j.c.y = now.c.y;
    j.c.add = now.c.add;
    int64_t images = s->way == WAY_WINO ? 1 : s->images;
    qn_parallel_for(x->pool, images * s->cut_i * s->cut_c, 1, run_tasks, &j);
    return QUERN_OK;
}
