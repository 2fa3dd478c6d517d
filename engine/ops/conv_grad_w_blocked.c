/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_grad_w_blocked.c - ConvGradW in the blocked layout
 * (kernels/gradw8c.h): dY and X are blocked, or X is plain where a first layer reads it
 * so; dW is plain. */
#include "engine/ops/conv_grad.h"
#include "engine/ops/conv_grad_blocked.h"
#include "engine/rows8c.h"
#include "engine/shards.h"
#include "kernels/conv.h"

#include <string.h>

enum { IN_DY, IN_X, IN_W };
enum {
    STEM_CHANNELS = 4,
    MAX_HALO = 64,
    PARTIAL_BYTES = 16 << 20, /* most memory for the sums of all shards */
    WINO_BYTES = 4 << 20,     /* transformed sums of a task */
    WINO_TILES = 128,         /* of a shard, at least */
    WINO_FEW = 32             /* fewer are computed directly */
};

typedef struct state {
    qn_gradw8c g; /* planes without data; c.tile 4: by Winograd */
    bool is_depth;
    int64_t images, shards, size; /* size: floats of a sum */
    int64_t parts, cut;           /* panels or blocks; tasks along them */
    size_t scratch;               /* floats of a task */
} state;

static bool choose(const qn_tensor *w, int64_t group, bool *is_depth)
{
    const int64_t ic = w->dim[1], oc = w->dim[0] / group;
    *is_depth = group > 1 && ic == 1 && oc == 1;
    return group == 1 || *is_depth || (ic % QN_BLOCK8 == 0 && oc % QN_BLOCK8 == 0);
}

static bool fits(const qn_instr *i, qn_window *w, bool *is_depth)
{
    const qn_window_params *p = i->params;
    const qn_tensor *dy = i->in[IN_DY], *x = i->in[IN_X];
    return dy->rank == 4 && dy->dtype == QUERN_FLOAT && qn_tensor_count(dy) > 0 &&
           qn_tensor_count(x) > 0 && qn_tensor_count(i->in[IN_W]) > 0 &&
           choose(i->in[IN_W], p->group, is_depth) &&
           qn_window_fit(p, x, i->in[IN_W], w, NULL) == QUERN_OK;
}

bool qn_conv_grad_w_blocked(const qn_instr *i, qn_blocked *how)
{
    const qn_tensor *x = i->in[IN_X];
    qn_window w;
    bool is_depth;
    int64_t halo = 0;
    if (!fits(i, &w, &is_depth)) return false;
    for (int d = 0; d < 2; d++) {
        const int64_t end = (w.out[d] - 1) * w.stride[d] +
                            (w.kernel[d] - 1) * w.dilation[d] - w.begin[d] -
                            (w.in[d] - 1);
        halo = w.begin[d] > halo ? w.begin[d] : halo;
        halo = end > halo ? end : halo;
    }
    *how = (qn_blocked){.wants = true,
                        .in = 1 << IN_DY | 1 << IN_X,
                        .plain_out = 1,
                        .halo = (int)halo,
                        .halo_in = IN_X};
    /* What the first layer read plain is read plain again. */
    if (x->layout == QN_PLAIN && x->dim[1] <= STEM_CHANNELS && !is_depth)
        how->in = 1 << IN_DY;
    return halo <= MAX_HALO;
}

static void set_planes(qn_conv8c *c, const qn_instr *i, bool is_plain)
{
    c->x = is_plain ? qn_plain_plane(i->in[IN_X]) : qn_tensor_plane(i->in[IN_X]);
    c->y = qn_tensor_plane(i->in[IN_DY]);
}

/* What a ragged last tile wastes must leave some of the factor of 4, and the tiles must
 * pay for a transform of the sums. */
static bool can_wino(const state *s)
{
    const qn_conv8c *c = &s->g.c;
    if (s->is_depth || s->g.is_plain || c->groups != 1 || c->x.c < QN_BLOCK8)
        return false;
    for (int d = 0; d < 2; d++)
        if (c->kernel[d] != 3 || c->stride[d] != 1 || c->dilation[d] != 1) return false;
    const int64_t tiles = (c->y.h + 3) / 4 * ((c->y.w + 3) / 4);
    return tiles * 16 <= 2 * c->y.h * c->y.w && tiles * s->images >= WINO_FEW;
}

/* Panels are cut for more tasks than shards, and so that the sums of a task stay near:
 * the bits depend on neither. */
static void cut(state *s, int n_workers)
{
    const int64_t want = n_workers > 1 ? 2 * n_workers : 1;
    s->cut = (want + s->shards - 1) / s->shards;
    if (s->g.c.tile) {
        const int64_t bytes = s->size * 4 * (int64_t)sizeof(float);
        const int64_t least = (bytes + WINO_BYTES - 1) / WINO_BYTES;
        s->cut = s->cut > least ? s->cut : least;
    }
    s->cut = s->cut < s->parts ? s->cut : s->parts;
    const int64_t most = (s->parts + s->cut - 1) / s->cut;
    s->scratch = s->is_depth   ? 0
                 : s->g.c.tile ? (size_t)qn_gradwino8c_scratch(&s->g, most)
                               : (size_t)qn_gradw8c_scratch(&s->g);
    s->scratch = (s->scratch + 15) & ~(size_t)15;
}

static quern_status take_rows(qn_prep *p, state *s, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(p->arena, (size_t)qn_gradw8c_n_rows(&s->g), sizeof(int64_t),
                          &room, err));
    qn_gradw8c_rows(&s->g, room);
    s->g.row = room;
    return QUERN_OK;
}

quern_status qn_conv_grad_w_blocked_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_window_params *params = i->params;
    qn_window w;
    state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    if (!fits(i, &w, &s->is_depth))
        return qn_fail(err, QUERN_INVALID, "blocked gradient of %s",
                       QN_SHAPE(i->in[IN_W]));
    qn_conv8c *c = &s->g.c;
    *c = (qn_conv8c){.groups = params->group, .y_step = QN_BLOCK8};
    for (int d = 0; d < 2; d++) {
        c->kernel[d] = w.kernel[d];
        c->stride[d] = w.stride[d];
        c->dilation[d] = w.dilation[d];
        c->pad[d] = w.begin[d];
    }
    s->g.is_plain = i->in[IN_X]->layout == QN_PLAIN;
    set_planes(c, i, s->g.is_plain);
    s->images = i->in[IN_X]->dim[0];
    if (!p->no_winograd && can_wino(s)) c->tile = 4;
    if (!s->is_depth) QN_TRY(take_rows(p, s, err));
    s->size = s->is_depth ? qn_dwgradw8c_size(&s->g) : qn_gradw8c_size(&s->g);
    s->parts = s->is_depth ? qn_blocks8c(c->x.c) : qn_conv8c_panels(c);
    /* Each shard transforms its sums back: that takes some tiles to be worth it. */
    int64_t most = s->images;
    if (c->tile) {
        const int64_t fit = qn_wino8c_tiles(c, s->images) / WINO_TILES;
        most = most < fit ? most : fit;
    }
    s->shards = qn_shards(most, s->size * (int64_t)sizeof(float), PARTIAL_BYTES);
    cut(s, p->n_workers);
    qn_prep_scratch(
        p, ((size_t)(s->shards * s->size) + s->scratch * (size_t)p->n_workers) *
               sizeof(float));
    return QUERN_OK;
}

/* ---- run ---- */

typedef struct job {
    const state *s;
    qn_gradw8c g;
    const qn_kernels *k;
    float *sums, *scratch, *dw;
} job;

/* Item: (shard, stretch of panels). */
static void add_shards(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const state *s = j->s;
    for (int64_t n = begin; n < end; n++) {
        const int64_t shard = n / s->cut, part = n % s->cut;
        const qn_task8c t = {.i0 = s->images * shard / s->shards,
                             .i1 = s->images * (shard + 1) / s->shards,
                             .c0 = s->parts * part / s->cut,
                             .c1 = s->parts * (part + 1) / s->cut,
                             .scratch = j->scratch + (size_t)worker * s->scratch};
        float *sum = j->sums + shard * s->size;
        if (s->is_depth)
            j->k->dwgradw8c_f32(&j->g, &t, sum);
        else if (s->g.c.tile)
            j->k->gradwino8c_f32(&j->g, &t, sum);
        else
            j->k->gradw8c_f32(&j->g, &t, sum);
    }
}

/* Where the sums of a panel or block begin. */
static int64_t sums_at(const state *s, int64_t part)
{
    if (part == s->parts) return s->size;
    if (s->is_depth) return s->size / s->parts * part;
    return qn_conv8c_panel(&s->g.c, part).block * QN_BLOCK8 * qn_gradw8c_n_rows(&s->g);
}

/* Item: panel or block. */
static void finish(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const state *s = j->s;
    const int64_t at = sums_at(s, begin), n = sums_at(s, end) - at;
    (void)worker;
    qn_tree_sum_f32(s->shards, s->size, j->sums + at, n, j->sums + at);
    (s->is_depth ? qn_dwgradw8c_unpack : qn_gradw8c_unpack)(&j->g, begin, end, j->sums,
                                                            j->dw);
}

void qn_conv_grad_w_blocked_run(const qn_instr *i, const qn_exec *x)
{
    const state *s = i->state;
    job j = {.s = s, .g = s->g, .k = x->k, .sums = i->scratch, .dw = i->out[0]->data};
    j.scratch = j.sums + s->shards * s->size;
    set_planes(&j.g.c, i, s->g.is_plain);
    qn_parallel_for(x->pool, s->shards * s->cut, 1, add_shards, &j);
    const int64_t grain = (32 << 10) * s->parts / s->size / s->shards;
    qn_parallel_for(x->pool, s->parts, grain > 0 ? grain : 1, finish, &j);
}
