/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/window_pool.c - MaxPool-22, AveragePool-22 and LpPool-22: one window,
 * three ways to combine what it sees.  A task is a plane (image, channel). */
#include "engine/ops/conv_shape.h"
#include "engine/ops/pool_band.h"
#include "engine/ops/pool_blocked.h"
#include "engine/ops/pool_grad.h"
#include "kernels/pooling.h"

#include <string.h>

typedef struct pool_state {
    qn_window w;
    qn_pool_sum sum;
    int64_t n_planes, in_len, out_len;
    size_t row_bytes;              /* scratch of a worker */
    int64_t pitch[QN_MAX_SPATIAL]; /* of indices */
} pool_state;

typedef struct pool_job {
    const qn_instr *i;
    const pool_state *s;
} pool_job;

static quern_status pool_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_window_params *params = i->params;
    const qn_tensor *x = i->in[0];
    pool_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_window_fit(params, x, NULL, &s->w, err));
    s->sum = (qn_pool_sum){params->p, params->count_include_pad != 0};
    s->n_planes = x->dim[0] * x->dim[1];
    s->in_len = qn_window_product(s->w.in, s->w.rank);
    s->out_len = qn_window_product(s->w.out, s->w.rank);
    for (int d = 0; d < s->w.rank; d++) /* storage_order 1: the first axis is fastest */
        s->pitch[d] = params->storage_order
                          ? qn_window_product(s->w.in, d)
                          : qn_window_product(s->w.in + d + 1, s->w.rank - d - 1);
    s->row_bytes = (size_t)s->w.in[s->w.rank - 1] * qn_dtype_size(x->dtype);
    s->row_bytes = (s->row_bytes + QN_ALIGN - 1) / QN_ALIGN * QN_ALIGN;
    qn_prep_scratch(p, s->row_bytes * (size_t)p->n_workers);
    return QUERN_OK;
}

static quern_status maxpool_prepare(qn_prep *p, quern_error *err)
{
    return p->instr->feeder ? qn_pool_band_prepare(p, err) : pool_prepare(p, err);
}

static void max_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const pool_job *job = ctx;
    const pool_state *s = job->s;
    const qn_instr *i = job->i;
    void *row = (char *)i->scratch + (size_t)worker * s->row_bytes;
    for (int64_t n = begin; n < end; n++) {
        int64_t from = n * s->in_len, to = n * s->out_len;
        switch (i->in[0]->dtype) {
        case QUERN_DOUBLE:
            qn_maxpool_f64(&s->w, (const double *)i->in[0]->data + from,
                           (double *)i->out[0]->data + to, row);
            break;
        case QUERN_INT8:
            qn_maxpool_i8(&s->w, (const int8_t *)i->in[0]->data + from,
                          (int8_t *)i->out[0]->data + to, row);
            break;
        case QUERN_UINT8:
            qn_maxpool_u8(&s->w, (const uint8_t *)i->in[0]->data + from,
                          (uint8_t *)i->out[0]->data + to, row);
            break;
        default:
            qn_maxpool_f32(&s->w, (const float *)i->in[0]->data + from,
                           (float *)i->out[0]->data + to, row);
        }
    }
}

/* With Indices; y NULL: Y is not asked for. */
static void max_index_plane(const pool_job *job, int64_t n, void *y)
{
    const pool_state *s = job->s;
    const qn_tensor *x = job->i->in[0];
    int64_t from = n * s->in_len;
    qn_pool_index to = {.base = from,
                        .index = (int64_t *)job->i->out[1]->data + n * s->out_len};
    memcpy(to.pitch, s->pitch, sizeof to.pitch);
    switch (x->dtype) {
    case QUERN_DOUBLE:
        qn_maxpool_index_f64(&s->w, (const double *)x->data + from, y, &to);
        break;
    case QUERN_INT8:
        qn_maxpool_index_i8(&s->w, (const int8_t *)x->data + from, y, &to);
        break;
    case QUERN_UINT8:
        qn_maxpool_index_u8(&s->w, (const uint8_t *)x->data + from, y, &to);
        break;
    default:
        qn_maxpool_index_f32(&s->w, (const float *)x->data + from, y, &to);
    }
}

static void max_index_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const pool_job *job = ctx;
    const qn_tensor *y = job->i->out[0];
    size_t plane = (size_t)job->s->out_len * qn_dtype_size(job->i->in[0]->dtype);
    (void)worker;
    for (int64_t n = begin; n < end; n++)
        max_index_plane(job, n, y ? (char *)y->data + (size_t)n * plane : NULL);
}

static void sum_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const pool_job *job = ctx;
    const pool_state *s = job->s;
    const qn_instr *i = job->i;
    void *row = (char *)i->scratch + (size_t)worker * s->row_bytes;
    for (int64_t n = begin; n < end; n++)
        if (i->in[0]->dtype == QUERN_DOUBLE)
            qn_sumpool_f64(&s->w, &s->sum,
                           (const double *)i->in[0]->data + n * s->in_len,
                           (double *)i->out[0]->data + n * s->out_len, row);
        else
            qn_sumpool_f32(&s->w, &s->sum,
                           (const float *)i->in[0]->data + n * s->in_len,
                           (float *)i->out[0]->data + n * s->out_len, row);
}

static quern_status run_planes(const qn_instr *i, const qn_exec *x, qn_range_fn *fn)
{
    const pool_state *s = i->state;
    pool_job job = {i, s};
    int64_t work = s->in_len + s->out_len, grain = work > 0 ? (64 << 10) / work : 1;
    if (s->out_len > 0)
        qn_parallel_for(x->pool, s->n_planes, grain < 1 ? 1 : grain, fn, &job);
    return QUERN_OK;
}

static quern_status maxpool_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    if (i->feeder) {
        qn_pool_band_run(i, x);
        return QUERN_OK;
    }
    bool indices = i->n_out > 1 && i->out[1];
    const pool_state *s = i->state;
    if (i->is_blocked) return qn_pool_blocked_run(i, x, &s->w, false, false);
    return run_planes(i, x, indices ? max_index_planes : max_planes);
}

static quern_status sumpool_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const pool_state *s = i->state;
    if (i->is_blocked) return qn_pool_blocked_run(i, x, &s->w, true, s->sum.count_pad);
    return run_planes(i, x, sum_planes);
}

static quern_status pool_infer(const qn_infer *x, quern_error *err)
{
    qn_window w;
    QN_TRY(qn_window_fit(x->params, x->in[0], NULL, &w, err));
    for (int i = 0; i < x->n_out; i++)
        qn_window_shape(x->out[i], x->in[0], x->in[0]->dim[1], &w);
    return QUERN_OK;
}

static quern_dtype maxpool_dtype(const qn_node *node, int i)
{
    return i == 1 ? QUERN_INT64 : node->in[0] ? node->in[0]->dtype : QUERN_UNDEFINED;
}

static quern_status lppool_check(const qn_node *node, quern_error *err)
{
    const qn_window_params *p = node->params;
    if (p->p < 1)
        return qn_fail(err, QUERN_INVALID, "p is %lld, wanted at least 1",
                       (long long)p->p);
    return qn_window_check(node, err);
}

#define POOL_ATTRS                                                           \
    QN_REQUIRED(qn_window_params, kernel_shape, QN_ATTR_INTS),               \
        QN_INTS(qn_window_params, strides), QN_INTS(qn_window_params, pads), \
        QN_INTS(qn_window_params, dilations),                                \
        QN_STR(qn_window_params, auto_pad, "NOTSET"),                        \
        QN_INT(qn_window_params, ceil_mode, 0)

static const qn_attr maxpool_attrs[] = {
    POOL_ATTRS, QN_INT(qn_window_params, storage_order, 0), QN_ATTRS_END};

static const qn_attr avgpool_attrs[] = {
    POOL_ATTRS, QN_INT(qn_window_params, count_include_pad, 0), QN_ATTRS_END};

static const qn_attr lppool_attrs[] = {POOL_ATTRS, QN_INT(qn_window_params, p, 2),
                                       QN_ATTRS_END};

const qn_op qn_op_maxpool = {
    .name = "MaxPool",
    .since = 22,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = maxpool_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS | QN_BIT(QUERN_INT8) | QN_BIT(QUERN_UINT8)},
    .out_dtype = maxpool_dtype,
    .check = qn_window_check,
    .infer = pool_infer,
    .blocked = qn_pool_blocked,
    .takes_feeder = qn_pool_takes_feeder,
    .prepare = maxpool_prepare,
    .run = maxpool_run,
    .grad = qn_max_pool_grad,
};

const qn_op qn_op_averagepool = {
    .name = "AveragePool",
    .since = 22,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = avgpool_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS},
    .check = qn_window_check,
    .infer = pool_infer,
    .blocked = qn_pool_blocked,
    .prepare = pool_prepare,
    .run = sumpool_run,
    .grad = qn_average_pool_grad,
};

const qn_op qn_op_lppool = {
    .name = "LpPool",
    .since = 22,
    .first = 2, /* LpPool-1 has p as a float and no lists to speak of */
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = lppool_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS},
    .check = lppool_check,
    .infer = pool_infer,
    .prepare = pool_prepare,
    .run = sumpool_run,
};
