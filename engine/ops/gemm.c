/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/gemm.c - Y = alpha op(A) op(B) + beta C, C broadcast to Y; ONNX Gemm-13.
 */
#include "engine/ops/grads.h"
#include "engine/ops/matmul.h"
#include "engine/linear.h"
#include "kernels/matrix.h"

typedef struct gemm_params {
    int64_t transA, transB;
    float alpha, beta;
} gemm_params;

static const qn_attr gemm_attrs[] = {
    QN_INT(gemm_params, transA, 0), QN_INT(gemm_params, transB, 0),
    QN_FLOAT(gemm_params, alpha, 1), QN_FLOAT(gemm_params, beta, 1), QN_ATTRS_END};

/* Opset 6 and below broadcast C only when told to; what they allow is what Gemm does.
 */
static quern_status gemm_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    (void)err;
    if (node->opset < 7) qn_node_drop_attr(node, "broadcast");
    return QUERN_OK;
}

static quern_status gemm_infer(const qn_infer *x, quern_error *err)
{
    const gemm_params *p = x->params;
    const qn_tensor *a = x->in[0], *b = x->in[1], *c = x->n_in > 2 ? x->in[2] : NULL;
    if (a->rank != 2 || b->rank != 2)
        return qn_fail(err, QUERN_SHAPE, "A is %s and B is %s; both need rank 2",
                       QN_SHAPE(a), QN_SHAPE(b));
    const int64_t ka = a->dim[p->transA ? 0 : 1], kb = b->dim[p->transB ? 1 : 0];
    if (ka != kb)
        return qn_fail(err, QUERN_SHAPE,
                       "A is %s and B is %s: inner dims are %lld and %lld", QN_SHAPE(a),
                       QN_SHAPE(b), (long long)ka, (long long)kb);
    qn_tensor *y = x->out[0];
    const int64_t dim[2] = {a->dim[p->transA ? 1 : 0], b->dim[p->transB ? 0 : 1]};
    qn_set_shape(y, y->dtype, 2, dim);
    if (!c) return QUERN_OK;
    bool fits = c->rank <= 2;
    for (int d = 0; fits && d < c->rank; d++)
        fits = c->dim[d] == 1 || c->dim[d] == dim[2 - c->rank + d];
    if (!fits)
        return qn_fail(err, QUERN_SHAPE, "C is %s, which does not broadcast to %s",
                       QN_SHAPE(c), QN_SHAPE(y));
    return QUERN_OK;
}

static void bias(quern_dtype dtype, qn_bias p, double alpha, void *y, double beta,
                 const void *c)
{
    switch (dtype) {
    case QUERN_FLOAT:
        qn_bias_f32(p, alpha, y, beta, c);
        break;
    case QUERN_DOUBLE:
        qn_bias_f64(p, alpha, y, beta, c);
        break;
    case QUERN_INT32:
        qn_bias_i32(p, alpha, y, beta, c);
        break;
    case QUERN_INT64:
        qn_bias_i64(p, alpha, y, beta, c);
        break;
    case QUERN_UINT32:
        qn_bias_u32(p, alpha, y, beta, c);
        break;
    default:
        qn_bias_u64(p, alpha, y, beta, c);
        break;
    }
}

static qn_bias bias_shape(const qn_tensor *y, const qn_tensor *c)
{
    qn_bias p = {.m = y->dim[0], .n = y->dim[1]};
    if (!c || c->rank == 0) return p;
    const int64_t cols = c->dim[c->rank - 1], rows = c->rank == 2 ? c->dim[0] : 1;
    p.col = cols == 1 ? 0 : 1;
    p.row = rows == 1 ? 0 : cols;
    return p;
}

/* Is C a bias that a row of Y begins with, and no more? */
static bool is_row(const gemm_params *p, const qn_tensor *c, int64_t n)
{
    if (!c) return true;
    return p->beta == 1 && c->rank > 0 && c->dim[c->rank - 1] == n &&
           qn_tensor_count(c) == n;
}

static quern_status gemm_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const gemm_params *params = i->params;
    const qn_tensor *b = i->in[1];
    qn_linear *l;
    QN_TRY(qn_prep_state(p, sizeof *l, (void **)&l, err));
    *l = (qn_linear){.k = b->dim[params->transB ? 1 : 0],
                     .n = b->dim[params->transB ? 0 : 1],
                     .transposed = params->transB,
                     .alpha = params->alpha};
    if (params->transA || !is_row(params, i->n_in > 2 ? i->in[2] : NULL, l->n))
        return QUERN_OK;
    return qn_linear_pack(p, 1, l, err);
}

static void run_packed(const qn_instr *i, const qn_linear *l, const qn_exec *x)
{
    const qn_tensor *bias = i->n_in > 2 ? i->in[2] : NULL;
    const qn_panels_product c = {.a = i->in[0]->data,
                                 .bias = bias ? bias->data : NULL,
                                 .y = i->out[0]->data,
                                 .lda = l->k,
                                 .ldy = l->n,
                                 .act = i->act};
    qn_linear_run(l, i->out[0]->dim[0], c, x);
}

/* Floats: Y starts as beta C and the product adds to it, so an activation can follow in
 * the same pass.  Integers: the product is exact, alpha and beta are applied after. */
static quern_status gemm_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const gemm_params *p = i->params;
    const qn_linear *l = i->state;
    if (l->panels) {
        run_packed(i, l, x);
        return QUERN_OK;
    }
    const qn_tensor *a = i->in[0], *c = i->n_in > 2 ? i->in[2] : NULL;
    qn_tensor *y = i->out[0];
    qn_gemm g = qn_gemm_dense(y->dtype, p->transA, p->transB, y->dim[0], y->dim[1],
                              a->dim[p->transA ? 0 : 1]);
    g.a = a->data;
    g.b = i->in[1]->data;
    g.c = y->data;
    const qn_bias shape = bias_shape(y, c);
    const void *add = c ? c->data : NULL;
    if (qn_dtype_is_float(y->dtype)) {
        g.alpha = p->alpha;
        g.act = &i->act;
        g.beta = add ? 1 : 0;
        if (add) bias(y->dtype, shape, 0, y->data, p->beta, add);
        qn_gemm_run(&g, x->k, x->pool);
        return QUERN_OK;
    }
    qn_gemm_run(&g, x->k, x->pool);
    bias(y->dtype, shape, p->alpha, y->data, p->beta, add);
    return QUERN_OK;
}

static double gemm_macs(const qn_infer *x)
{
    const gemm_params *p = x->params;
    return (double)qn_tensor_count(x->out[0]) * (double)x->in[0]->dim[!p->transA];
}

/* clang-format off */
const qn_op qn_op_gemm = {
    .name = "Gemm", .since = 13, .min_in = 2, .max_in = 3,
    .flags = QN_OP_HALF_AS_F32 | QN_OP_FUSES_ACT,
    .attrs = gemm_attrs, .params_size = sizeof(gemm_params),
    .types = {QN_T_FLOATS | QN_T_WIDE_INTS},
    .lower = gemm_lower, .infer = gemm_infer, .prepare = gemm_prepare, .grad = qn_grad_gemm,
    .run = gemm_run,
    .macs = gemm_macs,
};
/* clang-format on */
