/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/group_norm.c - InstanceNormalization-22 (each channel by its own moments)
 * and GroupNormalization-21 (each group of channels by theirs); scale and bias by
 * channel. The form of opset 18, with scale and bias by group, is told by their length.
 */
#include "engine/ops/grads.h"
#include "engine/ops/conv_shape.h"
#include "kernels/norm.h"

#include <math.h>

typedef struct gn_params {
    float epsilon;
    int64_t num_groups, stash_type;
} gn_params;

typedef struct gn_job {
    const qn_instr *i;
    int64_t groups, per_group, len; /* per_group channels of len elements each */
} gn_job;

static quern_status gn_infer(const qn_infer *x, quern_error *err)
{
    const gn_params *p = x->params;
    const qn_tensor *in = x->in[0];
    QN_TRY(qn_infer_one_type(x, 3, err));
    if (in->rank < 2)
        return qn_fail(err, QUERN_SHAPE, "X is %s, wanted [N,C,...]", QN_SHAPE(in));
    int64_t channels = in->dim[1], groups = p->num_groups;
    if (groups && channels % groups)
        return qn_fail(err, QUERN_SHAPE, "%lld channels in %lld groups",
                       (long long)channels, (long long)groups);
    for (int i = 1; i < 3; i++) {
        const qn_tensor *b = x->in[i];
        if (b->rank != 1 || (b->dim[0] != channels && (!groups || b->dim[0] != groups)))
            return qn_fail(err, QUERN_SHAPE, "X is %s but input %d is %s", QN_SHAPE(in),
                           i, QN_SHAPE(b));
    }
    if (x->out[0]) qn_copy_shape(x->out[0], in);
    return QUERN_OK;
}

/* Item: one group of one image. */
static void run_groups(void *ctx, int64_t begin, int64_t end, int worker)
{
    const gn_job *job = ctx;
    const qn_instr *i = job->i;
    const gn_params *p = i->params;
    const qn_tensor *x = i->in[0];
    int64_t channels = job->groups * job->per_group;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        int64_t at = t * job->per_group * job->len, n = job->per_group * job->len;
        bool wide = x->dtype == QUERN_DOUBLE;
        qn_moments m = wide ? qn_moments_f64((const double *)x->data + at, n)
                            : qn_moments_f32((const float *)x->data + at, n);
        double factor = 1 / sqrt(m.variance + (double)p->epsilon);
        for (int64_t c = 0; c < job->per_group; c++, at += job->len) {
            int64_t group = t % job->groups, channel = group * job->per_group + c;
            bool by_channel = i->in[1]->dim[0] == channels;
            double scale = factor * qn_get_real(i->in[1], by_channel ? channel : group);
            by_channel = i->in[2]->dim[0] == channels;
            double bias = qn_get_real(i->in[2], by_channel ? channel : group);
            if (wide)
                qn_affine_f64((double *)i->out[0]->data + at,
                              (const double *)x->data + at, job->len, m.mean, scale,
                              bias);
            else
                qn_affine_f32((float *)i->out[0]->data + at,
                              (const float *)x->data + at, job->len, m.mean, scale,
                              bias);
        }
    }
}

static quern_status gn_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const gn_params *p = i->params;
    const qn_tensor *in = i->in[0];
    int64_t groups = p->num_groups ? p->num_groups : in->dim[1];
    (void)err;
    if (qn_tensor_count(in) == 0) return QUERN_OK;
    gn_job job = {i, groups, in->dim[1] / groups, qn_dims_count(in, 2, in->rank)};
    int64_t grain = (32 << 10) / (job.per_group * job.len);
    qn_parallel_for(x->pool, in->dim[0] * groups, grain < 1 ? 1 : grain, run_groups,
                    &job);
    return QUERN_OK;
}

static quern_status gn_check(const qn_node *node, quern_error *err)
{
    const gn_params *p = node->params;
    if (p->num_groups >= 1) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "num_groups is %lld", (long long)p->num_groups);
}

static quern_status in_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    (void)err;
    qn_node_drop_attr(node, "consumed_inputs"); /* of form 1 */
    return QUERN_OK;
}

static const qn_attr in_attrs[] = {QN_FLOAT(gn_params, epsilon, 1e-5f), QN_ATTRS_END};

static const qn_attr gn_attrs[] = {QN_FLOAT(gn_params, epsilon, 1e-5f),
                                   QN_REQUIRED(gn_params, num_groups, QN_ATTR_INT),
                                   QN_INT(gn_params, stash_type, QUERN_FLOAT),
                                   QN_ATTRS_END};

const qn_op qn_op_instance_normalization = {
    .name = "InstanceNormalization",
    .since = 22,
    .min_in = 3,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = in_attrs,
    .params_size = sizeof(gn_params),
    .types = {QN_T_FLOATS},
    .lower = in_lower,
    .infer = gn_infer,
    .grad = qn_grad_group_norm,
    .run = gn_run,
};

const qn_op qn_op_group_normalization = {
    .name = "GroupNormalization",
    .since = 21,
    .first = 18,
    .min_in = 3,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = gn_attrs,
    .params_size = sizeof(gn_params),
    .types = {QN_T_FLOATS},
    .check = gn_check,
    .infer = gn_infer,
    .grad = qn_grad_group_norm,
    .run = gn_run,
};
