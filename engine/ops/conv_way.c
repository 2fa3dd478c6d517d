/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_way.c - see conv_way.h. */
#include "engine/ops/conv_way.h"

#include "engine/tuning.h"

enum {
    WINO_CHANNELS = 16,      /* below, transforms cost more than they save */
    WINO_WEIGHTS = 64 << 10, /* filters whose transforms leave the caches */
    WINO_FEW = 16,           /* tiles of a 14x14 map */
    WINO_BATCH = 16,         /* images that make tiles of 4 pay on small maps */
    STRIDED_CHANNELS = 32,   /* as WINO_CHANNELS, for stride 2 */
    STRIDED_FEW = 16,        /* tiles of a 7x7 map */
    TRANSFORM_COST = 24      /* to read and transform a float, as QN_FLOAT_COST */
};

static const double MOST_WASTE = 1.52; /* 16 tiles of 4 for a 13x13 map */

/* Winograd's outputs lie side by side: not as those of a transposed convolution do. */
static bool is_3x3(const qn_conv8c *c, int64_t stride)
{
    if (c->groups != 1 || c->y_step > QN_BLOCK8) return false;
    for (int d = 0; d < 2; d++)
        if (c->kernel[d] != 3 || c->stride[d] != stride || c->dilation[d] != 1)
            return false;
    return true;
}

bool qn_conv_may_transform(const qn_conv8c *c)
{
    return is_3x3(c, 1);
}

/* Filters of 9 become 16 floats, which do not pay for themselves on the smallest maps
 * if they come from afar. */
static int strided_tile(const qn_conv8c *c, int64_t images)
{
    const int64_t least = c->y.h < c->y.w ? c->y.h : c->y.w;
    const int64_t tiles = (c->y.h + 1) / 2 * ((c->y.w + 1) / 2) * images;
    if (c->x.c < STRIDED_CHANNELS || c->y.c < STRIDED_CHANNELS || least < 4) return 0;
    return c->x.c * c->y.c <= WINO_WEIGHTS || tiles >= STRIDED_FEW ? 2 : 0;
}

/* By map size, what ragged last tiles waste, and how many tiles of that many images
 * share the filters. */
int qn_conv_wino_tile(const qn_conv8c *c, int64_t images)
{
    int64_t h = c->y.h, w = c->y.w, least = h < w ? h : w;
    if (is_3x3(c, 2)) return strided_tile(c, images);
    if (!qn_conv_may_transform(c) || c->x.c < WINO_CHANNELS || c->y.c < WINO_CHANNELS)
        return 0;
    const int64_t tiles = (h + 3) / 4 * ((w + 3) / 4);
    const double waste = (double)(tiles * 16) / (double)(h * w);
    /* A tile of 4 makes 36 floats of 9: few tiles do not pay for streaming them. */
    bool heavy = c->x.c * c->y.c > WINO_WEIGHTS && tiles * images <= WINO_FEW;
    if (waste <= MOST_WASTE && !heavy && (least >= 12 || images >= WINO_BATCH))
        return 4;
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
    uint64_t full =
        ((uint64_t)key << 16 | (uint64_t)s->slot << 8 |
         (uint64_t)(s->c.tile + 8 * s->c.twice + 16 * (s->c.stride[0] == 2))) +
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

/* ---- tasks ---- */

/* What a way asks for, in multiply-adds of all that its tasks share. */
typedef struct cost {
    int64_t tasks;         /* there are already: images, but Winograd takes all tiles */
    int64_t tile, rows;    /* things done as one; how many times that */
    double unit;           /* of one of those in one group of channels */
    double more_i, more_c; /* what a further part along things or channels repeats */
} cost;

static cost cost_of(const qn_conv_way *s)
{
    static const int64_t tiles[] = {[QN_CONV_DIRECT] = 2,
                                    [QN_CONV_STEM] = 1,
                                    [QN_CONV_DEPTH] = 1,
                                    [QN_CONV_WINO] = 1};
    const qn_conv8c *c = &s->c;
    const double filters =
        (double)(c->y.c * (c->x.c / c->groups) * c->kernel[0] * c->kernel[1]);
    const double input = (double)(c->x.c * c->x.h * c->x.w);
    const bool wino = s->slot == QN_CONV_WINO;
    cost k = {.tasks = wino ? 1 : s->images, .tile = tiles[s->slot]};
    k.rows = qn_parts(s->things, k.tile);
    k.unit = filters * (double)(c->y.h * c->y.w) * (double)(s->images / k.tasks) /
             (double)(k.rows * s->groups_of_channels);
    if (s->slot == QN_CONV_DEPTH) return k; /* its channels share nothing */
    k.more_i = QN_FLOAT_COST * filters;
    k.more_c = (wino ? TRANSFORM_COST : QN_FLOAT_COST) * input;
    return k;
}

/* What the busiest worker has to do where each task is cut into i by c parts. */
static double price(const cost *k, int64_t groups, int64_t i, int64_t c, int n_workers)
{
    const double part = k->unit * (double)(qn_parts(k->rows, i) * qn_parts(groups, c));
    const double again = k->more_i * (double)(i - 1) + k->more_c * (double)(c - 1);
    return (part + QN_TASK_COST) * (double)qn_parts(k->tasks * i * c, n_workers) +
           again * (double)k->tasks / n_workers;
}

/* At most four tasks a worker: the kernels block for the caches themselves. */
static void cut(qn_conv_way *s, int n_workers)
{
    const cost k = cost_of(s);
    const int64_t groups = s->groups_of_channels, most = 4 * n_workers;
    double best = price(&k, groups, 1, 1, n_workers);
    s->cut_i = s->cut_c = 1;
    for (int64_t i = 1; i <= k.rows && i * k.tasks <= most && n_workers > 1; i++)
        for (int64_t c = 1; c <= groups && i * c * k.tasks <= most; c++) {
            const double p = price(&k, groups, i, c, n_workers);
            if (p < best) best = p, s->cut_i = i, s->cut_c = c;
        }
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
