/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_unary_grad.c - UnaryGrad: every function against central differences, and
 * what it does where the function has a corner or is no number. */
#include "tests/op_slope.h"

#include "engine/ops/unary_grad.h"

#include <math.h>
#include <string.h>

/* An operator, the kernel behind it, its attributes and where it is smooth. */
typedef struct spec {
    const char *op, *function;
    const char *attr[2];
    float p[2]; /* of the function */
    double lo, hi;
    const char *approximate;
} spec;

static const spec specs[] = {
    {"Relu", "relu", {0}, {0}, -2, 2, NULL},
    {"LeakyRelu", "leaky_relu", {"alpha"}, {0.125f}, -2, 2, NULL},
    {"Sigmoid", "sigmoid", {0}, {0}, -6, 6, NULL},
    {"HardSigmoid", "hard_sigmoid", {"alpha", "beta"}, {0.25f, 0.5f}, -4, 4, NULL},
    {"HardSwish", "hard_swish", {0}, {0}, -5, 5, NULL},
    {"Swish", "swish", {"alpha"}, {1.5f}, -6, 6, NULL},
    {"Tanh", "tanh", {0}, {0}, -4, 4, NULL},
    {"Gelu", "gelu", {0}, {0}, -4, 4, NULL},
    {"Gelu", "gelu_tanh", {0}, {0}, -4, 4, "tanh"},
    {"Erf", "erf", {0}, {0}, -3, 3, NULL},
    {"Elu", "elu", {"alpha"}, {0.75f}, -4, 4, NULL},
    {"Selu", "selu", {"alpha", "gamma"}, {1.5f, 1.25f}, -4, 4, NULL},
    {"Celu", "celu", {"alpha"}, {0.5f}, -2, 2, NULL},
    {"ThresholdedRelu", "thresholded_relu", {"alpha"}, {0.5f}, -2, 2, NULL},
    {"Shrink", "shrink", {"bias", "lambd"}, {0.25f, 0.5f}, -2, 2, NULL},
    {"Softplus", "softplus", {0}, {0}, -6, 6, NULL},
    {"Softsign", "softsign", {0}, {0}, -4, 4, NULL},
    {"Mish", "mish", {0}, {0}, -5, 24, NULL},
    {"Exp", "exp", {0}, {0}, -2, 2, NULL},
    {"Log", "log", {0}, {0}, 0.5, 4, NULL},
    {"Sqrt", "sqrt", {0}, {0}, 0.5, 4, NULL},
    {"Reciprocal", "reciprocal", {0}, {0}, 0.5, 4, NULL},
    {"Neg", "neg", {0}, {0}, -2, 2, NULL},
    {"Abs", "abs", {0}, {0}, -2, 2, NULL},
    {"Sin", "sin", {0}, {0}, -4, 4, NULL},
    {"Cos", "cos", {0}, {0}, -4, 4, NULL},
    {"Tan", "tan", {0}, {0}, -1, 1, NULL},
    {"Asin", "asin", {0}, {0}, -0.9, 0.9, NULL},
    {"Acos", "acos", {0}, {0}, -0.9, 0.9, NULL},
    {"Atan", "atan", {0}, {0}, -4, 4, NULL},
    {"Sinh", "sinh", {0}, {0}, -2, 2, NULL},
    {"Cosh", "cosh", {0}, {0}, -2, 2, NULL},
    {"Asinh", "asinh", {0}, {0}, -4, 4, NULL},
    {"Acosh", "acosh", {0}, {0}, 1.5, 4, NULL},
    {"Atanh", "atanh", {0}, {0}, -0.9, 0.9, NULL},
};

static void forward_attrs(qn_node *node, const void *ctx)
{
    const spec *s = ctx;
    for (int i = 0; i < 2; i++)
        if (s->attr[i]) qn_node_set_float(node, s->attr[i], s->p[i], NULL);
    if (s->approximate) qn_node_set_str(node, "approximate", s->approximate, NULL);
}

static void back_attrs(qn_node *node, const void *ctx)
{
    const spec *s = ctx;
    qn_node_set_str(node, "function", s->function, NULL);
    qn_node_set_float(node, "alpha", s->p[0], NULL);
    qn_node_set_float(node, "beta", s->p[1], NULL);
}

/* s.in: X and what else the operator takes; the same stands behind dY and X or Y. */
static void check_function(qn_test *t, qn_slope *s)
{
    qn_op_case c;
    const spec *what = s->spec;
    qn_operand mix = qn_random_operand(t, s->in[0].rank, s->in[0].dim, -1, 1);
    qn_slope back = {"UnaryGrad", back_attrs, what, {mix, s->in[0]}, 1 + s->n_in, 1};
    for (int i = 1; i < s->n_in; i++)
        back.in[1 + i] = s->in[i];
    if (qn_slope_run(t, s, QUERN_DOUBLE, &c) &&
        qn_unary_grad_from_value((enum qn_unary_op)qn_unary_grad_named(what->function)))
        back.in[1] = qn_slope_output(t, &c, 0);
    qn_case_end(&c);
    qn_note(t, "%s", what->function);
    qn_check_slope(t, s, 0, &mix, &back, 0);
}

void test_unary_grad(qn_test *t)
{
    for (size_t k = 0; k < sizeof specs / sizeof *specs; k++) {
        const spec *what = &specs[k];
        qn_slope s = {.name = what->op, .attrs = forward_attrs, .spec = what};
        s.in[0] = qn_random_operand(t, 2, (int64_t[]){3, 19}, what->lo, what->hi);
        s.n_in = 1;
        check_function(t, &s);
    }
}

void test_unary_grad_clip(qn_test *t)
{
    static const spec clip = {.op = "Clip", .function = "clip"};
    double limits[2] = {-0.3, 0.7};
    for (int which = 0; which < 4; which++) {
        qn_slope s = {.name = "Clip", .spec = &clip, .n_in = 3};
        s.in[0] = qn_random_operand(t, 1, (int64_t[]){41}, -1, 1);
        if (which & 1) s.in[1].v = &limits[0];
        if (which & 2) s.in[2].v = &limits[1];
        check_function(t, &s);
    }
}

/* A second part of dY is added, over more than one chunk. */
void test_unary_grad_sum(qn_test *t)
{
    static const spec tanh_spec = {.op = "Tanh", .function = "tanh"};
    const int64_t n = 2500;
    qn_operand x = qn_random_operand(t, 1, &n, -1, 1);
    qn_slope whole = {"UnaryGrad", back_attrs, &tanh_spec, {[1] = x}, 5, 1};
    for (int k = 0; k < 5; k += 4)
        whole.in[k] = qn_random_operand(t, 1, &n, -1, 1);
    for (int dtype = 0; dtype < 2; dtype++) {
        qn_op_case c;
        const double eps = dtype ? 1e-15 : 1e-6;
        if (qn_slope_run(t, &whole, dtype ? QUERN_DOUBLE : QUERN_FLOAT, &c))
            for (int64_t e = 0; e < n; e++) {
                const double d = whole.in[0].v[e] + whole.in[4].v[e];
                CHECK_WITHIN(t, qn_get_real(&c.out[0], e), d * (1 - x.v[e] * x.v[e]),
                             eps);
            }
        qn_case_end(&c);
    }
}

/* Every function has a case above, so that a new one is not forgotten. */
void test_unary_grad_is_complete(qn_test *t)
{
#define X(name)                                                   \
    {                                                             \
        bool found = strcmp(#name, "clip") == 0;                  \
        for (size_t k = 0; k < sizeof specs / sizeof *specs; k++) \
            found = found || !strcmp(specs[k].function, #name);   \
        qn_note(t, #name);                                        \
        CHECK(t, found);                                          \
    }
    QN_UNARY_GRAD_MAP(X)
#undef X
}

/* Rows of the slot give the same bits, over odd lengths and hard numbers. */
void test_unary_grad_rows(qn_test *t)
{
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    const double p[2] = {0.25, 0.75};
    enum { N = 61 };
    float want[N], got[N];
    const float *d = qn_random_floats(t, N), *v = qn_hard_floats(t, N);
    for (int op = 0; op < QN_UNARY_COUNT; op++) {
        if (!qn_unary_grad((enum qn_unary_op)op, QN_E_F32)) continue;
        qn_unary_grad((enum qn_unary_op)op, QN_E_F32)(d, v, want, N, p);
        for (int r = 0; r < n_rows; r++) {
            if (strcmp(rows[r].slot, "unary_grad_f32") != 0) continue;
            if ((qn_cpu_isa() & rows[r].need) != rows[r].need) continue;
            qn_note(t, "%s, function %d", rows[r].name, op);
            ((qn_unary_grad_f32_fn *)rows[r].fn)(op, d, v, got, N, p);
            for (int i = 0; i < N; i++)
                CHECK_WITHIN(t, (double)got[i], (double)want[i], 0);
        }
    }
}

/* At corners one of the two slopes; a NaN passes on. */
void test_unary_grad_corners(qn_test *t)
{
    static const struct {
        enum qn_unary_op op;
        double v, want;
    } corners[] = {
        {QN_UNARY_relu, 0, 0},      {QN_UNARY_relu, -0.0, 0},
        {QN_UNARY_clip, 0, 0},      {QN_UNARY_clip, 6, 0},
        {QN_UNARY_clip, 3, 2},      {QN_UNARY_abs, 0, 0},
        {QN_UNARY_relu, NAN, 2},    {QN_UNARY_tanh, 1, 0},
        {QN_UNARY_sigmoid, 1, 0},   {QN_UNARY_mish, 1e30, 2},
        {QN_UNARY_mish, -1e30, 0},  {QN_UNARY_softplus, 1e30, 2},
        {QN_UNARY_swish, -1e30, 0},
    };
    const double p[2] = {0, 6}, swish[2] = {1, 0};
    for (size_t k = 0; k < sizeof corners / sizeof *corners; k++) {
        double d = 2, dx;
        float d_f32 = 2, v_f32 = (float)corners[k].v, dx_f32;
        const double *with = corners[k].op == QN_UNARY_swish ? swish : p;
        qn_unary_grad(corners[k].op, QN_E_F64)(&d, &corners[k].v, &dx, 1, with);
        qn_unary_grad(corners[k].op, QN_E_F32)(&d_f32, &v_f32, &dx_f32, 1, with);
        qn_note(t, "corner %d", (int)k);
        CHECK_WITHIN(t, dx, corners[k].want, 1e-12);
        CHECK_WITHIN(t, (double)dx_f32, corners[k].want, 1e-6);
    }
}
