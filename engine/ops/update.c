/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/update.c - the steps of optimizers as nodes.  These rows write into some
 * of their inputs: parameters and moments, which are memory of the trainer and read by
 * nothing that runs later in the same step.
 *
 *   Sgd, AdamW, Lamb, Lion   (hyper, w, g, moments..., norm?) -> sum of squares of g
 *   Average                  (hyper, to, from, after?) -> 0
 *   Accumulate               (hyper, held, g) -> g + held; held is it, or 0 if applied
 *   SquareSum                (g...) -> sum of their squares
 *
 * hyper is laid out as engine/hyper.h says; norm is what SquareSum gives.  Sources: see
 * kernels/optimizers.h. */
#include "engine/ops/update.h"

#include <math.h>

const qn_attr qn_update_attrs[] = {QN_FLOAT(qn_update_params, rate, 1),
                                   QN_FLOAT(qn_update_params, decay, 1), QN_ATTRS_END};

quern_status qn_update_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *hyper = x->in[0];
    if (hyper->rank != 1 || hyper->dim[0] != QN_HYPER_N)
        return qn_fail(err, QUERN_SHAPE, "hyper is %s, not [%d]", QN_SHAPE(hyper),
                       QN_HYPER_N);
    for (int i = QN_UPDATE_G; i < x->node->op->min_in; i++)
        if (!qn_same_shape(x->in[i], x->in[QN_UPDATE_W]))
            return qn_fail(err, QUERN_SHAPE, "input %d is %s, the parameter %s", i,
                           QN_SHAPE(x->in[i]), QN_SHAPE(x->in[QN_UPDATE_W]));
    if (x->out[0]) x->out[0]->rank = 0;
    return QUERN_OK;
}

/* All gradients shrink alike when their common norm is over the limit. */
static float gradient_scale(const qn_instr *i, const float *hyper)
{
    const float scale = hyper[QN_HYPER_SCALE], most = hyper[QN_HYPER_CLIP];
    const int at = i->op->min_in;
    if (i->n_in <= at || most <= 0) return scale;
    const double norm = sqrt(qn_get_real(i->in[at], 0)) * (double)scale;
    return norm > (double)most ? (float)((double)scale * (double)most / norm) : scale;
}

bool qn_update_read(const qn_instr *i, qn_update *u)
{
    const qn_update_params *p = i->params;
    const float *hyper = i->in[0]->data;
    *u = (qn_update){.rate = hyper[QN_HYPER_RATE] * p->rate,
                     .decay = hyper[QN_HYPER_DECAY] * p->decay,
                     .scale = gradient_scale(i, hyper),
                     .beta1 = hyper[QN_HYPER_BETA1],
                     .beta2 = hyper[QN_HYPER_BETA2],
                     .epsilon = hyper[QN_HYPER_EPSILON],
                     .fix1 = hyper[QN_HYPER_FIX1],
                     .fix2 = hyper[QN_HYPER_FIX2],
                     .nesterov = 1};
    return hyper[QN_HYPER_APPLY] != 0;
}

/* ---- rows that treat each number by itself ---- */

enum { BLOCK = 1 << 15, MOMENTS = 2 };

typedef struct update_job {
    qn_update u;
    void (*step)(const struct update_job *job, int64_t at, int64_t n);
    float *w;
    const float *g;
    float *m[MOMENTS];
    int64_t n;
    double *sum; /* of squares, by block */
} update_job;

static void update_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const update_job *job = ctx;
    for (int64_t b = begin; b < end; b++) {
        const int64_t at = b * BLOCK, left = job->n - at;
        const int64_t n = left < BLOCK ? left : BLOCK;
        job->sum[b] = qn_square_sum(n, job->g + at);
        if (job->step) job->step(job, at, n);
    }
}

static int64_t n_blocks(const qn_tensor *t)
{
    return (qn_tensor_count(t) + BLOCK - 1) / BLOCK;
}

static quern_status update_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    qn_prep_scratch(p,
                    (size_t)(n_blocks(p->instr->in[QN_UPDATE_W]) + 1) * sizeof(double));
    return QUERN_OK;
}

static quern_status run_blocks(const qn_instr *i, const qn_exec *x, update_job *job)
{
    const int64_t blocks = n_blocks(i->in[QN_UPDATE_W]);
    job->w = i->in[QN_UPDATE_W]->data;
    job->g = i->in[QN_UPDATE_G]->data;
    job->n = qn_tensor_count(i->in[QN_UPDATE_W]);
    job->sum = i->scratch;
    for (int k = 0; k < i->op->min_in - QN_UPDATE_M && k < MOMENTS; k++)
        job->m[k] = i->in[QN_UPDATE_M + k]->data;
    if (!qn_update_read(i, &job->u)) job->step = NULL;
    qn_parallel_for(x->pool, blocks, 1, update_range, job);
    double sum = 0;
    for (int64_t b = 0; b < blocks; b++)
        sum += job->sum[b];
    qn_set_real(i->out[0], 0, sum);
    return QUERN_OK;
}

static void sgd_step(const update_job *j, int64_t at, int64_t n)
{
    qn_sgd(&j->u, n, j->w + at, j->g + at, j->m[0] + at);
}

static void adamw_step(const update_job *j, int64_t at, int64_t n)
{
    qn_adamw(&j->u, n, j->w + at, j->g + at, j->m[0] + at, j->m[1] + at);
}

static void lion_step(const update_job *j, int64_t at, int64_t n)
{
    qn_lion(&j->u, n, j->w + at, j->g + at, j->m[0] + at);
}

static quern_status sgd_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    return run_blocks(i, x, &(update_job){.step = sgd_step});
}

static quern_status adamw_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    return run_blocks(i, x, &(update_job){.step = adamw_step});
}

static quern_status lion_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    return run_blocks(i, x, &(update_job){.step = lion_step});
}

/* ---- LAMB: Adam's direction, as long as the tensor's own norm says ---- */

static quern_status lamb_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    qn_prep_scratch(p, qn_tensor_bytes(p->instr->in[QN_UPDATE_W]));
    return QUERN_OK;
}

static quern_status lamb_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    qn_update u;
    float *w = i->in[QN_UPDATE_W]->data, *d = i->scratch;
    const float *g = i->in[QN_UPDATE_G]->data;
    const int64_t n = qn_tensor_count(i->in[QN_UPDATE_W]);
    if (qn_update_read(i, &u)) {
        qn_lamb_direction(&u, n, w, g, i->in[QN_UPDATE_M]->data,
                          i->in[QN_UPDATE_M + 1]->data, d);
        const double size = sqrt(qn_square_sum(n, w)), step = sqrt(qn_square_sum(n, d));
        const double trust = size > 0 && step > 0 ? size / step : 1;
        qn_descend((float)((double)u.rate * trust), n, w, d);
    }
    qn_set_real(i->out[0], 0, qn_square_sum(n, g));
    return QUERN_OK;
}

/* ---- averages, accumulation, norms ---- */

typedef struct average_params {
    float rate; /* 0: hyper's */
} average_params;

static const qn_attr average_attrs[] = {QN_FLOAT(average_params, rate, 0),
                                        QN_ATTRS_END};

static quern_status average_infer(const qn_infer *x, quern_error *err)
{
    if (!qn_same_shape(x->in[1], x->in[2]))
        return qn_fail(err, QUERN_SHAPE, "the average is %s, what it follows %s",
                       QN_SHAPE(x->in[1]), QN_SHAPE(x->in[2]));
    if (x->out[0]) x->out[0]->rank = 0;
    return QUERN_OK;
}

static quern_status average_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const average_params *p = i->params;
    const float *hyper = i->in[0]->data;
    float rate = p->rate;
    if (rate == 0) rate = hyper[QN_HYPER_APPLY] != 0 ? hyper[QN_HYPER_AVERAGE] : 0;
    if (rate != 0)
        qn_approach(rate, qn_tensor_count(i->in[1]), i->in[1]->data, i->in[2]->data);
    qn_set_real(i->out[0], 0, 0);
    return QUERN_OK;
}

static quern_status accumulate_infer(const qn_infer *x, quern_error *err)
{
    if (!qn_same_shape(x->in[1], x->in[2]))
        return qn_fail(err, QUERN_SHAPE, "what is held is %s, the gradient %s",
                       QN_SHAPE(x->in[1]), QN_SHAPE(x->in[2]));
    if (x->out[0]) qn_copy_shape(x->out[0], x->in[2]);
    return QUERN_OK;
}

static quern_status accumulate_run(const qn_instr *i, const qn_exec *x,
                                   quern_error *err)
{
    (void)x;
    (void)err;
    const float *hyper = i->in[0]->data, *g = i->in[2]->data;
    const float keep = hyper[QN_HYPER_APPLY] != 0 ? 0.0f : 1.0f;
    float *held = i->in[1]->data, *sum = i->out[0]->data;
    for (int64_t k = 0, n = qn_tensor_count(i->in[1]); k < n; k++) {
        sum[k] = held[k] + g[k];
        held[k] = keep != 0 ? sum[k] : 0;
    }
    return QUERN_OK;
}

static quern_status square_sum_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    if (x->out[0]) x->out[0]->rank = 0;
    return QUERN_OK;
}

static quern_status square_sum_run(const qn_instr *i, const qn_exec *x,
                                   quern_error *err)
{
    (void)x;
    (void)err;
    double sum = 0;
    for (int k = 0; k < i->n_in; k++)
        sum += qn_square_sum(qn_tensor_count(i->in[k]), i->in[k]->data);
    qn_set_real(i->out[0], 0, sum);
    return QUERN_OK;
}

/* clang-format off */
#define UPDATE(row, text, moments)                                                      \
    const qn_op qn_op_##row = {                                                         \
        .name = text, .domain = "quern", .since = 1, .flags = QN_OP_RANDOM,             \
        .min_in = QN_UPDATE_M + (moments), .max_in = QN_UPDATE_M + (moments) + 1,       \
        .attrs = qn_update_attrs, .params_size = sizeof(qn_update_params),              \
        .types = {QN_T_F32}, .infer = qn_update_infer,                                  \
        .prepare = row##_prepare, .run = row##_run,                                     \
    }
#define sgd_prepare   update_prepare
#define adamw_prepare update_prepare
#define lion_prepare  update_prepare
UPDATE(sgd, "Sgd", 1);
UPDATE(adamw, "AdamW", 2);
UPDATE(lamb, "Lamb", 2);
UPDATE(lion, "Lion", 1);

const qn_op qn_op_average = {
    .name = "Average", .domain = "quern", .since = 1, .flags = QN_OP_RANDOM,
    .min_in = 3, .max_in = 4,
    .attrs = average_attrs, .params_size = sizeof(average_params),
    .types = {QN_T_F32}, .infer = average_infer, .run = average_run,
};
const qn_op qn_op_accumulate = {
    .name = "Accumulate", .domain = "quern", .since = 1, .flags = QN_OP_RANDOM,
    .min_in = 3, .max_in = 3,
    .types = {QN_T_F32}, .infer = accumulate_infer, .run = accumulate_run,
};
const qn_op qn_op_square_sum = {
    .name = "SquareSum", .domain = "quern", .since = 1, .min_in = 1, .max_in = -1,
    .types = {QN_T_F32}, .infer = square_sum_infer, .run = square_sum_run,
};
/* clang-format on */
