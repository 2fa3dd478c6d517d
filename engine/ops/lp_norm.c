/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/lp_norm.c - LpNormalization-22, X divided by its L1 or L2 norm along an
 * axis, and MeanVarianceNormalization-13, (X - mean) / (deviation + 1e-9) over a set of
 * axes. */
#include "engine/ops/grads.h"
#include "engine/op.h"
#include "kernels/norm.h"

#include <math.h>

typedef struct lp_params {
    int64_t axis, p;
} lp_params;

static quern_status lp_check(const qn_node *node, quern_error *err)
{
    const lp_params *p = node->params;
    if (p->p == 1 || p->p == 2) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "p is %lld, wanted 1 or 2", (long long)p->p);
}

static quern_status lp_infer(const qn_infer *x, quern_error *err)
{
    const lp_params *p = x->params;
    int axis;
    QN_TRY(qn_axis(p->axis, x->in[0]->rank, false, &axis, err));
    return qn_infer_same(x, err);
}

static quern_status lp_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const lp_params *p = i->params;
    const qn_tensor *in = i->in[0];
    int axis;
    (void)x;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    int64_t count = in->dim[axis], inner = qn_dims_count(in, axis + 1, in->rank);
    int64_t n = qn_dims_count(in, 0, axis) * inner;
    for (int64_t k = 0; k < n; k++) {
        int64_t at = k / inner * inner * count + k % inner;
        if (in->dtype == QUERN_DOUBLE)
            qn_lpscale_f64((double *)i->out[0]->data + at,
                           (const double *)in->data + at, count, inner, p->p);
        else
            qn_lpscale_f32((float *)i->out[0]->data + at, (const float *)in->data + at,
                           count, inner, p->p);
    }
    return QUERN_OK;
}

typedef struct mvn_params {
    qn_ints axes;
} mvn_params;

typedef struct mvn_state {
    int64_t pitch[QUERN_MAX_RANK]; /* in the statistics; 0 along reduced axes */
    int64_t groups;
} mvn_state;

static quern_status mvn_fit(const mvn_params *p, const qn_tensor *x, mvn_state *s,
                            quern_error *err)
{
    static const int64_t usual[] = {0, 2, 3};
    int64_t n = p->axes.v ? p->axes.n : 3;
    bool reduced[QUERN_MAX_RANK] = {false};
    for (int64_t k = 0; k < n; k++) {
        int axis;
        QN_TRY(
            qn_axis(p->axes.v ? p->axes.v[k] : usual[k], x->rank, false, &axis, err));
        reduced[axis] = true;
    }
    s->groups = 1;
    for (int d = x->rank - 1; d >= 0; d--) {
        s->pitch[d] = reduced[d] ? 0 : s->groups;
        if (!reduced[d]) s->groups *= x->dim[d];
    }
    return QUERN_OK;
}

static quern_status mvn_infer(const qn_infer *x, quern_error *err)
{
    mvn_state s;
    QN_TRY(mvn_fit(x->params, x->in[0], &s, err));
    return qn_infer_same(x, err);
}

/* Scratch: the sum (then the mean) and the sum of squares (the deviation) of each
 * group. */
static quern_status mvn_prepare(qn_prep *p, quern_error *err)
{
    mvn_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(mvn_fit(p->instr->params, p->instr->in[0], s, err));
    qn_prep_scratch(p, 2 * (size_t)s->groups * sizeof(double));
    return QUERN_OK;
}

/* Which group element k of x belongs to. */
static int64_t group_of(const mvn_state *s, const qn_tensor *x, int64_t k)
{
    int64_t group = 0;
    for (int d = x->rank - 1; d >= 0; d--) {
        group += k % x->dim[d] * s->pitch[d];
        k /= x->dim[d];
    }
    return group;
}

static double value_of(const qn_tensor *x, int64_t k)
{
    return x->dtype == QUERN_DOUBLE ? ((const double *)x->data)[k]
                                    : (double)((const float *)x->data)[k];
}

static quern_status mvn_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const mvn_state *s = i->state;
    const qn_tensor *in = i->in[0];
    double *mean = i->scratch, *deviation = mean + s->groups;
    int64_t n = qn_tensor_count(in);
    (void)x;
    (void)err;
    if (n == 0) return QUERN_OK;
    int64_t members = n / s->groups;
    double count = (double)members;
    for (int64_t g = 0; g < 2 * s->groups; g++)
        mean[g] = 0;
    for (int64_t k = 0; k < n; k++)
        mean[group_of(s, in, k)] += value_of(in, k) / count;
    for (int64_t k = 0; k < n; k++) {
        int64_t g = group_of(s, in, k);
        double off = value_of(in, k) - mean[g];
        deviation[g] += off * off / count;
    }
    for (int64_t g = 0; g < s->groups; g++)
        deviation[g] = sqrt(deviation[g]) + 1e-9;
    for (int64_t k = 0; k < n; k++) {
        int64_t g = group_of(s, in, k);
        double y = (value_of(in, k) - mean[g]) / deviation[g];
        if (in->dtype == QUERN_DOUBLE)
            ((double *)i->out[0]->data)[k] = y;
        else
            ((float *)i->out[0]->data)[k] = (float)y;
    }
    return QUERN_OK;
}

static const qn_attr lp_attrs[] = {QN_INT(lp_params, axis, -1), QN_INT(lp_params, p, 2),
                                   QN_ATTRS_END};
static const qn_attr mvn_attrs[] = {QN_INTS(mvn_params, axes), QN_ATTRS_END};

const qn_op qn_op_lp_normalization = {
    .name = "LpNormalization",
    .since = 22,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = lp_attrs,
    .params_size = sizeof(lp_params),
    .types = {QN_T_FLOATS},
    .check = lp_check,
    .infer = lp_infer,
    .grad = qn_grad_lp_norm,
    .run = lp_run,
};

const qn_op qn_op_mean_variance_normalization = {
    .name = "MeanVarianceNormalization",
    .since = 13,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = mvn_attrs,
    .params_size = sizeof(mvn_params),
    .types = {QN_T_FLOATS},
    .infer = mvn_infer,
    .prepare = mvn_prepare,
    .run = mvn_run,
};
