/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/norm_blocked.c - sums of each plane, joined over the images in their
 * order, then one pass that writes: so the bits do not depend on threads.
 *
 * Where there are blocks of channels enough, a worker takes one through all its steps
 * while it is in the cache; else each step is cut by images, too. */
#include "engine/ops/norm_blocked.h"

#include "engine/rows8c.h"

#include <math.h>

bool qn_norm_blocked(const qn_instr *i, int n, qn_blocked *how)
{
    if (!qn_blocked_unary(i, how)) return false;
    how->in = (UINT32_C(1) << n) - 1;
    how->plain_out = ~UINT32_C(1);
    return true;
}

bool qn_channel_sum_blocked(const qn_instr *i, qn_blocked *how)
{
    if (!qn_blocked_unary(i, how)) return false;
    how->plain_out = 1;
    return true;
}

enum { WEIGHT, BIAS, MEAN, SHIFT, SLOPE, VECTORS };

typedef struct job job;
struct job {
    const qn_instr *i;
    const qn_kernels *k;
    qn_norm8c p;
    int64_t images, count; /* pixels of a channel over all images */
    double epsilon;
    bool is_frozen;
    float *vector[VECTORS];
    /* A block: sums of one image, what follows from all, the result of one image (NULL:
     * there is none). */
    void (*sum)(const void *ctx, const qn_task8c *t);
    void (*join)(const job *j, int64_t block);
    void (*write)(const void *ctx, const qn_task8c *t);
};

static size_t sums_of(const qn_tensor *x)
{
    return (size_t)(x->dim[0] * qn_blocks8c(x->dim[1])) * 2 * QN_BLOCK8;
}

void qn_norm_blocked_prepare(qn_prep *p)
{
    const qn_tensor *x = p->instr->in[0];
    size_t lanes = (size_t)qn_blocks8c(x->dim[1]) * QN_BLOCK8;
    qn_prep_scratch(p, sums_of(x) * sizeof(double) + VECTORS * lanes * sizeof(float));
}

static job make_job(const qn_instr *i, const qn_exec *x, const qn_tensor *in)
{
    job j = {.i = i, .k = x->k, .images = in->dim[0]};
    size_t lanes = (size_t)qn_blocks8c(in->dim[1]) * QN_BLOCK8;
    j.p.x = qn_tensor_plane(in);
    j.p.sums = i->scratch;
    j.count = j.images * j.p.x.h * j.p.x.w;
    for (size_t k = 0; k < VECTORS; k++)
        j.vector[k] = (float *)(j.p.sums + sums_of(in)) + k * lanes;
    j.p.weight = j.vector[WEIGHT];
    j.p.bias = j.vector[BIAS];
    j.p.mean = j.vector[MEAN];
    j.p.shift = j.vector[SHIFT];
    j.p.slope = j.vector[SLOPE];
    return j;
}

static void join_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    (void)worker;
    for (int64_t b = begin; b < end; b++)
        j->join(j, b);
}

/* Every step goes through memory once from end to end, which is faster than to take one
 * block after the other through all steps, though the second time it is in the cache.
 */
static void run_job(job *j, qn_pool *pool)
{
    qn_parallel_blocks8c(pool, j->images, &j->p.x, j->sum, j);
    qn_parallel_for(pool, qn_blocks8c(j->p.x.c), 256 / j->images + 1, join_blocks, j);
    if (j->write) qn_parallel_blocks8c(pool, j->images, &j->p.x, j->write, j);
}

/* ---- forward --------------------------------------------------------------------- */

static void train_sum(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->moments8c_f32(&j->p, t);
}

static void train_write(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->norm8c_f32(&j->p, t);
}

/* y = weight x + bias: the same numbers here and on the way back. */
static void set_map(const job *j, int64_t c, double scale, double bias)
{
    j->vector[WEIGHT][c] = (float)scale;
    j->vector[BIAS][c] = (float)(bias - scale * (double)j->vector[MEAN][c]);
}

static void clear_lane(const job *j, int64_t c)
{
    for (int k = 0; k < VECTORS; k++)
        j->vector[k][c] = 0;
}

static qn_moments channel_moments(const job *j, int64_t block, int64_t lane)
{
    double mean = 0, squares = 0;
    for (int64_t n = 0; n < j->images; n++)
        mean += qn_norm8c_sums(&j->p, n, block)[lane];
    mean /= (double)j->images;
    for (int64_t n = 0; n < j->images; n++) {
        const double *s = qn_norm8c_sums(&j->p, n, block) + lane;
        double off = s[0] - mean;
        squares += s[QN_BLOCK8] + off * off * (double)(j->p.x.h * j->p.x.w);
    }
    return (qn_moments){mean, squares / (double)j->count};
}

/* The statistics are used as they are handed out, rounded. */
static void train_join(const job *j, int64_t block)
{
    const qn_instr *i = j->i;
    for (int64_t lane = 0; lane < QN_BLOCK8; lane++) {
        const int64_t c = block * QN_BLOCK8 + lane;
        if (c >= j->p.x.c) {
            clear_lane(j, c);
            continue;
        }
        const qn_moments m = channel_moments(j, block, lane);
        if (i->n_out > 1 && i->out[1]) qn_set_real(i->out[1], c, m.mean);
        if (i->n_out > 2 && i->out[2]) qn_set_real(i->out[2], c, m.variance);
        double root = sqrt((double)(float)m.variance + j->epsilon);
        j->vector[MEAN][c] = (float)m.mean;
        set_map(j, c, qn_get_real(i->in[1], c) / root, qn_get_real(i->in[2], c));
    }
}

quern_status qn_norm_train_blocked(const qn_instr *i, const qn_exec *x, float epsilon)
{
    job j = make_job(i, x, i->in[0]);
    j.epsilon = (double)epsilon;
    if (i->out[0]) j.p.y = qn_tensor_plane(i->out[0]);
    j.p.act = i->act;
    j.sum = train_sum;
    j.join = train_join;
    j.write = i->out[0] ? train_write : NULL;
    run_job(&j, x->pool);
    return QUERN_OK;
}

/* ---- the way back ---------------------------------------------------------------- */

static void grad_sum(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->normsums8c_f32(&j->p, t);
}

static void grad_write(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->normgrad8c_f32(&j->p, t);
}

/* Before the sums: what y was. */
static void set_statistics(const job *j)
{
    const qn_instr *i = j->i;
    const bool has_bias = i->n_in > 5 && i->in[5];
    const int64_t lanes = qn_blocks8c(j->p.x.c) * QN_BLOCK8;
    for (int64_t c = 0; c < lanes; c++) {
        clear_lane(j, c);
        if (c >= j->p.x.c) continue;
        double root = sqrt(qn_get_real(i->in[4], c) + j->epsilon);
        j->vector[MEAN][c] = (float)qn_get_real(i->in[3], c);
        set_map(j, c, qn_get_real(i->in[2], c) / root,
                has_bias ? qn_get_real(i->in[5], c) : 0);
    }
}

static void grad_join(const job *j, int64_t block)
{
    const qn_instr *i = j->i;
    for (int64_t lane = 0; lane < QN_BLOCK8; lane++) {
        const int64_t c = block * QN_BLOCK8 + lane;
        double sum = 0, product = 0;
        if (c >= j->p.x.c) break;
        for (int64_t n = 0; n < j->images; n++) {
            const double *s = qn_norm8c_sums(&j->p, n, block) + lane;
            sum += s[0];
            product += s[QN_BLOCK8];
        }
        double var = qn_get_real(i->in[4], c) + j->epsilon;
        if (i->n_out > 1 && i->out[1]) qn_set_real(i->out[1], c, product / sqrt(var));
        if (i->n_out > 2 && i->out[2]) qn_set_real(i->out[2], c, sum);
        if (j->is_frozen) continue;
        j->vector[SHIFT][c] = (float)(sum / (double)j->count);
        j->vector[SLOPE][c] = (float)(product / (var * (double)j->count));
    }
}

quern_status qn_norm_grad_blocked(const qn_instr *i, const qn_exec *x,
                                  const qn_norm_grad_how *how)
{
    job j = make_job(i, x, i->in[1]);
    j.epsilon = (double)how->epsilon;
    j.is_frozen = how->is_frozen;
    j.p.dy = qn_tensor_plane(i->in[0]);
    if (i->out[0]) j.p.dx = qn_tensor_plane(i->out[0]);
    j.p.act = how->act;
    j.sum = grad_sum;
    j.join = grad_join;
    j.write = i->out[0] ? grad_write : NULL;
    set_statistics(&j);
    run_job(&j, x->pool);
    return QUERN_OK;
}

/* ---- sums of channels ------------------------------------------------------------ */

static void sum_join(const job *j, int64_t block)
{
    const double len = (double)(j->p.x.h * j->p.x.w);
    for (int64_t lane = 0; lane < QN_BLOCK8; lane++) {
        const int64_t c = block * QN_BLOCK8 + lane;
        double sum = 0;
        if (c >= j->p.x.c) break;
        for (int64_t n = 0; n < j->images; n++)
            sum += len * qn_norm8c_sums(&j->p, n, block)[lane];
        qn_set_real(j->i->out[0], c, sum);
    }
}

quern_status qn_channel_sum_blocked_run(const qn_instr *i, const qn_exec *x)
{
    job j = make_job(i, x, i->in[0]);
    j.sum = train_sum; /* the mean of a plane is what counts */
    j.join = sum_join;
    run_job(&j, x->pool);
    return QUERN_OK;
}
