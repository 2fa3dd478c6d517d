/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_norm_grad.c - BatchNormTrain against its definition in double, and
 * BatchNormGrad against central differences, with every activation it can hold. */
#include "tests/op_slope.h"

#include "engine/ops/unary_grad.h"

#include <float.h>
#include <math.h>

static const struct {
    int rank;
    int64_t dim[5];
} shapes[] = {
    {4, {3, 5, 4, 3}}, {4, {2, 3, 1, 1}},    {2, {7, 4}},
    {3, {2, 2, 9}},    {5, {1, 2, 2, 3, 2}},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static void train_attrs(qn_node *node, const void *ctx)
{
    (void)ctx;
    qn_node_set_float(node, "epsilon", 0.125f, NULL);
}

/* X, scale and bias; X has a mean that is not 0. */
static qn_slope train(qn_test *t, int k)
{
    qn_slope s = {
        .name = "BatchNormTrain", .attrs = train_attrs, .n_in = 3, .n_out = 3};
    s.in[0] = qn_random_operand(t, shapes[k].rank, shapes[k].dim, 0.5, 2.5);
    s.in[1] = qn_random_operand(t, 1, shapes[k].dim + 1, 0.5, 1.5);
    s.in[2] = qn_random_operand(t, 1, shapes[k].dim + 1, -1, 1);
    return s;
}

static double element(const qn_op_case *c, int i, int64_t e)
{
    return qn_get_real(&c->out[i], e);
}

static void check_train(qn_test *t, const qn_slope *s, quern_dtype dtype, double eps)
{
    qn_op_case c;
    const qn_operand *x = &s->in[0];
    int64_t channels = x->dim[1], len = qn_operand_count(x) / x->dim[0] / channels;
    if (qn_slope_run(t, s, dtype, &c))
        for (int64_t k = 0; k < channels; k++) {
            double mean = 0, var = 0, m = (double)(x->dim[0] * len);
            for (int pass = 0; pass < 2; pass++)
                for (int64_t e = 0; e < x->dim[0] * len; e++) {
                    double v = x->v[(e / len * channels + k) * len + e % len];
                    *(pass ? &var : &mean) += (pass ? (v - mean) * (v - mean) : v) / m;
                }
            CHECK_WITHIN(t, element(&c, 1, k), mean, 4 * eps);
            CHECK_WITHIN(t, element(&c, 2, k), var, 8 * eps);
            for (int64_t e = 0; e < x->dim[0] * len; e++) {
                int64_t at = (e / len * channels + k) * len + e % len;
                double y = (x->v[at] - mean) / sqrt(var + 0.125) * s->in[1].v[k] +
                           s->in[2].v[k];
                CHECK_WITHIN(t, element(&c, 0, at), y, 40 * eps);
            }
        }
    qn_case_end(&c);
}

void test_batch_norm_train(qn_test *t)
{
    for (int k = 0; k < N_SHAPES; k++) {
        const qn_slope s = train(t, k);
        qn_note(t, "shape %d", k);
        check_train(t, &s, QUERN_DOUBLE, DBL_EPSILON);
        check_train(t, &s, QUERN_FLOAT, (double)FLT_EPSILON);
    }
}

/* A large mean costs the variance nothing: it is formed around the mean. */
void test_batch_norm_train_offset(qn_test *t)
{
    qn_op_case c;
    qn_slope s = train(t, 0);
    for (int64_t e = 0; e < qn_operand_count(&s.in[0]); e++)
        s.in[0].v[e] = 4096 + (double)(e % 4) / 8;
    if (qn_slope_run(t, &s, QUERN_FLOAT, &c))
        for (int64_t k = 0; k < 5; k++) {
            CHECK_WITHIN(t, element(&c, 1, k), 4096.1875, 1e-3);
            CHECK_WITHIN(t, element(&c, 2, k), 5.0 / 256, 1e-8);
        }
    qn_case_end(&c);
}

typedef struct grad_spec {
    int frozen;
    const char *act;
    float alpha, beta;
} grad_spec;

static void grad_attrs(qn_node *node, const void *ctx)
{
    const grad_spec *s = ctx;
    qn_node_set_float(node, "epsilon", 0.125f, NULL);
    qn_node_set_int(node, "frozen", s->frozen, NULL);
    qn_node_set_str(node, "act", s->act, NULL);
    qn_node_set_float(node, "alpha", s->alpha, NULL);
    qn_node_set_float(node, "beta", s->beta, NULL);
}

/* BatchNormGrad on what s was given and has computed. */
static qn_slope back_of(qn_test *t, const qn_slope *s, const grad_spec *spec)
{
    qn_op_case c;
    qn_slope back = {.name = "BatchNormGrad",
                     .attrs = grad_attrs,
                     .spec = spec,
                     .in = {[1] = s->in[0], [2] = s->in[1], [5] = s->in[2]},
                     .n_in = 6,
                     .n_out = 3};
    back.in[0] = qn_random_operand(t, s->in[0].rank, s->in[0].dim, -1, 1);
    if (qn_slope_run(t, s, QUERN_DOUBLE, &c)) {
        back.in[3] = spec->frozen ? s->in[3] : qn_slope_output(t, &c, 1);
        back.in[4] = spec->frozen ? s->in[4] : qn_slope_output(t, &c, 2);
    }
    qn_case_end(&c);
    return back;
}

void test_batch_norm_grad(qn_test *t)
{
    static const grad_spec plain = {0, "", 0, 0};
    for (int k = 0; k < N_SHAPES; k++) {
        const qn_slope s = train(t, k), back = back_of(t, &s, &plain);
        for (int i = 0; i < 3; i++) {
            qn_note(t, "shape %d, input %d", k, i);
            qn_check_slope(t, &s, i, &back.in[0], &back, i);
        }
    }
}

void test_batch_norm_grad_frozen(qn_test *t)
{
    static const grad_spec frozen = {1, "", 0, 0};
    for (int k = 0; k < N_SHAPES; k++) {
        qn_slope s = train(t, k);
        s.name = "BatchNormalization";
        s.in[3] = qn_random_operand(t, 1, shapes[k].dim + 1, 1, 2);
        s.in[4] = qn_random_operand(t, 1, shapes[k].dim + 1, 0.5, 2);
        s.n_in = 5;
        s.n_out = 1;
        const qn_slope back = back_of(t, &s, &frozen);
        for (int i = 0; i < 3; i++) {
            qn_note(t, "shape %d, input %d", k, i);
            qn_check_slope(t, &s, i, &back.in[0], &back, i);
        }
    }
}

/* The activation within is the activation in front of it. */
void test_batch_norm_grad_act(qn_test *t)
{
    static const grad_spec specs[] = {
        {0, "relu", 0, 0},          {0, "clip", -0.25f, 0.5f}, {0, "sigmoid", 0, 0},
        {0, "tanh", 0, 0},          {0, "hard_swish", 0, 0},   {0, "gelu", 0, 0},
        {0, "leaky_relu", 0.25, 0}, {0, "swish", 1, 0},        {1, "relu", 0, 0},
    };
    static const grad_spec bare[] = {{0, "", 0, 0}, {1, "", 0, 0}};
    for (size_t k = 0; k < sizeof specs / sizeof *specs; k++) {
        qn_op_case whole, part;
        qn_slope s = train(t, 0);
        s.in[3] = s.in[1];
        s.in[4] = s.in[1];
        if (specs[k].frozen) s.name = "BatchNormalization", s.n_in = 5, s.n_out = 1;
        qn_slope fused = back_of(t, &s, &specs[k]), apart = fused;
        const int op = qn_unary_grad_named(specs[k].act);
        int64_t n = qn_operand_count(&s.in[0]);
        const double p[2] = {(double)specs[k].alpha, (double)specs[k].beta};
        if (qn_slope_run(t, &s, QUERN_DOUBLE, &part)) {
            qn_operand y = qn_slope_output(t, &part, 0);
            const float p_f32[2] = {specs[k].alpha, specs[k].beta};
            apart.in[0] = qn_random_operand(t, y.rank, y.dim, 0, 0);
            if (qn_unary_grad_from_value((enum qn_unary_op)op))
                qn_unary((enum qn_unary_op)op, QN_E_F64)(y.v, y.v, n, p_f32);
            qn_unary_grad((enum qn_unary_op)op, QN_E_F64)(fused.in[0].v, y.v,
                                                          apart.in[0].v, n, p);
        }
        qn_case_end(&part);
        apart.spec = &bare[specs[k].frozen];
        qn_note(t, "%s", specs[k].act);
        bool ok = qn_slope_run(t, &fused, QUERN_DOUBLE, &whole);
        ok = qn_slope_run(t, &apart, QUERN_DOUBLE, &part) && ok;
        for (int i = 0; ok && i < 3; i++)
            for (int64_t e = 0; e < qn_tensor_count(&whole.out[i]); e++)
                CHECK_WITHIN(t, element(&whole, i, e), element(&part, i, e), 1e-12);
        qn_case_end(&whole);
        qn_case_end(&part);
    }
}
