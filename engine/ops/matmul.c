/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/matmul.c - Y = A B over the last two dims, the others broadcast; a 1-D
 * operand is a row (A) or a column (B) whose dim vanishes from Y; ONNX MatMul-13.
 * Linear is the same with a matrix B and a bias along the last dim, made by fuse_bias.
 */
#include "engine/ops/grads.h"
#include "engine/ops/matmul.h"
#include "engine/linear.h"
#include "engine/product.h"
#include "kernels/matrix.h"

#include <string.h>

quern_status qn_matmul_infer_shape(const qn_tensor *a, const qn_tensor *b, qn_tensor *y,
                                   quern_error *err)
{
    if (a->rank == 0 || b->rank == 0)
        return qn_fail(err, QUERN_SHAPE, "A is %s and B is %s; both need a dim",
                       QN_SHAPE(a), QN_SHAPE(b));
    const int64_t ka = a->dim[a->rank - 1];
    const int64_t kb = b->dim[b->rank > 1 ? b->rank - 2 : 0];
    if (ka != kb)
        return qn_fail(err, QUERN_SHAPE,
                       "A is %s and B is %s: inner dims are %lld and %lld", QN_SHAPE(a),
                       QN_SHAPE(b), (long long)ka, (long long)kb);
    qn_tensor shape = {0}, batch = {0};
    qn_set_shape(&shape, y->dtype, a->rank > 2 ? a->rank - 2 : 0, a->dim);
    qn_set_shape(&batch, y->dtype, b->rank > 2 ? b->rank - 2 : 0, b->dim);
    QN_TRY(qn_broadcast_shape(&shape, &batch, err));
    if (a->rank > 1) shape.dim[shape.rank++] = a->dim[a->rank - 2];
    if (b->rank > 1) shape.dim[shape.rank++] = b->dim[b->rank - 1];
    qn_set_shape(y, y->dtype, shape.rank, shape.dim);
    return QUERN_OK;
}

/* Steps of an operand over the batch dims of Y: 0 where it is broadcast. */
static void batch_steps(const qn_tensor *t, int rank, int64_t matrix, int64_t *step)
{
    const int own = t->rank > 2 ? t->rank - 2 : 0;
    int64_t size = matrix;
    for (int d = rank - 1, j = own - 1; d >= 0; d--, j--) {
        step[d] = j < 0 || t->dim[j] == 1 ? 0 : size;
        if (j >= 0) size *= t->dim[j];
    }
}

qn_gemm qn_matmul_plan(const qn_tensor *a, const qn_tensor *b, const qn_tensor *y)
{
    const int64_t m = a->rank > 1 ? a->dim[a->rank - 2] : 1;
    const int64_t k = a->dim[a->rank - 1];
    const int64_t n = b->rank > 1 ? b->dim[b->rank - 1] : 1;
    qn_gemm g = qn_gemm_dense(y->dtype, false, false, m, n, k);
    if (b->rank <= 2 && a->rank > 1) { /* one B: the batch of A is just more rows */
        g.m = qn_dims_count(a, 0, a->rank - 1);
        return g;
    }
    g.rank = y->rank - (a->rank > 1) - (b->rank > 1);
    for (int d = 0; d < g.rank; d++)
        g.dim[d] = y->dim[d];
    batch_steps(a, g.rank, m * k, g.step_a);
    batch_steps(b, g.rank, k * n, g.step_b);
    int64_t size = m * n;
    for (int d = g.rank - 1; d >= 0; d--) {
        g.step_c[d] = size;
        size *= g.dim[d];
    }
    return g;
}

static quern_status matmul_infer(const qn_infer *x, quern_error *err)
{
    return qn_matmul_infer_shape(x->in[0], x->in[1], x->out[0], err);
}

static quern_status linear_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *b = x->in[1], *bias = x->in[2];
    if (b->rank != 2 || bias->rank != 1 || bias->dim[0] != b->dim[1])
        return qn_fail(err, QUERN_SHAPE, "B is %s and the bias is %s", QN_SHAPE(b),
                       QN_SHAPE(bias));
    return matmul_infer(x, err);
}

/* A constant matrix is packed; a row of Y is then a row of A times B, batch or not. */
static quern_status matmul_prepare(qn_prep *p, quern_error *err)
{
    const qn_tensor *b = p->instr->in[1];
    qn_linear *l;
    QN_TRY(qn_prep_state(p, sizeof *l, (void **)&l, err));
    if (b->rank != 2) return QUERN_OK;
    *l = (qn_linear){.k = b->dim[0], .n = b->dim[1], .alpha = 1};
    return qn_linear_pack(p, 1, l, err);
}

static void run_packed(const qn_instr *i, const qn_linear *l, const qn_exec *x)
{
    const qn_tensor *bias = i->n_in > 2 ? i->in[2] : NULL;
    const qn_panels_product c = {.a = i->in[0]->data,
                                 .bias = bias ? bias->data : NULL,
                                 .add = i->residual ? i->residual->data : NULL,
                                 .y = i->out[0]->data,
                                 .lda = l->k,
                                 .ld_add = l->n,
                                 .ldy = l->n,
                                 .act = i->act};
    qn_linear_run(l, qn_tensor_count(i->out[0]) / l->n, c, x);
}

/* Y becomes residual + bias, which the product is added to; true if there is any. */
static bool begin_sums(const qn_instr *i)
{
    const qn_tensor *bias = i->n_in > 2 ? i->in[2] : NULL;
    qn_tensor *y = i->out[0];
    if (i->residual) memcpy(y->data, i->residual->data, qn_tensor_bytes(y));
    if (bias) {
        const int64_t n = bias->dim[0];
        const qn_bias shape = {.m = n ? qn_tensor_count(y) / n : 0, .n = n, .col = 1};
        const double old = i->residual ? 1 : 0;
        if (y->dtype == QUERN_DOUBLE)
            qn_bias_f64(shape, old, y->data, 1, bias->data);
        else
            qn_bias_f32(shape, old, y->data, 1, bias->data);
    }
    return bias || i->residual;
}

static quern_status matmul_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const qn_linear *l = i->state;
    if (l->panels) {
        run_packed(i, l, x);
        return QUERN_OK;
    }
    qn_gemm g = qn_matmul_plan(i->in[0], i->in[1], i->out[0]);
    g.beta = begin_sums(i) ? 1 : 0;
    g.a = i->in[0]->data;
    g.b = i->in[1]->data;
    g.c = i->out[0]->data;
    g.act = &i->act;
    qn_gemm_run(&g, x->k, x->pool);
    return QUERN_OK;
}

double qn_matmul_macs(const qn_infer *x)
{
    const qn_tensor *a = x->in[0];
    return (double)qn_tensor_count(x->out[0]) * (double)a->dim[a->rank - 1];
}

/* clang-format off */
const qn_op qn_op_matmul = {
    .name = "MatMul", .since = 13, .min_in = 2, .max_in = 2,
    .flags = QN_OP_HALF_AS_F32 | QN_OP_FUSES_ACT | QN_OP_ADDS,
    .types = {QN_T_FLOATS | QN_T_WIDE_INTS},
    .infer = matmul_infer, .prepare = matmul_prepare, .grad = qn_grad_matmul,
    .run = matmul_run,
    .macs = qn_matmul_macs,
};

const qn_op qn_op_linear = {
    .name = "Linear", .domain = "quern", .since = 1, .min_in = 3, .max_in = 3,
    .flags = QN_OP_HALF_AS_F32 | QN_OP_FUSES_ACT | QN_OP_ADDS,
    .types = {QN_T_FLOATS},
    .infer = linear_infer, .prepare = matmul_prepare, .run = matmul_run,
    .macs = qn_matmul_macs,
};
/* clang-format on */
