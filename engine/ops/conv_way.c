/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_way.c - see conv_way.h. */
#include "engine/ops/conv_way.h"

#include "engine/tuning.h"

enum {
    WINO_CHANNELS = 16,      /* below, transforms cost more than they save */
    WINO_WEIGHTS = 48 << 10, /* filters whose transforms leave the caches */
    WINO_FEW = 16,           /* tiles of a 14x14 map */
    WINO_BATCH = 16,         /* images that make tiles of 4 pay on small maps */
    TASK_MACS = 1 << 20      /* a task is worth handing to a thread */
};

bool qn_conv_may_transform(const qn_conv8c *c)
{
    if (c->groups != 1) return false;
    for (int d = 0; d < 2; d++)
        if (c->kernel[d] != 3 || c->stride[d] != 1 || c->dilation[d] != 1) return false;
    return true;
}

/* By map size, what ragged last tiles waste, and how many tiles of that many images
 * share the filters. */
int qn_conv_wino_tile(const qn_conv8c *c, int64_t images)
{
    int64_t h = c->y.h, w = c->y.w, least = h < w ? h : w;
    if (!qn_conv_may_transform(c) || c->x.c < WINO_CHANNELS || c->y.c < WINO_CHANNELS)
        return 0;
    const int64_t tiles = (h + 3) / 4 * ((w + 3) / 4);
    const double waste = (double)(tiles * 16) / (double)(h * w);
    /* A tile of 4 makes 36 floats of 9: few tiles do not pay for streaming them. */
    bool heavy = c->x.c * c->y.c > WINO_WEIGHTS && tiles * images <= WINO_FEW;
    if (waste <= 1.5 && !heavy && (least >= 12 || images >= WINO_BATCH)) return 4;
    return least >= 5 ? 2 : 0;
}

bool qn_conv_may_double(const qn_conv8c *c)
{
    return qn_conv_may_transform(c) && c->x.c >= WINO_CHANNELS &&
           c->y.c >= WINO_CHANNELS;
}

/* ---- prepare ---- */

typedef int64_t size_fn(const qn_conv8c *c);
typedef void pack_fn(const qn_conv8c *c, const float *w, float *packed);

static const struct {
    size_fn *size;
    pack_fn *pack;
} packers[] = {
    [QN_CONV_DIRECT] = {qn_conv8c_weight_size, qn_conv8c_pack},
    [QN_CONV_STEM] = {qn_stem8c_weight_size, qn_stem8c_pack},
    [QN_CONV_DEPTH] = {qn_dw8c_weight_size, qn_dw8c_pack},
    [QN_CONV_WINO] = {qn_wino8c_weight_size, qn_wino8c_pack},
};

bool qn_conv_can_pack(const qn_instr *instr, int i)
{
    const qn_value *v = instr->node->in[i];
    return instr->in[i]->data && (v->constant || !qn_value_is_trained(v));
}

static void pack_weight(void *packed, const qn_tensor *weight, const void *ctx)
{
    const qn_conv_way *s = ctx;
    packers[s->slot].pack(&s->c, (const float *)weight->data + s->first, packed);
}

static quern_status take_weight(qn_prep *p, qn_conv_way *s, int weight, int key,
                                quern_error *err)
{
    const void *packed;
    uint64_t full = ((uint64_t)key << 16 | (uint64_t)s->slot << 8 |
                     (uint64_t)(s->c.tile + 8 * s->c.twice)) +
                    1;
    size_t bytes = (size_t)packers[s->slot].size(&s->c) * sizeof(float);
    const qn_packer how = {full, bytes, pack_weight, s, sizeof *s};
    QN_TRY(qn_prep_pack(p, weight, &how, &packed, err));
    s->c.weight = packed;
    return QUERN_OK;
}

static quern_status take_segments(qn_prep *p, qn_conv_way *s, quern_error *err)
{
    bool stem = s->slot == QN_CONV_STEM;
    if (!stem && s->slot != QN_CONV_DIRECT) return QUERN_OK;
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

/* Few tasks for few threads: the kernels block for the caches themselves.  Images are
 * tasks already, except to Winograd, which takes the tiles of all. */
static void cut(qn_conv_way *s, int n_workers)
{
    double macs = (double)(s->c.y.c * s->c.y.h * s->c.y.w) *
                  (double)(s->c.x.c / s->c.groups * s->c.kernel[0] * s->c.kernel[1]);
    int64_t want = n_workers > 1 ? 4 * n_workers : 1;
    if (s->slot == QN_CONV_WINO)
        macs *= (double)s->images;
    else if (s->images > 1)
        want = (want + s->images - 1) / s->images;
    const int64_t most = (int64_t)(macs / TASK_MACS);
    if (want > most) want = most;
    if (want < 1) want = 1;
    int64_t grain = s->slot == QN_CONV_DIRECT ? 48 : s->slot == QN_CONV_WINO ? 24 : 4;
    int64_t fit = s->things / grain > 0 ? s->things / grain : 1;
    s->cut_i = want < fit ? want : fit;
    s->cut_c = (want + s->cut_i - 1) / s->cut_i;
    if (s->cut_c > s->groups_of_channels) s->cut_c = s->groups_of_channels;
}

/* What was measured is for single images. */
int qn_conv_way_tile(const qn_conv_way *s, const struct qn_tuning *tuning)
{
    const qn_conv8c *c = &s->c;
    const qn_tuned conv = {.ic = c->x.c, .oc = c->y.c, .h = c->y.h, .w = c->y.w};
    const int tile =
        tuning && qn_conv_may_transform(c) ? qn_tuning_find(tuning, &conv) : -1;
    return tile >= 0 ? tile : qn_conv_wino_tile(c, 1);
}

static int choose_tile(const qn_prep *p, const qn_conv_way *s)
{
    return p->fixed_batch ? qn_conv_wino_tile(&s->c, s->images)
                          : qn_conv_way_tile(s, p->tuning);
}

quern_status qn_conv_way_prepare(qn_prep *p, qn_conv_way *s, int weight, int key,
                                 quern_error *err)
{
    if (s->c.twice)
        s->c.tile = 4;
    else if (s->slot == QN_CONV_DIRECT && !p->no_winograd)
        s->c.tile = choose_tile(p, s);
    if (s->c.tile) s->slot = QN_CONV_WINO;
    s->groups_of_channels = qn_conv8c_panels(&s->c);
    s->things = s->c.y.h;
    if (s->slot == QN_CONV_DIRECT) s->things *= s->c.y.w;
    if (s->slot == QN_CONV_DEPTH) s->groups_of_channels = qn_blocks8c(s->c.y.c);
    if (s->slot == QN_CONV_STEM) s->scratch = (size_t)qn_stem8c_scratch(&s->c);
    if (s->slot == QN_CONV_WINO) {
        s->things = qn_wino8c_tiles(&s->c, s->images);
        s->scratch = (size_t)qn_wino8c_scratch(&s->c);
    }
    cut(s, p->n_workers);
    QN_TRY(take_weight(p, s, weight, key, err));
    QN_TRY(take_segments(p, s, err));
    s->scratch = (s->scratch + 15) & ~(size_t)15;
    qn_prep_scratch(p, s->scratch * sizeof(float) * (size_t)p->n_workers);
    return QUERN_OK;
}

/* ---- run ---- */

typedef struct job {
    const qn_conv_way *s;
    const qn_conv8c *c;
    const qn_kernels *k;
    float *scratch;
} job;

static void run_task(const qn_conv_way *s, const qn_conv8c *c, const qn_kernels *k,
                     const qn_task8c *t)
{
    switch (s->slot) {
    case QN_CONV_DIRECT:
        k->conv8c_f32(c, t);
        break;
    case QN_CONV_STEM:
        k->stem8c_f32(c, t);
        break;
    case QN_CONV_DEPTH:
        k->dw8c_f32(c, t);
        break;
    case QN_CONV_WINO:
        k->wino8c_f32(c, t);
        break;
    }
}

static void run_tasks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const qn_conv_way *s = j->s;
    for (int64_t n = begin; n < end; n++) {
        int64_t c = n % s->cut_c, i = n / s->cut_c % s->cut_i;
        qn_task8c t = {.image = n / s->cut_c / s->cut_i,
                       .i0 = s->things * i / s->cut_i,
                       .i1 = s->things * (i + 1) / s->cut_i,
                       .c0 = s->groups_of_channels * c / s->cut_c,
                       .c1 = s->groups_of_channels * (c + 1) / s->cut_c,
                       .scratch = j->scratch + (size_t)worker * s->scratch};
        run_task(s, j->c, j->k, &t);
    }
}

void qn_conv_way_image(const qn_conv_way *s, const qn_conv8c *c, const qn_kernels *k,
                       int64_t image, int64_t c0, int64_t c1)
{
    const qn_task8c t = {.image = image, .i1 = s->things, .c0 = c0, .c1 = c1};
    run_task(s, c, k, &t);
}

void qn_conv_way_run(const qn_conv_way *s, const qn_conv8c *c, const qn_instr *i,
                     const qn_exec *x)
{
    job j = {.s = s, .c = c, .k = x->k, .scratch = i->scratch};
    int64_t images = s->slot == QN_CONV_WINO ? 1 : s->images;
    qn_parallel_for(x->pool, images * s->cut_i * s->cut_c, 1, run_tasks, &j);
}
