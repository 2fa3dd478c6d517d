/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/unary.c - Y = f(X) element by element, one row of UNARY_MAP an operator.
 *
 * Float attributes land in two parameters of the kernel (kernels/elementwise.h says
 * which is which).  Sources: the ONNX operators of these names, in the versions given.
 */
#include "engine/broadcast.h"
#include "engine/ops/unary_grad.h"
#include "engine/rows8c.h"

#include <string.h>

typedef struct unary_params {
    float a, b;
    const char *approximate; /* of Gelu */
} unary_params;

#define PARAM(attr, field, x)                                                          \
    {                                                                                  \
        attr, .kind = QN_ATTR_FLOAT, .offset = offsetof(unary_params, field), .f = (x) \
    }
static const qn_attr no_attrs[] = {QN_ATTRS_END};
static const qn_attr alpha_1[] = {PARAM("alpha", a, 1.0f), QN_ATTRS_END};
static const qn_attr alpha_leaky[] = {PARAM("alpha", a, 0.01f), QN_ATTRS_END};
static const qn_attr hard_sigmoid_attrs[] = {
    PARAM("alpha", a, 0.2f),
    PARAM("beta", b, 0.5f),
    QN_ATTRS_END,
};
static const qn_attr selu_attrs[] = {
    PARAM("alpha", a, 1.67326319217681884765625f),
    PARAM("gamma", b, 1.05070102214813232421875f),
    QN_ATTRS_END,
};
static const qn_attr shrink_attrs[] = {
    PARAM("bias", a, 0.0f),
    PARAM("lambd", b, 0.5f),
    QN_ATTRS_END,
};
static const qn_attr gelu_attrs[] = {
    QN_STR(unary_params, approximate, "none"),
    QN_ATTRS_END,
};

/* Version 1 of many rows had a hint for in-place work; Selu-1 had rounder numbers. */
static quern_status unary_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    qn_node_drop_attr(node, "consumed_inputs");
    if (node->opset >= 6 || strcmp(node->op_type, "Selu") != 0) return QUERN_OK;
    qn_attr_value alpha = {.name = "alpha", .kind = QN_ATTR_FLOAT, .f = 1.6732f};
    qn_attr_value gamma = {.name = "gamma", .kind = QN_ATTR_FLOAT, .f = 1.0507f};
    if (!qn_node_attr(node, "alpha")) QN_TRY(qn_node_set_attr(node, &alpha, err));
    if (!qn_node_attr(node, "gamma")) QN_TRY(qn_node_set_attr(node, &gamma, err));
    return QUERN_OK;
}

typedef struct unary_state {
    qn_unary_fn *fn;
    qn_unary_f32_fn *fast; /* for float32 */
    int op;
} unary_state;

static quern_status unary_prepare(qn_prep *p, enum qn_unary_op op, quern_error *err)
{
    void *state;
    QN_TRY(qn_prep_state(p, sizeof(unary_state), &state, err));
    quern_dtype dtype = p->instr->in[0]->dtype;
    unary_state *s = state;
    s->fn = qn_unary(op, (enum qn_elem)dtype);
    s->fast = dtype == QUERN_FLOAT ? p->k->unary_f32 : NULL;
    s->op = op;
    if (!s->fn)
        return qn_fail(err, QUERN_UNSUPPORTED, "no kernel for %s",
                       quern_dtype_name(dtype));
    return QUERN_OK;
}

typedef struct unary_job {
    const unary_state *s;
    const char *x;
    char *y;
    size_t size; /* bytes of an element */
    float p[2];
} unary_job;

static void unary_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const unary_job *job = ctx;
    (void)worker;
    size_t at = (size_t)begin * job->size;
    const void *x = job->x + at;
    void *y = job->y + at;
    if (job->s->fast)
        job->s->fast(job->s->op, x, y, end - begin, job->p);
    else
        job->s->fn(x, y, end - begin, job->p);
}

typedef struct unary_rows {
    unary_job job;
    qn_plane8c x, y;
} unary_rows;

/* Item: a row of a blocked tensor. */
static void unary_row(void *ctx, int64_t begin, int64_t end, int worker)
{
    const unary_rows *r = ctx;
    for (int64_t t = begin; t < end; t++) {
        unary_job job = r->job;
        job.x = (const char *)qn_row8c(&r->x, t);
        job.y = (char *)qn_row8c(&r->y, t);
        unary_block(&job, 0, r->x.w * QN_BLOCK8, worker);
    }
}

static quern_status unary_blocked(const qn_instr *i, const qn_exec *x)
{
    const unary_params *p = i->params;
    unary_rows r = {.job = {.s = i->state, .size = sizeof(float), .p = {p->a, p->b}},
                    .x = qn_tensor_plane(i->in[0]),
                    .y = qn_tensor_plane(i->out[0])};
    qn_parallel_for(x->pool, qn_n_rows8c(&r.x, i->in[0]->dim[0]), qn_row8c_grain(&r.x),
                    unary_row, &r);
    return QUERN_OK;
}

static quern_status unary_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const unary_params *p = i->params;
    if (!i->out[0]) return QUERN_OK;
    if (i->is_blocked) return unary_blocked(i, x);
    unary_job job = {i->state,
                     i->in[0]->data,
                     i->out[0]->data,
                     qn_dtype_size(i->in[0]->dtype),
                     {p->a, p->b}};
    int64_t n = qn_tensor_count(i->in[0]);
    qn_parallel_for(n > 2 * QN_BLOCK ? x->pool : NULL, n, QN_BLOCK, unary_block, &job);
    return QUERN_OK;
}

static quern_status gelu_check(const qn_node *node, quern_error *err)
{
    const unary_params *p = node->params;
    if (strcmp(p->approximate, "none") == 0 || strcmp(p->approximate, "tanh") == 0)
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "approximate is '%s', not none or tanh",
                   p->approximate);
}

static enum qn_unary_op gelu_of(const unary_params *p)
{
    return strcmp(p->approximate, "tanh") == 0 ? QN_UNARY_gelu_tanh : QN_UNARY_gelu;
}

static quern_status gelu_prepare(qn_prep *p, quern_error *err)
{
    return unary_prepare(p, gelu_of(p->instr->params), err);
}

static quern_status unary_grad(qn_grad *g, const qn_node *node, enum qn_unary_op op,
                               quern_error *err)
{
    const unary_params *p = node->params;
    return qn_grad_unary(g, node, op, p->a, p->b, err);
}

static quern_status gelu_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    return unary_grad(g, node, gelu_of(node->params), err);
}

#define RELU_TYPES (QN_T_FLOATS | QN_T_SIGNED)

/* clang-format off */
/*  row, name, version, kernel, element types, attributes */
#define UNARY_MAP(X)                                                                   \
    X(abs, "Abs", 13, abs, QN_T_NUMBERS, no_attrs)                                     \
    X(neg, "Neg", 13, neg, RELU_TYPES, no_attrs)                                       \
    X(sign, "Sign", 13, sign, QN_T_NUMBERS, no_attrs)                                  \
    X(ceil, "Ceil", 13, ceil, QN_T_FLOATS, no_attrs)                                   \
    X(floor, "Floor", 13, floor, QN_T_FLOATS, no_attrs)                                \
    X(round, "Round", 22, round, QN_T_FLOATS, no_attrs)                                \
    X(sqrt, "Sqrt", 13, sqrt, QN_T_FLOATS, no_attrs)                                   \
    X(reciprocal, "Reciprocal", 13, reciprocal, QN_T_FLOATS, no_attrs)                 \
    X(exp, "Exp", 13, exp, QN_T_FLOATS, no_attrs)                                      \
    X(log, "Log", 13, log, QN_T_FLOATS, no_attrs)                                      \
    X(erf, "Erf", 13, erf, QN_T_FLOATS, no_attrs)                                      \
    X(sin, "Sin", 22, sin, QN_T_FLOATS, no_attrs)                                      \
    X(cos, "Cos", 22, cos, QN_T_FLOATS, no_attrs)                                      \
    X(tan, "Tan", 22, tan, QN_T_FLOATS, no_attrs)                                      \
    X(asin, "Asin", 22, asin, QN_T_FLOATS, no_attrs)                                   \
    X(acos, "Acos", 22, acos, QN_T_FLOATS, no_attrs)                                   \
    X(atan, "Atan", 22, atan, QN_T_FLOATS, no_attrs)                                   \
    X(sinh, "Sinh", 22, sinh, QN_T_FLOATS, no_attrs)                                   \
    X(cosh, "Cosh", 22, cosh, QN_T_FLOATS, no_attrs)                                   \
    X(tanh, "Tanh", 13, tanh, QN_T_FLOATS, no_attrs)                                   \
    X(asinh, "Asinh", 22, asinh, QN_T_FLOATS, no_attrs)                                \
    X(acosh, "Acosh", 22, acosh, QN_T_FLOATS, no_attrs)                                \
    X(atanh, "Atanh", 22, atanh, QN_T_FLOATS, no_attrs)                                \
    X(relu, "Relu", 14, relu, RELU_TYPES, no_attrs)                                    \
    X(leaky_relu, "LeakyRelu", 16, leaky_relu, QN_T_FLOATS, alpha_leaky)               \
    X(elu, "Elu", 22, elu, QN_T_FLOATS, alpha_1)                                       \
    X(selu, "Selu", 22, selu, QN_T_FLOATS, selu_attrs)                                 \
    X(celu, "Celu", 28, celu, QN_T_FLOATS, alpha_1)                                    \
    X(thresholded_relu, "ThresholdedRelu", 22, thresholded_relu, QN_T_FLOATS, alpha_1) \
    X(sigmoid, "Sigmoid", 13, sigmoid, QN_T_FLOATS, no_attrs)                          \
    X(hard_sigmoid, "HardSigmoid", 22, hard_sigmoid, QN_T_FLOATS, hard_sigmoid_attrs)  \
    X(hard_swish, "HardSwish", 22, hard_swish, QN_T_FLOATS, no_attrs)                  \
    X(softplus, "Softplus", 22, softplus, QN_T_FLOATS, no_attrs)                       \
    X(softsign, "Softsign", 22, softsign, QN_T_FLOATS, no_attrs)                       \
    X(swish, "Swish", 24, swish, QN_T_FLOATS, alpha_1)                                 \
    X(mish, "Mish", 22, mish, QN_T_FLOATS, no_attrs)                                   \
    X(shrink, "Shrink", 9, shrink, QN_T_NUMBERS, shrink_attrs)                         \
    X(not, "Not", 1, not, QN_T_BOOL, no_attrs)                                         \
    X(bitwise_not, "BitwiseNot", 18, bit_not, QN_T_INTS, no_attrs)
/* clang-format on */

#define X(row, text, version, kernel, dtypes, attributes)                             \
    static quern_status row##_prepare(qn_prep *p, quern_error *err)                   \
    {                                                                                 \
        return unary_prepare(p, QN_UNARY_##kernel, err);                              \
    }                                                                                 \
    static quern_status row##_grad(qn_grad *g, const qn_node *node, quern_error *err) \
    {                                                                                 \
        return unary_grad(g, node, QN_UNARY_##kernel, err);                           \
    }
UNARY_MAP(X)
#undef X

#define UNARY_COMMON                                                                   \
    .min_in = 1, .max_in = 1, .flags = QN_OP_INPLACE | QN_OP_HALF_AS_F32,              \
    .params_size = sizeof(unary_params), .lower = unary_lower, .infer = qn_infer_same, \
    .blocked = qn_blocked_unary, .run = unary_run

#define X(row, text, version, kernel, dtypes, attributes) \
    const qn_op qn_op_##row = {                           \
        .name = text,                                     \
        .since = version,                                 \
        .types = {dtypes},                                \
        .attrs = attributes,                              \
        .prepare = row##_prepare,                         \
        .grad = row##_grad,                               \
        UNARY_COMMON,                                     \
    };
UNARY_MAP(X)
#undef X

const qn_op qn_op_gelu = {
    .name = "Gelu",
    .since = 20,
    .types = {QN_T_FLOATS},
    .attrs = gelu_attrs,
    .check = gelu_check,
    .prepare = gelu_prepare,
    .grad = gelu_grad,
    UNARY_COMMON,
};
