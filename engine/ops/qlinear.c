/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/qlinear.c - QLinearAdd, QLinearMul, QLinearSigmoid and QLinearLeakyRelu of
 * domain com.microsoft, version 1: the operator on real numbers between a
 * dequantisation of 8-bit operands and a quantisation, all with one scale for the
 * tensor.
 *
 * Inputs are groups of three, value, scale and zero point; the last group, of the
 * output, has no value.  A zero point may be absent: 0. */
#include "engine/broadcast.h"
#include "engine/op.h"
#include "kernels/elementwise.h"
#include "kernels/quantize.h"

typedef struct qlinear_params {
    float alpha;
} qlinear_params;

typedef struct qlinear_state {
    qn_bcast plan;
    qn_binary_fn *binary; /* or */
    int unary;
    int n_in; /* operands: 1 or 2 */
} qlinear_state;

static const qn_tensor *input(const qn_instr *i, int k)
{
    return k < i->n_in ? i->in[k] : NULL;
}

static quern_status one_element(const qn_instr *i, int k, quern_error *err)
{
    const qn_tensor *t = input(i, k);
    if (!t || qn_tensor_count(t) == 1) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "input %d is %s, takes one element", k,
                   QN_SHAPE(t));
}

static quern_status qlinear_prepare(qn_prep *p, int n_in, quern_error *err)
{
    void *room;
    const qn_instr *i = p->instr;
    for (int k = 0; k < 3 * n_in + 2; k++)
        if (k == 3 * n_in || k % 3 != 0 || k > 3 * n_in) QN_TRY(one_element(i, k, err));
    if (n_in == 2 && i->in[0]->dtype != i->in[3]->dtype)
        return qn_fail(err, QUERN_SHAPE, "A is %s but B is %s",
                       quern_dtype_name(i->in[0]->dtype),
                       quern_dtype_name(i->in[3]->dtype));
    QN_TRY(qn_prep_state(p, sizeof(qlinear_state), &room, err));
    qlinear_state *s = room;
    const qn_tensor *operand[2] = {i->in[0], input(i, 3)};
    s->n_in = n_in;
    if (i->out[0]) qn_bcast_plan(&s->plan, i->out[0], n_in, operand);
    return QUERN_OK;
}

static quern_status binary_infer(const qn_infer *x, quern_error *err)
{
    qn_tensor shape = *x->in[0];
    QN_TRY(qn_broadcast_shape(&shape, x->in[3], err));
    if (x->out[0]) qn_copy_shape(x->out[0], &shape);
    return QUERN_OK;
}

/* ---- run ---- */

enum { BLOCK = 256 };

typedef struct qlinear_job {
    const qlinear_state *s;
    const char *in[2];
    char *y;
    enum qn_elem type;
    float scale[3], zero[3]; /* of the operands, then of the output */
    float least, most, p[2];
    const qn_kernels *k;
} qlinear_job;

static void qlinear_row(void *ctx, const int64_t *in, int64_t out, int64_t n)
{
    const qlinear_job *job = ctx;
    const qlinear_state *s = job->s;
    float raw[BLOCK], x[2][BLOCK], y[BLOCK];
    const qn_quant result = {&job->scale[2], &job->zero[2], 0, job->least, job->most};
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        for (int k = 0; k < s->n_in; k++) {
            int64_t stride = qn_bcast_stride(&s->plan, k);
            const qn_quant q = {&job->scale[k], &job->zero[k], 0, 0, 0};
            qn_convert(job->in[k] + in[k] + i * stride, job->type, raw, QN_E_F32,
                       stride ? m : 1, 0);
            qn_dequantize_f32(raw, &q, x[k], stride ? m : 1);
        }
        if (s->binary)
            s->binary(x[0], qn_bcast_stride(&s->plan, 0), x[1],
                      qn_bcast_stride(&s->plan, 1), y, m);
        else
            job->k->unary_f32(s->unary, x[0], y, m, job->p);
        qn_quantize_f32(y, &result, raw, m);
        qn_convert(raw, QN_E_F32, job->y + out + i, job->type, m, 0);
    }
}

static quern_status qlinear_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const qlinear_state *s = i->state;
    const qlinear_params *p = i->params;
    if (!i->out[0]) return QUERN_OK;
    bool is_signed = i->in[0]->dtype == QUERN_INT8;
    qlinear_job job = {.s = s,
                       .y = i->out[0]->data,
                       .type = (enum qn_elem)i->in[0]->dtype,
                       .least = is_signed ? INT8_MIN : 0,
                       .most = is_signed ? INT8_MAX : UINT8_MAX,
                       .p = {p->alpha, 0},
                       .k = x->k};
    for (int k = 0; k <= s->n_in; k++) {
        int at = 3 * k + (k < s->n_in), to = k < s->n_in ? k : 2;
        const qn_tensor *zero = input(i, at + 1);
        job.scale[to] = (float)qn_get_real(i->in[at], 0);
        job.zero[to] = zero ? (float)qn_get_real(zero, 0) : 0;
        if (k < s->n_in) job.in[k] = i->in[3 * k]->data;
    }
    qn_bcast_run(&s->plan, x->pool, qlinear_row, &job);
    return QUERN_OK;
}

/* ---- rows ---- */

static quern_status add_prepare(qn_prep *p, quern_error *err)
{
    QN_TRY(qlinear_prepare(p, 2, err));
    ((qlinear_state *)p->instr->state)->binary = qn_binary(QN_BINARY_add, QN_E_F32);
    return QUERN_OK;
}

static quern_status mul_prepare(qn_prep *p, quern_error *err)
{
    QN_TRY(qlinear_prepare(p, 2, err));
    ((qlinear_state *)p->instr->state)->binary = qn_binary(QN_BINARY_mul, QN_E_F32);
    return QUERN_OK;
}

static quern_status sigmoid_prepare(qn_prep *p, quern_error *err)
{
    QN_TRY(qlinear_prepare(p, 1, err));
    ((qlinear_state *)p->instr->state)->unary = QN_UNARY_sigmoid;
    return QUERN_OK;
}

static quern_status leaky_prepare(qn_prep *p, quern_error *err)
{
    QN_TRY(qlinear_prepare(p, 1, err));
    ((qlinear_state *)p->instr->state)->unary = QN_UNARY_leaky_relu;
    return QUERN_OK;
}

/* Of the inputs only the zero points may be absent, the last of them at the end. */
static quern_status check_inputs(const qn_node *node, int n, quern_error *err)
{
    for (int k = 0; k < n; k++)
        if (k >= node->n_in || (!node->in[k] && k != 2 && k != 5))
            return qn_fail(err, QUERN_INVALID, "input %d of %d is absent", k, n);
    return QUERN_OK;
}

static quern_status binary_check(const qn_node *node, quern_error *err)
{
    return check_inputs(node, 7, err);
}

static quern_status unary_check(const qn_node *node, quern_error *err)
{
    return check_inputs(node, 4, err);
}

static const qn_attr qlinear_attrs[] = {
    QN_FLOAT(qlinear_params, alpha, 0.01f),
    QN_ATTRS_END,
};

#define Q8 (QN_BIT(QUERN_INT8) | QN_BIT(QUERN_UINT8))
#define QLINEAR_COMMON                                             \
    .domain = "com.microsoft", .since = 1, .attrs = qlinear_attrs, \
    .params_size = sizeof(qlinear_params), .run = qlinear_run

const qn_op qn_op_qlinear_add = {
    .name = "QLinearAdd",
    .min_in = 2,
    .max_in = 8,
    .types = {Q8, QN_T_F32, Q8, Q8, QN_T_F32, Q8, QN_T_F32, Q8},
    .check = binary_check,
    .infer = binary_infer,
    .prepare = add_prepare,
    QLINEAR_COMMON,
};

const qn_op qn_op_qlinear_mul = {
    .name = "QLinearMul",
    .min_in = 2,
    .max_in = 8,
    .types = {Q8, QN_T_F32, Q8, Q8, QN_T_F32, Q8, QN_T_F32, Q8},
    .check = binary_check,
    .infer = binary_infer,
    .prepare = mul_prepare,
    QLINEAR_COMMON,
};

const qn_op qn_op_qlinear_sigmoid = {
    .name = "QLinearSigmoid",
    .min_in = 2,
    .max_in = 5,
    .types = {Q8, QN_T_F32, Q8, QN_T_F32, Q8},
    .check = unary_check,
    .infer = qn_infer_same,
    .prepare = sigmoid_prepare,
    QLINEAR_COMMON,
};

const qn_op qn_op_qlinear_leaky_relu = {
    .name = "QLinearLeakyRelu",
    .min_in = 2,
    .max_in = 5,
    .types = {Q8, QN_T_F32, Q8, QN_T_F32, Q8},
    .check = unary_check,
    .infer = qn_infer_same,
    .prepare = leaky_prepare,
    QLINEAR_COMMON,
};
