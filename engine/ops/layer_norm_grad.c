/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/layer_norm_grad.c - LayerNormGrad: gradients of LayerNormalization and,
 * with rms, of RMSNormalization, from dY, X and scale (one number for each element of a
 * row). Moments are formed again from X.  Rows are dealt to a number of shards that
 * depends on shapes only, so dscale and dbias have the same bits at any number of
 * threads. */
#include "engine/ops/grads.h"

#include "engine/shards.h"
#include "kernels/norm.h"

#include <math.h>
#include <string.h>

enum { PARTIAL_BYTES = 16 << 20 /* most memory for the sums of all shards */ };

typedef struct lng_params {
    int64_t axis, rms;
    float epsilon;
} lng_params;

typedef struct lng_state {
    int64_t rows, len, shards;
    size_t bytes;         /* of a row */
    size_t partial_bytes; /* of the shards of one output */
} lng_state;

/* ---- nodes ---- */

/* scale with the dims of X from the axis on. */
static quern_status full_scale(qn_grad *g, qn_value *scale, const qn_value *x, int axis,
                               qn_value **out, quern_error *err)
{
    const int rank = x->rank - axis;
    *out = scale;
    if (scale->rank > rank) /* leading dims of 1 */
        QN_TRY(qn_grad_to_shape(g, scale, rank, scale->dim + scale->rank - rank, out,
                                err));
    for (int i = 0; i < rank; i++)
        if ((*out)->rank != rank || (*out)->dim[i] != x->dim[axis + i])
            return qn_grad_spread(g, *out, rank, x->dim + axis, out, err);
    return QUERN_OK;
}

QN_GRAD(layer_norm)
{
    int axis;
    qn_node *made;
    qn_value *in[3] = {qn_grad_of(g, node, 0), node->in[0]};
    const bool rms = strcmp(node->op->name, "RMSNormalization") == 0;
    if (qn_grad_of(g, node, 1) || qn_grad_of(g, node, 2))
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient through the statistics");
    QN_TRY(qn_axis(qn_node_int(node, "axis", -1), in[1]->rank, false, &axis, err));
    QN_TRY(full_scale(g, node->in[1], in[1], axis, &in[2], err));
    QN_TRY(qn_grad_node(g, QN_DOMAIN, "LayerNormGrad", 3, in, 3, &made, err));
    QN_TRY(qn_node_set_int(made, "axis", axis, err));
    QN_TRY(qn_node_set_int(made, "rms", rms, err));
    QN_TRY(
        qn_node_set_float(made, "epsilon", qn_node_float(node, "epsilon", 1e-5f), err));
    QN_TRY(qn_grad_append(g, made, err));
    QN_TRY(qn_grad_add(g, node, 0, made->out[0], err));
    QN_TRY(qn_grad_give(g, node, 1, made->out[1], err));
    return rms ? QUERN_OK : qn_grad_give(g, node, 2, made->out[2], err);
}

/* ---- the row ---- */

static quern_status lng_infer(const qn_infer *x, quern_error *err)
{
    const lng_params *p = x->params;
    const qn_tensor *in = x->in[1];
    int axis;
    if (!qn_same_shape(x->in[0], in))
        return qn_fail(err, QUERN_SHAPE, "dY is %s but X is %s", QN_SHAPE(x->in[0]),
                       QN_SHAPE(in));
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    if (qn_tensor_count(x->in[2]) != qn_dims_count(in, axis, in->rank))
        return qn_fail(err, QUERN_SHAPE, "scale is %s, X is %s from axis %d on",
                       QN_SHAPE(x->in[2]), QN_SHAPE(in), axis);
    if (x->out[0]) qn_copy_shape(x->out[0], in);
    for (int i = 1; i < x->n_out; i++)
        if (x->out[i])
            qn_set_shape(x->out[i], x->out[i]->dtype, in->rank - axis, in->dim + axis);
    return QUERN_OK;
}

static qn_tensor *asked(const qn_instr *i, int k)
{
    return k < i->n_out ? i->out[k] : NULL;
}

static quern_status lng_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const lng_params *params = i->params;
    const qn_tensor *x = i->in[1];
    const size_t elem = qn_dtype_size(x->dtype);
    lng_state *s;
    int axis;
    QN_TRY(qn_axis(params->axis, x->rank, false, &axis, err));
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    s->rows = qn_dims_count(x, 0, axis);
    s->len = qn_dims_count(x, axis, x->rank);
    s->bytes = (size_t)s->len * elem;
    s->shards = qn_shards(s->rows, (int64_t)s->bytes, PARTIAL_BYTES);
    s->partial_bytes = qn_shards_bytes(s->shards, s->len, elem);
    if (s->partial_bytes) qn_prep_scratch(p, 2 * s->partial_bytes);
    return QUERN_OK;
}

typedef struct lng_job {
    const qn_instr *i;
    const lng_state *s;
    const qn_kernels *k;
    char *sum[2]; /* dscale and dbias by shard, or NULL */
} lng_job;

static void run_row(const lng_job *job, int64_t r, qn_row_back *how)
{
    const qn_instr *i = job->i;
    const lng_params *p = i->params;
    const size_t at = (size_t)r * job->s->bytes;
    const int64_t len = job->s->len;
    const void *dy = (const char *)i->in[0]->data + at;
    const void *x = (const char *)i->in[1]->data + at;
    void *dx = asked(i, 0) ? (char *)i->out[0]->data + at : NULL;
    const bool wide = i->in[1]->dtype == QUERN_DOUBLE;
    qn_moments m = {0, 0};
    if (p->rms)
        m.variance = wide ? qn_mean_square_f64(x, len) : qn_mean_square_f32(x, len);
    else
        m = wide ? qn_moments_f64(x, len)
                 : job->k->rownorm_f32(&(qn_rownorm){.n = len}, x, NULL);
    how->mean = m.mean;
    how->factor = 1 / sqrt(m.variance + (double)p->epsilon);
    if (wide)
        qn_norm_row_back_f64(dx, dy, x, len, how);
    else
        qn_norm_row_back_f32(dx, dy, x, len, how);
}

static void run_shards(void *ctx, int64_t begin, int64_t end, int worker)
{
    const lng_job *job = ctx;
    const lng_state *s = job->s;
    const lng_params *p = job->i->params;
    (void)worker;
    for (int64_t shard = begin; shard < end; shard++) {
        char *sum[2];
        for (int k = 0; k < 2; k++) {
            sum[k] = job->sum[k] ? job->sum[k] + (size_t)shard * s->bytes : NULL;
            if (sum[k]) memset(sum[k], 0, s->bytes);
        }
        qn_row_back how = {.about_zero = p->rms != 0,
                           .scale = job->i->in[2]->data,
                           .dscale = sum[0],
                           .dbias = sum[1]};
        const int64_t last = s->rows * (shard + 1) / s->shards;
        for (int64_t r = s->rows * shard / s->shards; r < last; r++)
            run_row(job, r, &how);
    }
}

static quern_status lng_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const lng_state *s = i->state;
    lng_job job = {.i = i, .s = s, .k = x->k};
    (void)err;
    for (int k = 0; k < 2; k++)
        if (asked(i, 1 + k))
            job.sum[k] = s->shards > 1
                             ? (char *)i->scratch + (size_t)k * s->partial_bytes
                             : (char *)i->out[1 + k]->data;
    qn_parallel_for(x->pool, s->shards, 1, run_shards, &job);
    for (int k = 0; k < 2 && s->shards > 1; k++)
        if (job.sum[k])
            qn_shards_sum(x->pool, i->in[1]->dtype, s->shards, s->len, job.sum[k],
                          i->out[1 + k]->data);
    return QUERN_OK;
}

static const qn_attr lng_attrs[] = {QN_INT(lng_params, axis, -1),
                                    QN_INT(lng_params, rms, 0),
                                    QN_FLOAT(lng_params, epsilon, 1e-5f), QN_ATTRS_END};

const qn_op qn_op_layer_norm_grad = {
    .name = "LayerNormGrad",
    .domain = QN_DOMAIN,
    .since = 1,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = lng_attrs,
    .params_size = sizeof(lng_params),
    .types = {QN_T_FLOATS},
    .infer = lng_infer,
    .prepare = lng_prepare,
    .run = lng_run,
};
