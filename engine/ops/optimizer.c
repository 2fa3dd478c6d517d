/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/optimizer.c - one training step for any number of tensors: Adagrad, Adam
 * and Momentum; ai.onnx.preview.training-1.  Inputs are the rate R, the step count T,
 * then all X, all gradients, and one or two groups of state; outputs are the new X and
 * states in the same order. */
#include "engine/op.h"
#include "kernels/loss.h"

#include <math.h>
#include <string.h>

typedef struct optimizer_params {
    float norm_coefficient, norm_coefficient_post, decay_factor, epsilon, alpha, beta;
    const char *mode;
} optimizer_params;

static const qn_attr adagrad_attrs[] = {QN_FLOAT(optimizer_params, norm_coefficient, 0),
                                        QN_FLOAT(optimizer_params, decay_factor, 0),
                                        QN_FLOAT(optimizer_params, epsilon, 1e-6f),
                                        QN_ATTRS_END};
static const qn_attr adam_attrs[] = {
    QN_FLOAT(optimizer_params, norm_coefficient, 0),
    QN_FLOAT(optimizer_params, norm_coefficient_post, 0),
    QN_FLOAT(optimizer_params, epsilon, 1e-6f),
    QN_FLOAT(optimizer_params, alpha, 0.9f),
    QN_FLOAT(optimizer_params, beta, 0.999f),
    QN_ATTRS_END};
static const qn_attr momentum_attrs[] = {
    QN_REQUIRED(optimizer_params, norm_coefficient, QN_ATTR_FLOAT),
    QN_REQUIRED(optimizer_params, alpha, QN_ATTR_FLOAT),
    QN_REQUIRED(optimizer_params, beta, QN_ATTR_FLOAT),
    QN_REQUIRED(optimizer_params, mode, QN_ATTR_STRING), QN_ATTRS_END};

/* groups: tensors per optimized one among the inputs; one less of them are outputs. */
static quern_status optimizer_infer(const qn_infer *x, int groups, quern_error *err)
{
    const int n = (x->n_in - 2) / groups;
    if ((x->n_in - 2) % groups != 0 || x->n_out != n * (groups - 1))
        return qn_fail(err, QUERN_INVALID,
                       "%d inputs and %d outputs are no groups of %d", x->n_in,
                       x->n_out, groups);
    for (int k = 0; k < x->n_in; k++) {
        const qn_tensor *t = x->in[k], *like = k < 2 ? NULL : x->in[2 + (k - 2) % n];
        if (!t) return qn_fail(err, QUERN_INVALID, "input %d is absent", k);
        if (!like && qn_tensor_count(t) != 1)
            return qn_fail(err, QUERN_SHAPE, "input %d is %s, not one number", k,
                           QN_SHAPE(t));
        if (like && (!qn_same_shape(t, like) || t->dtype != like->dtype))
            return qn_fail(err, QUERN_SHAPE, "input %d is %s %s, its X is %s %s", k,
                           quern_dtype_name(t->dtype), QN_SHAPE(t),
                           quern_dtype_name(like->dtype), QN_SHAPE(like));
    }
    for (int k = 0; k < x->n_out; k++)
        if (x->out[k]) {
            x->out[k]->dtype = x->in[2 + k % n]->dtype;
            qn_copy_shape(x->out[k], x->in[2 + k % n]);
        }
    return QUERN_OK;
}

/* The tensors of one X: x, g, v, h -> new x, new v, new h. */
typedef struct optimizer_set {
    int64_t n;
    bool f32;
    const void *in[4];
    void *out[3];
} optimizer_set;

static quern_status find_set(const qn_instr *i, int k, int groups, optimizer_set *set,
                             quern_error *err)
{
    const int n = (i->n_in - 2) / groups;
    *set = (optimizer_set){.n = qn_tensor_count(i->in[2 + k]),
                           .f32 = i->in[2 + k]->dtype == QUERN_FLOAT};
    for (int g = 0; g < groups; g++)
        set->in[g] = i->in[2 + g * n + k]->data;
    for (int g = 0; g < groups - 1; g++) {
        if (!i->out[g * n + k])
            return qn_fail(err, QUERN_INVALID, "output %d is absent", g * n + k);
        set->out[g] = i->out[g * n + k]->data;
    }
    return QUERN_OK;
}

static quern_status adagrad_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const optimizer_params *p = i->params;
    const double rate = qn_get_real(i->in[0], 0), t = qn_get_real(i->in[1], 0);
    const qn_adagrad step = {.rate = rate / (1 + t * (double)p->decay_factor),
                             .epsilon = p->epsilon,
                             .decay = p->norm_coefficient};
    for (int k = 0; k < (i->n_in - 2) / 3; k++) {
        optimizer_set s;
        QN_TRY(find_set(i, k, 3, &s, err));
        if (s.f32)
            qn_adagrad_f32(&step, s.n, s.in[0], s.in[1], s.in[2], s.out[0], s.out[1]);
        else
            qn_adagrad_f64(&step, s.n, s.in[0], s.in[1], s.in[2], s.out[0], s.out[1]);
    }
    return QUERN_OK;
}

static quern_status adam_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const optimizer_params *p = i->params;
    const double t = qn_get_real(i->in[1], 0), alpha = p->alpha, beta = p->beta;
    const double fix = t > 0 ? sqrt(1 - pow(beta, t)) / (1 - pow(alpha, t)) : 1;
    const qn_adam step = {.rate = qn_get_real(i->in[0], 0) * fix,
                          .epsilon = p->epsilon,
                          .alpha = alpha,
                          .beta = beta,
                          .decay = p->norm_coefficient,
                          .decay_post = p->norm_coefficient_post};
    for (int k = 0; k < (i->n_in - 2) / 4; k++) {
        optimizer_set s;
        QN_TRY(find_set(i, k, 4, &s, err));
        if (s.f32)
            qn_adam_f32(&step, s.n, s.in[0], s.in[1], s.in[2], s.in[3], s.out[0],
                        s.out[1], s.out[2]);
        else
            qn_adam_f64(&step, s.n, s.in[0], s.in[1], s.in[2], s.in[3], s.out[0],
                        s.out[1], s.out[2]);
    }
    return QUERN_OK;
}

static quern_status momentum_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const optimizer_params *p = i->params;
    const bool first = qn_get_real(i->in[1], 0) <= 0;
    const qn_momentum step = {.rate = qn_get_real(i->in[0], 0),
                              .alpha = p->alpha,
                              .beta = first ? 1 : p->beta,
                              .decay = p->norm_coefficient,
                              .nesterov = strcmp(p->mode, "nesterov") == 0};
    for (int k = 0; k < (i->n_in - 2) / 3; k++) {
        optimizer_set s;
        QN_TRY(find_set(i, k, 3, &s, err));
        if (s.f32)
            qn_momentum_f32(&step, s.n, s.in[0], s.in[1], s.in[2], s.out[0], s.out[1]);
        else
            qn_momentum_f64(&step, s.n, s.in[0], s.in[1], s.in[2], s.out[0], s.out[1]);
    }
    return QUERN_OK;
}

static quern_status momentum_check(const qn_node *node, quern_error *err)
{
    const optimizer_params *p = node->params;
    if (strcmp(p->mode, "nesterov") != 0 && strcmp(p->mode, "standard") != 0)
        return qn_fail(err, QUERN_INVALID, "mode is \"%s\"", p->mode);
    return QUERN_OK;
}

static quern_status infer_three(const qn_infer *x, quern_error *err)
{
    return optimizer_infer(x, 3, err);
}

static quern_status infer_four(const qn_infer *x, quern_error *err)
{
    return optimizer_infer(x, 4, err);
}

static quern_dtype optimizer_dtype(const qn_node *node, int i)
{
    const int groups = node->n_out * 3 == (node->n_in - 2) * 2 ? 3 : 4;
    const int n = (node->n_in - 2) / groups;
    return n > 0 && node->in[2 + i % n] ? node->in[2 + i % n]->dtype : QUERN_UNDEFINED;
}

#define T_REAL (QN_T_F32 | QN_T_F64)

/* clang-format off */
const qn_op qn_op_adagrad = {
    .name = "Adagrad", .domain = "ai.onnx.preview.training", .since = 1,
    .min_in = 5, .max_in = -1, .min_out = 2, .max_out = -1,
    .attrs = adagrad_attrs, .params_size = sizeof(optimizer_params),
    .types = {T_REAL, QN_T_I64, T_REAL}, .out_dtype = optimizer_dtype,
    .infer = infer_three, .run = adagrad_run,
};
const qn_op qn_op_adam = {
    .name = "Adam", .domain = "ai.onnx.preview.training", .since = 1,
    .min_in = 6, .max_in = -1, .min_out = 3, .max_out = -1,
    .attrs = adam_attrs, .params_size = sizeof(optimizer_params),
    .types = {T_REAL, QN_T_I64, T_REAL}, .out_dtype = optimizer_dtype,
    .infer = infer_four, .run = adam_run,
};
const qn_op qn_op_momentum = {
    .name = "Momentum", .domain = "ai.onnx.preview.training", .since = 1,
    .min_in = 5, .max_in = -1, .min_out = 2, .max_out = -1,
    .attrs = momentum_attrs, .params_size = sizeof(optimizer_params),
    .types = {T_REAL, QN_T_I64, T_REAL}, .out_dtype = optimizer_dtype,
    .check = momentum_check, .infer = infer_three, .run = momentum_run,
};
/* clang-format on */
