/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_band.c - see conv_band.h. */
#include "engine/ops/conv_band.h"

#include "engine/ops/conv_blocked.h"
#include "engine/ops/conv_norm.h"
#include "engine/ops/conv_way.h"

#include <math.h>
#include <string.h>

enum {
    WORTH = 64 << 10, /* floats between two that are better not written */
    BAND = 128 << 10, /* floats of a band */
    ROWS = 32 << 10,  /* floats of depthwise rows where no band is before them */
    GROUP = 9,        /* panels that share the walk over a band's pixels */
    PANEL = 2 * QN_BLOCK8,
    TAP_COST = 2 /* of a depthwise tap, in multiply-adds of a direct convolution */
};

typedef struct conv_band {
    bool expands, projects; /* there is a first; a third */
    qn_conv_way first, second, third;
    int64_t panels, rows; /* of a task; output rows of a band */
    int64_t cut_i, cut_c; /* tasks along rows and panels */
    int64_t halo;         /* columns of zeros before and behind a row of a band */
    int64_t row, plane;   /* of a band */
    int64_t made;         /* plane of depthwise rows for the third */
    size_t band, scratch; /* floats of a band; of a task */
} conv_band;

/* ---- prepare ---- */

static bool is_pointwise(const qn_conv_way *w)
{
    const qn_conv8c *c = &w->c;
    for (int d = 0; d < 2; d++)
        if (c->kernel[d] != 1 || c->stride[d] != 1 || c->pad[d] != 0) return false;
    return w->slot == QN_CONV_DIRECT && c->groups == 1;
}

static int64_t panels_of(const qn_plane8c *y)
{
    return qn_panels8c(qn_blocks8c(y->c));
}

/* A sum over channels needs all of them: then the first must be one group of panels. */
bool qn_conv_takes_feeder(const qn_instr *i, const qn_instr *feeder, const qn_join *how)
{
    qn_conv_way ahead, here;
    if (qn_conv_takes_norm(i, feeder, how)) return true;
    if (feeder->op != i->op || feeder->residual || feeder->gate || i->gate ||
        i->twice || feeder->twice || !qn_conv_blocked_way(i, &here) ||
        !qn_conv_blocked_way(feeder, &ahead))
        return false;
    const qn_plane8c *y = &ahead.c.y;
    if (qn_blocks8c(y->c) * QN_BLOCK8 * y->h * y->w < WORTH) return false;
    if (here.slot == QN_CONV_DEPTH)
        return is_pointwise(&ahead) && !feeder->feeder && here.c.dilation[0] == 1;
    const qn_instr *first = feeder->feeder;
    return is_pointwise(&here) && ahead.slot == QN_CONV_DEPTH &&
           (!first || (first->op == i->op && panels_of(y) <= GROUP));
}

/* Rows of the band that n output rows need. */
static int64_t rows_for(const qn_conv8c *c, int64_t n)
{
    return (n - 1) * c->stride[0] + c->kernel[0];
}

static int64_t halo_of(const qn_conv8c *c, int64_t w)
{
    int64_t behind = (c->y.w - 1) * c->stride[1] + (c->kernel[1] - 1) * c->dilation[1] -
                     c->pad[1] - (w - 1);
    return behind > c->pad[1] ? behind : c->pad[1];
}

/* What the busiest worker has to do in tasks of n panels and of 1 / i of the rows, in
 * multiply-adds of a direct convolution: rows that two tasks need are made twice, and
 * every task reads the input of its rows. */
static double price(const conv_band *s, int64_t n, int64_t i, int n_workers)
{
    const qn_conv8c *e = &s->first.c, *d = &s->second.c; /* no first: all 0 */
    const int64_t tasks = qn_parts(panels_of(&d->y), n) * i;
    const int64_t rows = qn_parts(d->y.h, i);
    const double made = (double)(n * PANEL * e->y.w * e->x.c);
    const double read = (double)(QN_FLOAT_COST * e->x.w * e->x.c);
    const double taps =
        (double)(n * PANEL * d->y.w * TAP_COST) * (double)(d->kernel[0] * d->kernel[1]);
    const double summed = (double)(n * PANEL * d->y.w * s->third.c.y.c);
    const double task = (made + read) * (double)rows_for(d, rows) +
                        (taps + summed) * (double)rows + QN_TASK_COST;
    return task * (double)qn_parts(tasks * s->second.images, n_workers);
}

/* Tasks of both, up to four a worker. */
static void cut(conv_band *s, int n_workers)
{
    const qn_conv8c *d = &s->second.c;
    const int64_t panels = panels_of(&d->y), most = 4 * n_workers;
    const int64_t least = s->projects ? 1 : qn_parts(panels, GROUP);
    double best = INFINITY;
    const int64_t limit = s->projects ? 1 : panels < most ? panels : most;
    for (int64_t c = least; c == least || c <= limit; c++)
        for (int64_t i = 1; i == 1 || (i * c <= most && 2 * i <= d->y.h); i++) {
            const double p = price(s, qn_parts(panels, c), i, n_workers);
            if ((n_workers == 1 && c * i > least) || p >= best) continue;
            best = p;
            s->panels = qn_parts(panels, c);
            s->cut_i = i;
        }
    s->cut_c = qn_parts(panels, s->panels);
    if (s->expands)
        s->rows = (BAND / (s->row * 2 * s->panels) - d->kernel[0]) / d->stride[0] + 1;
    else
        s->rows = ROWS / (2 * panels * d->y.w * QN_BLOCK8);
    if (s->rows < 1) s->rows = 1;
    if (s->rows > d->y.h) s->rows = d->y.h;
}

static qn_prep prep_of(const qn_prep *p, qn_instr *i)
{
    qn_prep of = *p;
    of.instr = i;
    return of;
}

/* Where the third, which is the step's own, finds its input. */
static quern_status prepare_third(qn_prep *p, conv_band *s, quern_error *err)
{
    qn_plane8c *x = &s->third.c.x;
    void *room;
    QN_TRY(qn_conv_blocked_prepare_way(p, &s->third, err));
    x->row = x->w * QN_BLOCK8;
    x->plane = s->made = s->rows * x->row + (s->rows * x->row % 256 == 0 ? 16 : 0);
    const int64_t n = qn_conv8c_n_segments(&s->third.c);
    QN_TRY(qn_arena_array(p->arena, (size_t)n, sizeof(int64_t), &room, err));
    qn_conv8c_segments(&s->third.c, room);
    s->third.c.segment = room;
    return QUERN_OK;
}

quern_status qn_conv_band_prepare(qn_prep *p, quern_error *err)
{
    conv_band *s;
    qn_conv_way own;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    *s = (conv_band){.projects =
                         qn_conv_blocked_way(p->instr, &own) && is_pointwise(&own)};
    qn_prep depth = prep_of(p, s->projects ? p->instr->feeder : p->instr);
    qn_prep first = prep_of(p, depth.instr->feeder);
    s->expands = first.instr != NULL;
    if (s->expands) QN_TRY(qn_conv_blocked_prepare_way(&first, &s->first, err));
    QN_TRY(qn_conv_blocked_prepare_way(&depth, &s->second, err));
    if (s->projects) s->third.c.y.c = own.c.y.c;
    s->halo = halo_of(&s->second.c, s->first.c.y.w);
    s->row = (s->first.c.y.w + s->halo) * QN_BLOCK8;
    cut(s, p->n_workers);
    if (s->projects) QN_TRY(prepare_third(p, s, err));
    s->plane = rows_for(&s->second.c, s->rows) * s->row + s->halo * QN_BLOCK8;
    if (s->plane % 256 == 0) s->plane += 16;
    const int64_t blocks = 2 * s->panels + 1; /* the last panel may have three */
    s->band = s->expands ? (size_t)(blocks * s->plane) : 0;
    s->scratch = s->band + (size_t)(blocks * s->made);
    qn_prep_scratch(p, s->scratch * sizeof(float) * (size_t)p->n_workers);
    return QUERN_OK;
}

/* ---- run ---- */

/* One task: some panels, and the band they are in. */
typedef struct band {
    const conv_band *s;
    const qn_kernels *k;
    qn_conv8c first, second, third; /* of these channels and this image only */
    float *data;                    /* [block][row][column][8] */
    float *made;                    /* the same of depthwise rows, for the third */
    int64_t blocks;
    int64_t top;  /* the row of the map that is first in the band */
    int64_t have; /* rows in it */
} band;

/* The weights of channels from `channel` on. */
static const float *weight_of(const qn_conv8c *c, int64_t all, int64_t channel)
{
    return c->weight + all / (qn_blocks8c(c->y.c) * QN_BLOCK8) * channel;
}

/* The first writes the band, which the second reads. */
static void narrow_first(band *b, const qn_conv8c *first, int64_t image,
                         int64_t channel, int64_t n)
{
    const conv_band *s = b->s;
    qn_conv8c *e = &b->first, *d = &b->second;
    *e = *first;
    e->weight = weight_of(first, qn_conv8c_weight_size(first), channel);
    if (e->bias) e->bias += channel;
    e->x.data += image * e->x.image;
    e->y.c = n;
    e->y.row = d->x.row = s->row;
    e->y.plane = d->x.plane = s->plane;
    d->x.data = b->data + d->pad[0] * s->row + s->halo * QN_BLOCK8;
}

/* The second writes rows, which the third reads. */
static void narrow_third(band *b, const qn_conv8c *third, int64_t image)
{
    qn_conv8c *d = &b->second, *t = &b->third;
    *t = *third;
    t->x.data = d->y.data = b->made;
    d->y.row = t->x.row;
    d->y.plane = t->x.plane;
    t->y.data += image * t->y.image;
    if (t->add.data) t->add.data += image * t->add.image;
}

typedef struct job {
    const conv_band *s;
    const qn_conv8c *first, *second, *third;
    const qn_kernels *k;
    float *scratch;
} job;

static void narrow(band *b, const job *j, int64_t image, int64_t channel, int64_t n)
{
    qn_conv8c *d = &b->second;
    const int64_t block = channel / QN_BLOCK8;
    *d = *j->second;
    d->weight = weight_of(d, qn_dw8c_weight_size(d), channel);
    if (d->bias) d->bias += channel;
    d->x.data += image * d->x.image;
    d->y.data += image * d->y.image + block * d->y.plane;
    if (d->add.data) d->add.data += image * d->add.image + block * d->add.plane;
    d->x.c = d->y.c = d->groups = n;
    b->blocks = qn_blocks8c(n);
    if (b->s->expands) narrow_first(b, j->first, image, channel, n);
    if (b->s->projects) narrow_third(b, j->third, image);
}

/* n pixels at the same place of all blocks. */
static void clear(const band *b, int64_t at, int64_t n)
{
    for (int64_t i = 0; i < b->blocks; i++)
        memset(b->data + i * b->s->plane + at, 0,
               (size_t)(n * QN_BLOCK8) * sizeof(float));
}

static void clear_halo(const band *b)
{
    const conv_band *s = b->s;
    const int64_t rows = rows_for(&b->second, s->rows);
    for (int64_t r = 0; r <= rows; r++)
        clear(b, r * s->row, s->halo);
}

/* Rows [from, to) of the map, all of them inside it, into the band. */
static void make_rows(const band *b, int64_t from, int64_t to)
{
    qn_conv8c e = b->first;
    e.x.data += from * e.x.row;
    e.y.data = b->data + (from - b->top) * b->s->row + b->s->halo * QN_BLOCK8;
    e.y.h = to - from;
    const qn_task8c t = {.i1 = e.y.h * e.y.w, .c1 = qn_conv8c_panels(&e)};
    b->k->conv8c_f32(&e, &t);
}

/* The band up to row `end` of the map. */
static void fill(band *b, int64_t end)
{
    const int64_t h = b->first.y.h, w = b->first.y.w;
    int64_t from = b->top + b->have, inside = from;
    for (; inside < 0 && inside < end; inside++)
        clear(b, (inside - b->top) * b->s->row + b->s->halo * QN_BLOCK8, w);
    int64_t to = end < h ? end : h;
    if (inside < to)
        make_rows(b, inside, to);
    else
        to = inside;
    for (; to < end; to++)
        clear(b, (to - b->top) * b->s->row + b->s->halo * QN_BLOCK8, w);
    b->have = end - b->top;
}

/* The band begins n rows later. */
static void advance(band *b, int64_t n)
{
    const int64_t row = b->s->row, kept = b->have > n ? b->have - n : 0;
    for (int64_t i = 0; i < b->blocks && kept; i++) {
        float *p = b->data + i * b->s->plane;
        memmove(p, p + n * row, (size_t)(kept * row) * sizeof *p);
    }
    b->top += n;
    b->have = kept;
}

/* n depthwise rows from r on. */
static void run_depth(const band *b, int64_t r, int64_t n)
{
    qn_conv8c d = b->second;
    if (!b->s->expands) d.x.data += r * d.stride[0] * d.x.row;
    if (!b->s->projects) d.y.data += r * d.y.row;
    if (d.add.data) d.add.data += r * d.add.row;
    b->k->dw8c_f32(&d, &(qn_task8c){.i1 = n, .c1 = b->blocks});
}

static void run_third(const band *b, int64_t r, int64_t n)
{
    qn_conv8c t = b->third;
    t.y.data += r * t.y.row;
    t.y.h = t.x.h = n;
    if (t.add.data) t.add.data += r * t.add.row;
    const qn_task8c all = {.i1 = n * t.y.w, .c1 = qn_conv8c_panels(&t)};
    b->k->conv8c_f32(&t, &all);
}

static void run_rows(band *b, int64_t begin, int64_t end)
{
    const conv_band *s = b->s;
    const qn_conv8c *d = &b->second;
    b->top = begin * d->stride[0] - d->pad[0];
    b->have = 0;
    if (s->expands) clear_halo(b);
    for (int64_t r = begin, n; r < end; r += n) {
        n = end - r < s->rows ? end - r : s->rows;
        if (s->expands) fill(b, b->top + rows_for(d, n));
        run_depth(b, r, n);
        if (s->projects) run_third(b, r, n);
        if (s->expands) advance(b, n * d->stride[0]);
    }
}

static void run_tasks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const conv_band *s = j->s;
    const int64_t h = j->second->y.h, all = j->second->y.c;
    float *scratch = j->scratch + (size_t)worker * s->scratch;
    for (int64_t n = begin; n < end; n++) {
        int64_t c = n % s->cut_c, i = n / s->cut_c % s->cut_i;
        int64_t channel = c * s->panels * PANEL, left = all - channel;
        if (c + 1 < s->cut_c) left = s->panels * PANEL;
        band b = {.s = s, .k = j->k, .data = scratch, .made = scratch + s->band};
        narrow(&b, j, n / s->cut_c / s->cut_i, channel, left);
        run_rows(&b, h * i / s->cut_i, h * (i + 1) / s->cut_i);
    }
}

void qn_conv_band_run(const qn_instr *i, const qn_exec *x)
{
    const conv_band *s = i->state;
    const qn_instr *depth = s->projects ? i->feeder : i;
    qn_conv8c first = s->first.c, second = s->second.c, third = s->third.c;
    qn_conv8c *last = s->projects ? &third : &second;
    if (s->expands)
        first.x = qn_tensor_plane(depth->feeder->in[0]);
    else
        second.x = qn_tensor_plane(depth->in[0]);
    last->y = qn_tensor_plane(i->out[0]);
    if (i->residual) last->add = qn_tensor_plane(i->residual);
    const job j = {s, &first, &second, &third, x->k, i->scratch};
    qn_parallel_for(x->pool, s->second.images * s->cut_i * s->cut_c, 1, run_tasks,
                    (void *)(uintptr_t)&j);
}
