/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/group_norm_grad.c - GroupNormGrad: gradients of GroupNormalization and
 * InstanceNormalization (a group is a channel).  With h = (X - mean) * r in a group of
 * M elements, r = 1 / sqrt(var + epsilon), s a channel's scale,
 *
 *     dbias = sum dY,  dscale = sum dY h,
 *     dX = r (s dY - sum(s dY) / M - h sum(s dY h) / M).
 *
 * The sums of a channel are kept for each image and added in the order of images. */
#include "engine/ops/grads.h"

#include "kernels/norm.h"

#include <math.h>

typedef struct gng_params {
    int64_t groups; /* 0: as many as channels */
    float epsilon;
} gng_params;

QN_GRAD(group_norm)
{
    qn_node *made;
    qn_value *in[3] = {qn_grad_of(g, node, 0), node->in[0], node->in[1]};
    const bool by_group = node->in[2]->dim[0] != node->in[1]->dim[0];
    if (by_group)
        return qn_fail(err, QUERN_UNSUPPORTED, "scale has %lld numbers and bias %lld",
                       (long long)node->in[1]->dim[0], (long long)node->in[2]->dim[0]);
    QN_TRY(qn_grad_node(g, QN_DOMAIN, "GroupNormGrad", 3, in, 3, &made, err));
    QN_TRY(qn_node_set_int(made, "groups", qn_node_int(node, "num_groups", 0), err));
    QN_TRY(
        qn_node_set_float(made, "epsilon", qn_node_float(node, "epsilon", 1e-5f), err));
    QN_TRY(qn_grad_append(g, made, err));
    for (int i = 0; i < 3; i++)
        QN_TRY(qn_grad_add(g, node, i, made->out[i], err));
    return QUERN_OK;
}

static quern_status gng_infer(const qn_infer *x, quern_error *err)
{
    const gng_params *p = x->params;
    const qn_tensor *in = x->in[1], *scale = x->in[2];
    if (in->rank < 2 || !qn_same_shape(x->in[0], in))
        return qn_fail(err, QUERN_SHAPE, "dY is %s and X is %s, wanted [N,C,...]",
                       QN_SHAPE(x->in[0]), QN_SHAPE(in));
    const int64_t channels = in->dim[1], groups = p->groups > 0 ? p->groups : channels;
    if (groups > 0 && channels % groups != 0)
        return qn_fail(err, QUERN_SHAPE, "%lld channels in %lld groups",
                       (long long)channels, (long long)groups);
    if (scale->rank != 1 || (scale->dim[0] != channels && scale->dim[0] != groups))
        return qn_fail(err, QUERN_SHAPE, "X is %s but scale is %s", QN_SHAPE(in),
                       QN_SHAPE(scale));
    if (x->out[0]) qn_copy_shape(x->out[0], in);
    for (int i = 1; i < x->n_out; i++)
        if (x->out[i]) qn_copy_shape(x->out[i], scale);
    return QUERN_OK;
}

typedef struct gng_job {
    const qn_instr *i;
    int64_t groups, each, len; /* each: channels in a group, of len elements */
    qn_grad_sums *sums;        /* [N * C]: of dY and of dY h */
} gng_job;

static quern_status gng_prepare(qn_prep *p, quern_error *err)
{
    const qn_tensor *x = p->instr->in[1];
    size_t bytes;
    if (!qn_size_mul((size_t)qn_dims_count(x, 0, 2), sizeof(qn_grad_sums), &bytes))
        return qn_fail(err, QUERN_LIMIT, "X is %s", QN_SHAPE(x));
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

static double scale_of(const gng_job *job, int64_t group, int64_t k)
{
    const qn_tensor *scale = job->i->in[2];
    const bool by_channel = scale->dim[0] != job->groups || job->each == 1;
    return qn_get_real(scale, by_channel ? group * job->each + k : group);
}

static qn_moments moments(const qn_tensor *x, int64_t at, int64_t n)
{
    return x->dtype == QUERN_DOUBLE ? qn_moments_f64((const double *)x->data + at, n)
                                    : qn_moments_f32((const float *)x->data + at, n);
}

static qn_grad_sums sums_of(const gng_job *job, int64_t at, double mean)
{
    const qn_tensor *dy = job->i->in[0], *x = job->i->in[1];
    const qn_norm_map m = {.mean = mean, .act = -1};
    if (x->dtype == QUERN_DOUBLE)
        return qn_norm_grad_sums_f64((const double *)dy->data + at,
                                     (const double *)x->data + at, job->len, &m);
    return qn_norm_grad_sums_f32((const float *)dy->data + at,
                                 (const float *)x->data + at, job->len, &m);
}

static void mix(const gng_job *job, int64_t at, const qn_norm_mix *m)
{
    const qn_tensor *dy = job->i->in[0], *x = job->i->in[1], *dx = job->i->out[0];
    if (x->dtype == QUERN_DOUBLE)
        qn_norm_mix_f64((double *)dx->data + at, (const double *)dy->data + at,
                        (const double *)x->data + at, job->len, m);
    else
        qn_norm_mix_f32((float *)dx->data + at, (const float *)dy->data + at,
                        (const float *)x->data + at, job->len, m);
}

/* Item: one group of one image. */
static void run_groups(void *ctx, int64_t begin, int64_t end, int worker)
{
    const gng_job *job = ctx;
    const gng_params *p = job->i->params;
    const double count = (double)job->each * (double)job->len;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        const int64_t first = t * job->each, group = t % job->groups;
        const qn_moments m =
            moments(job->i->in[1], first * job->len, job->each * job->len);
        const double r = 1 / sqrt(m.variance + (double)p->epsilon);
        double sum = 0, product = 0; /* of s dY and s dY h */
        for (int64_t k = 0; k < job->each; k++) {
            qn_grad_sums s = sums_of(job, (first + k) * job->len, m.mean);
            s.product *= r;
            job->sums[first + k] = s;
            sum += scale_of(job, group, k) * s.sum;
            product += scale_of(job, group, k) * s.product;
        }
        for (int64_t k = 0; job->i->out[0] && k < job->each; k++) {
            const qn_norm_mix how = {.a = r * scale_of(job, group, k),
                                     .b = -r * r * product / count,
                                     .c = -r * sum / count,
                                     .mean = m.mean};
            mix(job, (first + k) * job->len, &how);
        }
    }
}

/* dscale and dbias: over images and, if they are by group, over a group's channels. */
static void add_up(const gng_job *job)
{
    const qn_instr *i = job->i;
    const int64_t n = i->in[1]->dim[0], channels = job->groups * job->each;
    const int64_t places = i->in[2]->dim[0], share = places ? channels / places : 0;
    for (int64_t c = 0; c < places; c++) {
        qn_grad_sums total = {0, 0};
        for (int64_t k = 0; k < n * share; k++) {
            const int64_t at = k / share * channels + c * share + k % share;
            total.sum += job->sums[at].sum;
            total.product += job->sums[at].product;
        }
        if (i->n_out > 1 && i->out[1]) qn_set_real(i->out[1], c, total.product);
        if (i->n_out > 2 && i->out[2]) qn_set_real(i->out[2], c, total.sum);
    }
}

static quern_status gng_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const gng_params *p = i->params;
    const qn_tensor *in = i->in[1];
    const int64_t groups = p->groups > 0 ? p->groups : in->dim[1];
    gng_job job = {.i = i,
                   .groups = groups,
                   .each = groups ? in->dim[1] / groups : 0,
                   .len = qn_dims_count(in, 2, in->rank),
                   .sums = i->scratch};
    (void)err;
    const int64_t grain = (32 << 10) / (job.each * job.len + 1);
    qn_parallel_for(x->pool, in->dim[0] * groups, grain < 1 ? 1 : grain, run_groups,
                    &job);
    add_up(&job);
    return QUERN_OK;
}

static const qn_attr gng_attrs[] = {QN_INT(gng_params, groups, 0),
                                    QN_FLOAT(gng_params, epsilon, 1e-5f), QN_ATTRS_END};

const qn_op qn_op_group_norm_grad = {
    .name = "GroupNormGrad",
    .domain = QN_DOMAIN,
    .since = 1,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    .flags = QN_OP_INPLACE | QN_OP_HALF_AS_F32,
    .attrs = gng_attrs,
    .params_size = sizeof(gng_params),
    .types = {QN_T_FLOATS},
    .infer = gng_infer,
    .prepare = gng_prepare,
    .run = gng_run,
};
