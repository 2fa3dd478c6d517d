/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pool_band.c - see pool_band.h. */
#include "engine/ops/pool_band.h"

#include "engine/ops/conv_blocked.h"
#include "engine/ops/conv_shape.h"
#include "engine/ops/conv_way.h"
#include "engine/ops/pool_blocked.h"
#include "engine/rows8c.h"

#include <string.h>

enum {
    WORTH = 64 << 10, /* floats between the two that are better not written */
    LEAST = 4         /* output rows of a task: what two tasks need is made twice */
};

typedef struct pool_band {
    qn_conv_way conv;
    qn_pool8c pool;       /* planes without data */
    int64_t rows;         /* output rows of a band */
    int64_t cut;          /* tasks of an image */
    int64_t row, plane;   /* of a band */
    size_t band, scratch; /* floats of a task: of its band; of all */
} pool_band;

/* ---- prepare ---- */

static bool fits(const qn_instr *i, qn_pool8c *p)
{
    qn_window w;
    if (qn_window_fit(i->params, i->in[0], NULL, &w, NULL) != QUERN_OK || w.rank != 2)
        return false;
    *p = (qn_pool8c){0};
    qn_pool8c_window(p, &w);
    return true;
}

/* Windows of 2x2 side by side have a loop of their own, which takes whole planes of
 * them: a last row that reaches over the edge makes that another choice. */
static bool reaches_over(const qn_instr *i, const qn_pool8c *p)
{
    for (int d = 0; d < 2; d++)
        if (p->stride[d] * (i->out[0]->dim[2 + d] - 1) + p->kernel[d] - p->pad[d] >
            i->in[0]->dim[2 + d])
            return p->kernel[0] == 2 && p->kernel[1] == 2;
    return false;
}

bool qn_pool_takes_feeder(const qn_instr *i, const qn_instr *feeder, const qn_join *how)
{
    qn_conv_way conv;
    qn_pool8c pool;
    (void)how;
    if (feeder->op != &qn_op_conv || feeder->residual || feeder->gate ||
        feeder->twice || feeder->feeder || !qn_conv_blocked_way(feeder, &conv) ||
        conv.slot != QN_CONV_STEM || !fits(i, &pool) || reaches_over(i, &pool))
        return false;
    const qn_plane8c *y = &conv.c.y;
    return qn_blocks8c(y->c) * QN_BLOCK8 * y->h * y->w >= WORTH;
}

static int64_t at_most(int64_t a, int64_t most)
{
    return a < most ? a : most;
}

/* Rows of the convolution between the first and the last that n outputs need. */
static int64_t rows_for(const qn_pool8c *p, int64_t n)
{
    return (n - 1) * p->stride[0] + (p->kernel[0] - 1) * p->dilation[0] + 1;
}

/* As many rows as the convolution makes of one filling of its own scratch. */
static void cut(pool_band *s, int64_t h, int n_workers)
{
    const int64_t fill = qn_stem8c_band(&s->conv.c) - rows_for(&s->pool, 1);
    const int64_t want = n_workers > 1 ? 4 * n_workers : 1;
    s->rows = at_most(fill > 0 ? fill / s->pool.stride[0] + 1 : 1, h);
    s->cut = at_most((want + s->conv.images - 1) / s->conv.images,
                     h > LEAST ? h / LEAST : 1);
}

quern_status qn_pool_band_prepare(qn_prep *p, quern_error *err)
{
    pool_band *s;
    qn_prep feeder = *p;
    feeder.instr = p->instr->feeder;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_conv_blocked_prepare_way(&feeder, &s->conv, err));
    if (!fits(p->instr, &s->pool))
        return qn_fail(err, QUERN_INVALID, "blocked pool of %s",
                       QN_SHAPE(p->instr->in[0]));
    const qn_plane8c *y = &s->conv.c.y;
    cut(s, p->instr->out[0]->dim[2], p->n_workers);
    s->row = y->w * QN_BLOCK8;
    s->plane = at_most(rows_for(&s->pool, s->rows), y->h) * s->row;
    if (s->plane % 256 == 0) s->plane += 16;
    s->band = (size_t)(qn_blocks8c(y->c) * s->plane);
    s->scratch = s->band + s->conv.scratch;
    qn_prep_scratch(p, s->scratch * sizeof(float) * (size_t)p->n_workers);
    return QUERN_OK;
}

/* ---- run ---- */

/* One task, and which rows of the convolution it has. */
typedef struct band {
    const pool_band *s;
    const qn_kernels *k;
    const qn_conv8c *conv;
    const qn_pool8c *pool;
    int64_t image;
    float *data; /* [block][row][column][8]; behind it the convolution's scratch */
    int64_t top, end;
} band;

/* Rows [from, to) of the convolution: to it, the first ones of an image that begins
 * further down. */
static void make_rows(const band *b, int64_t from, int64_t to)
{
    qn_conv8c c = *b->conv;
    c.pad[0] -= from * c.stride[0];
    c.y.data = b->data + (from - b->top) * b->s->row;
    c.y.row = b->s->row;
    c.y.plane = b->s->plane;
    c.y.image = 0;
    c.x.data += b->image * c.x.image;
    const qn_task8c t = {.i1 = to - from,
                         .c1 = b->s->conv.groups_of_channels,
                         .scratch = b->data + b->s->band};
    b->k->stem8c_f32(&c, &t);
}

/* The band becomes rows [top, end), of which it keeps what it has. */
static void move_to(band *b, int64_t top, int64_t end)
{
    const int64_t row = b->s->row, kept = b->end > top ? b->end - top : 0;
    for (int64_t i = 0; i < qn_blocks8c(b->conv->y.c) && kept && top > b->top; i++) {
        float *p = b->data + i * b->s->plane;
        memmove(p, p + (top - b->top) * row, (size_t)(kept * row) * sizeof *p);
    }
    b->top = top;
    b->end = end;
    if (top + kept < end) make_rows(b, top + kept, end);
}

/* Output rows [r, r + n): the pool sees an image that ends with the band, of which it
 * reads no more. */
static void run_band(band *b, int64_t r, int64_t n)
{
    qn_pool8c p = *b->pool;
    const int64_t h = b->conv->y.h, first = r * p.stride[0] - p.pad[0];
    const int64_t top = at_most(first > 0 ? first : 0, h);
    const int64_t end = at_most(first + rows_for(&p, n), h);
    move_to(b, top, end > top ? end : top);
    p.x = (qn_plane8c){b->data,      b->s->row,    b->s->plane, 0,
                       b->conv->y.c, b->end - top, b->conv->y.w};
    p.pad[0] = top - first;
    p.y.data += b->image * p.y.image + r * p.y.row;
    p.y.h = n;
    b->k->pool8c_f32(&p, &(qn_task8c){.i1 = n, .c1 = qn_blocks8c(p.y.c)});
}

typedef struct job {
    const pool_band *s;
    const qn_conv8c *conv;
    const qn_pool8c *pool;
    const qn_kernels *k;
    float *scratch;
} job;

static void run_tasks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const pool_band *s = j->s;
    const int64_t h = j->pool->y.h;
    for (int64_t t = begin; t < end; t++) {
        const int64_t i = t % s->cut, last = h * (i + 1) / s->cut;
        band b = {.s = s,
                  .k = j->k,
                  .conv = j->conv,
                  .pool = j->pool,
                  .image = t / s->cut,
                  .data = j->scratch + (size_t)worker * s->scratch};
        for (int64_t r = h * i / s->cut; r < last; r += s->rows)
            run_band(&b, r, at_most(last - r, s->rows));
    }
}

void qn_pool_band_run(const qn_instr *i, const qn_exec *x)
{
    const pool_band *s = i->state;
    qn_conv8c conv = s->conv.c;
    qn_pool8c pool = s->pool;
    conv.x = qn_plain_plane(i->feeder->in[0]);
    pool.y = qn_tensor_plane(i->out[0]);
    job j = {s, &conv, &pool, x->k, i->scratch};
    qn_parallel_for(x->pool, s->conv.images * s->cut, 1, run_tasks, &j);
}
