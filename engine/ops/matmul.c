/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/matmul.c - Y = A B over the last two dims, the others broadcast; a 1-D
 * operand is a row (A) or a column (B) whose dim vanishes from Y; ONNX MatMul-13. */
#include "engine/product.h"
#include "engine/ops/matmul.h"

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

static quern_status matmul_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    qn_gemm g = qn_matmul_plan(i->in[0], i->in[1], i->out[0]);
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
    .flags = QN_OP_HALF_AS_F32 | QN_OP_FUSES_ACT,
    .types = {QN_T_FLOATS | QN_T_WIDE_INTS},
    .infer = matmul_infer, .run = matmul_run, .macs = qn_matmul_macs,
};
/* clang-format on */
