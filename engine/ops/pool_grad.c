/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pool_grad.c - MaxPoolGrad (dY, X, Y): the first greatest element of a
 * window takes its dY; AveragePoolGrad (dY, X, of which the shape counts): all take the
 * same part; both with the attributes of the pool.  GlobalMaxPoolGrad and
 * GlobalAveragePoolGrad likewise.  A task is a plane (image, channel). */
#include "engine/ops/pool_grad.h"

#include "engine/ops/conv_shape.h"
#include "engine/ops/pool_blocked.h"
#include "kernels/pooling.h"

typedef struct pool_grad_state {
    qn_window w;
    bool count_pad;
    int64_t n_planes, in_len, out_len;
} pool_grad_state;

typedef struct pool_grad_job {
    const qn_instr *i;
    const pool_grad_state *s;
} pool_grad_job;

/* ---- building ---- */

static quern_status emit(qn_grad *g, const qn_node *node, const char *op_type, int n_in,
                         quern_error *err)
{
    qn_node *made;
    qn_value *in[3] = {qn_grad_of(g, node, 0), node->in[0], node->out[0]};
    if (!in[0]) return QUERN_OK;
    QN_TRY(qn_grad_node(g, QN_DOMAIN, op_type, n_in, in, 1, &made, err));
    QN_TRY(qn_grad_copy_attrs(node, made, err));
    QN_TRY(qn_grad_append(g, made, err));
    return qn_grad_add(g, node, 0, made->out[0], err);
}

quern_status qn_max_pool_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    return emit(g, node, "MaxPoolGrad", 3, err);
}

quern_status qn_average_pool_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    return emit(g, node, "AveragePoolGrad", 2, err);
}

quern_status qn_global_max_pool_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    return emit(g, node, "GlobalMaxPoolGrad", 3, err);
}

quern_status qn_global_average_pool_grad(qn_grad *g, const qn_node *node,
                                         quern_error *err)
{
    return emit(g, node, "GlobalAveragePoolGrad", 2, err);
}

/* ---- shapes ---- */

/* dY and Y must have the shape that pooling X gives. */
static quern_status infer_back(const qn_infer *x, const qn_tensor *pooled,
                               quern_error *err)
{
    for (int i = 0; i < x->n_in; i++)
        if (i != 1 && !qn_same_shape(x->in[i], pooled))
            return qn_fail(err, QUERN_SHAPE, "input %d is %s, wanted %s", i,
                           QN_SHAPE(x->in[i]), QN_SHAPE(pooled));
    QN_TRY(qn_infer_one_type(x, 3, err));
    if (x->out[0]) qn_copy_shape(x->out[0], x->in[1]);
    return QUERN_OK;
}

static quern_status pool_grad_infer(const qn_infer *x, quern_error *err)
{
    qn_window w;
    qn_tensor pooled = {0};
    QN_TRY(qn_window_fit(x->params, x->in[1], NULL, &w, err));
    qn_window_shape(&pooled, x->in[1], x->in[1]->dim[1], &w);
    return infer_back(x, &pooled, err);
}

static quern_status global_grad_infer(const qn_infer *x, quern_error *err)
{
    qn_tensor pooled = *x->in[1];
    if (pooled.rank < 2)
        return qn_fail(err, QUERN_SHAPE, "X is %s, wanted [N,C,...]",
                       QN_SHAPE(x->in[1]));
    for (int d = 2; d < pooled.rank; d++)
        pooled.dim[d] = 1;
    return infer_back(x, &pooled, err);
}

/* ---- windows ---- */

static quern_status pool_grad_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_window_params *params = i->params;
    const qn_tensor *x = i->in[1];
    pool_grad_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_window_fit(params, x, NULL, &s->w, err));
    s->count_pad = params->count_include_pad != 0;
    s->n_planes = x->dim[0] * x->dim[1];
    s->in_len = qn_window_product(s->w.in, s->w.rank);
    s->out_len = qn_window_product(s->w.out, s->w.rank);
    return QUERN_OK;
}

static void max_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const pool_grad_job *job = ctx;
    const pool_grad_state *s = job->s;
    const qn_tensor *const *in = job->i->in;
    const qn_tensor *dx = job->i->out[0];
    (void)worker;
    for (int64_t n = begin; n < end; n++) {
        int64_t at = n * s->in_len, to = n * s->out_len;
        if (dx->dtype == QUERN_DOUBLE)
            qn_maxpool_grad_f64(&s->w, (const double *)in[1]->data + at,
                                (const double *)in[2]->data + to,
                                (const double *)in[0]->data + to,
                                (double *)dx->data + at);
        else
            qn_maxpool_grad_f32(
                &s->w, (const float *)in[1]->data + at, (const float *)in[2]->data + to,
                (const float *)in[0]->data + to, (float *)dx->data + at);
    }
}

static void mean_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const pool_grad_job *job = ctx;
    const pool_grad_state *s = job->s;
    const qn_tensor *dy = job->i->in[0], *dx = job->i->out[0];
    (void)worker;
    for (int64_t n = begin; n < end; n++)
        if (dx->dtype == QUERN_DOUBLE)
            qn_meanpool_grad_f64(&s->w, s->count_pad,
                                 (const double *)dy->data + n * s->out_len,
                                 (double *)dx->data + n * s->in_len);
        else
            qn_meanpool_grad_f32(&s->w, s->count_pad,
                                 (const float *)dy->data + n * s->out_len,
                                 (float *)dx->data + n * s->in_len);
}

static quern_status run_planes(const qn_instr *i, const qn_exec *x,
                               const pool_grad_state *s, qn_range_fn *fn)
{
    pool_grad_job job = {i, s};
    int64_t work = s->in_len + s->out_len, grain = work > 0 ? (64 << 10) / work : 1;
    if (i->out[0] && s->in_len > 0)
        qn_parallel_for(x->pool, s->n_planes, grain < 1 ? 1 : grain, fn, &job);
    return QUERN_OK;
}

static quern_status max_pool_grad_run(const qn_instr *i, const qn_exec *x,
                                      quern_error *err)
{
    const pool_grad_state *s = i->state;
    (void)err;
    if (i->is_blocked) return qn_pool_grad_blocked_run(i, x, &s->w, false);
    return run_planes(i, x, s, max_planes);
}

static quern_status average_pool_grad_run(const qn_instr *i, const qn_exec *x,
                                          quern_error *err)
{
    const pool_grad_state *s = i->state;
    (void)err;
    if (i->is_blocked) return qn_pool_grad_blocked_run(i, x, &s->w, s->count_pad);
    return run_planes(i, x, s, mean_planes);
}

/* ---- whole planes ---- */

static void global_max_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const pool_grad_job *job = ctx;
    const qn_tensor *const *in = job->i->in;
    const qn_tensor *dx = job->i->out[0];
    int64_t len = job->s->in_len;
    (void)worker;
    for (int64_t n = begin; n < end; n++)
        if (dx->dtype == QUERN_DOUBLE)
            qn_greatest_grad_f64(
                (const double *)in[1]->data + n * len, ((const double *)in[2]->data)[n],
                ((const double *)in[0]->data)[n], (double *)dx->data + n * len, len);
        else
            qn_greatest_grad_f32(
                (const float *)in[1]->data + n * len, ((const float *)in[2]->data)[n],
                ((const float *)in[0]->data)[n], (float *)dx->data + n * len, len);
}

static void global_mean_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const pool_grad_job *job = ctx;
    const qn_tensor *dy = job->i->in[0], *dx = job->i->out[0];
    int64_t len = job->s->in_len;
    (void)worker;
    for (int64_t n = begin; n < end; n++)
        if (dx->dtype == QUERN_DOUBLE)
            qn_mean_grad_f64(((const double *)dy->data)[n],
                             (double *)dx->data + n * len, len);
        else
            qn_mean_grad_f32(((const float *)dy->data)[n], (float *)dx->data + n * len,
                             len);
}

static quern_status run_global(const qn_instr *i, const qn_exec *x, qn_range_fn *fn)
{
    const qn_tensor *in = i->in[1];
    const pool_grad_state s = {.n_planes = in->dim[0] * in->dim[1],
                               .in_len = qn_dims_count(in, 2, in->rank)};
    return run_planes(i, x, &s, fn);
}

static quern_status global_blocked(const qn_instr *i, const qn_exec *x)
{
    const qn_window w = qn_plane_window(i->in[1]);
    return qn_pool_grad_blocked_run(i, x, &w, false);
}

static quern_status global_max_pool_grad_run(const qn_instr *i, const qn_exec *x,
                                             quern_error *err)
{
    (void)err;
    if (i->is_blocked) return global_blocked(i, x);
    return run_global(i, x, global_max_planes);
}

static quern_status global_average_pool_grad_run(const qn_instr *i, const qn_exec *x,
                                                 quern_error *err)
{
    (void)err;
    if (i->is_blocked) return global_blocked(i, x);
    return run_global(i, x, global_mean_planes);
}

/* ---- rows ---- */

static const qn_attr pool_grad_attrs[] = {
    QN_REQUIRED(qn_window_params, kernel_shape, QN_ATTR_INTS),
    QN_INTS(qn_window_params, strides),
    QN_INTS(qn_window_params, pads),
    QN_INTS(qn_window_params, dilations),
    QN_STR(qn_window_params, auto_pad, "NOTSET"),
    QN_INT(qn_window_params, ceil_mode, 0),
    QN_INT(qn_window_params, storage_order, 0),
    QN_INT(qn_window_params, count_include_pad, 0),
    QN_ATTRS_END};

#define POOL_GRAD_ROW(n)                                           \
    .domain = QN_DOMAIN, .since = 1, .min_in = (n), .max_in = (n), \
    .flags = QN_OP_HALF_AS_F32, .types = {QN_T_FLOATS}
#define WINDOW_ROW                                                                    \
    .attrs = pool_grad_attrs, .params_size = sizeof(qn_window_params),                \
    .check = qn_window_check, .infer = pool_grad_infer, .prepare = pool_grad_prepare, \
    .blocked = qn_pool_grad_blocked

const qn_op qn_op_max_pool_grad = {
    .name = "MaxPoolGrad",
    .run = max_pool_grad_run,
    POOL_GRAD_ROW(3),
    WINDOW_ROW,
};

const qn_op qn_op_average_pool_grad = {
    .name = "AveragePoolGrad",
    .run = average_pool_grad_run,
    .shape_only = 2,
    POOL_GRAD_ROW(2),
    WINDOW_ROW,
};

const qn_op qn_op_global_max_pool_grad = {
    .name = "GlobalMaxPoolGrad",
    .infer = global_grad_infer,
    .blocked = qn_pool_grad_blocked,
    .run = global_max_pool_grad_run,
    POOL_GRAD_ROW(3),
};

const qn_op qn_op_global_average_pool_grad = {
    .name = "GlobalAveragePoolGrad",
    .infer = global_grad_infer,
    .blocked = qn_pool_grad_blocked,
    .run = global_average_pool_grad_run,
    .shape_only = 2,
    POOL_GRAD_ROW(2),
};
