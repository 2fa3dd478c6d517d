/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/matmul_grad.c - gradients of matrix products are matrix products:
 * dA = dY B^T, dB = A^T dY. */
#include "engine/ops/grads.h"

/* Y = alpha op(A) op(B), as a Gemm node. */
static quern_status product(qn_grad *g, qn_value *a, bool ta, qn_value *b, bool tb,
                            float alpha, qn_value **out, quern_error *err)
{
    qn_node *node;
    QN_TRY(qn_grad_node(g, "", "Gemm", 2, (qn_value *[]){a, b}, 1, &node, err));
    QN_TRY(qn_node_set_int(node, "transA", ta, err));
    QN_TRY(qn_node_set_int(node, "transB", tb, err));
    const qn_attr_value scale = {.name = "alpha", .kind = QN_ATTR_FLOAT, .f = alpha};
    QN_TRY(qn_node_set_attr(node, &scale, err));
    QN_TRY(qn_grad_append(g, node, err));
    *out = node->out[0];
    return QUERN_OK;
}

QN_GRAD(gemm)
{
    qn_value *dy = qn_grad_of(g, node, 0), *a = node->in[0], *b = node->in[1], *d;
    const bool ta = qn_node_int(node, "transA", 0), tb = qn_node_int(node, "transB", 0);
    const float alpha = qn_node_float(node, "alpha", 1);
    const double beta = (double)qn_node_float(node, "beta", 1);
    if (qn_grad_wants(g, node, 0)) {
        QN_TRY(ta ? product(g, b, tb, dy, true, alpha, &d, err)
                  : product(g, dy, false, b, !tb, alpha, &d, err));
        QN_TRY(qn_grad_add(g, node, 0, d, err));
    }
    if (qn_grad_wants(g, node, 1)) {
        QN_TRY(tb ? product(g, dy, true, a, ta, alpha, &d, err)
                  : product(g, a, !ta, dy, false, alpha, &d, err));
        QN_TRY(qn_grad_add(g, node, 1, d, err));
    }
    if (!qn_grad_wants(g, node, 2)) return QUERN_OK;
    QN_TRY(qn_grad_sum_to(g, dy, node->in[2], &d, err));
    if (beta != 1) {
        qn_value *scale;
        QN_TRY(qn_grad_scalar(g, beta, d, &scale, err));
        QN_TRY(qn_grad_2(g, "Mul", d, scale, &d, err));
    }
    return qn_grad_add(g, node, 2, d, err);
}

/* The last two dims change places. */
static quern_status flip(qn_grad *g, qn_value *x, qn_value **out, quern_error *err)
{
    qn_node *node;
    int64_t perm[QUERN_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        perm[i] = i < x->rank - 2 ? i : 2 * x->rank - 3 - i;
    QN_TRY(qn_grad_node(g, "", "Transpose", 1, &x, 1, &node, err));
    QN_TRY(qn_node_set_ints(node, "perm", x->rank, perm, err));
    QN_TRY(qn_grad_append(g, node, err));
    *out = node->out[0];
    return QUERN_OK;
}

/* x with a dim of 1 at the end or before it, as NumPy's rule for vectors has it. */
static quern_status as_matrix(qn_grad *g, qn_value *x, bool column, qn_value **out,
                              quern_error *err)
{
    qn_value *axis;
    *out = x;
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){column ? -1 : -2}, &axis, err));
    return qn_grad_2(g, "Unsqueeze", x, axis, out, err);
}

/* [.., k] times one matrix [k, n]: all rows are one product. */
static quern_status flat_grad(qn_grad *g, const qn_node *node, qn_value *dy,
                              quern_error *err)
{
    qn_value *a = node->in[0], *b = node->in[1], *rows, *d, *shape;
    if (qn_grad_wants(g, node, 0)) {
        QN_TRY(qn_grad_ints(g, 2, (int64_t[]){-1, b->dim[1]}, &shape, err));
        QN_TRY(qn_grad_2(g, "Reshape", dy, shape, &rows, err));
        QN_TRY(product(g, rows, false, b, true, 1, &d, err));
        QN_TRY(qn_grad_reshape_like(g, d, a, &d, err));
        QN_TRY(qn_grad_add(g, node, 0, d, err));
    }
    if (!qn_grad_wants(g, node, 1)) return QUERN_OK;
    qn_value *left;
    QN_TRY(qn_grad_ints(g, 2, (int64_t[]){-1, b->dim[0]}, &shape, err));
    QN_TRY(qn_grad_2(g, "Reshape", a, shape, &left, err));
    QN_TRY(qn_grad_ints(g, 2, (int64_t[]){-1, b->dim[1]}, &shape, err));
    QN_TRY(qn_grad_2(g, "Reshape", dy, shape, &rows, err));
    QN_TRY(product(g, left, true, rows, false, 1, &d, err));
    return qn_grad_add(g, node, 1, d, err);
}

static quern_status batch_grad(qn_grad *g, const qn_node *node, qn_value *dy,
                               quern_error *err)
{
    qn_value *a = node->in[0], *b = node->in[1], *other, *d;
    const bool row = a->rank == 1, column = b->rank == 1;
    if (row) QN_TRY(as_matrix(g, dy, dy->rank == 0, &dy, err));
    if (column) QN_TRY(as_matrix(g, dy, true, &dy, err));
    if (row) QN_TRY(as_matrix(g, a, false, &a, err));
    if (column) QN_TRY(as_matrix(g, b, true, &b, err));
    if (qn_grad_wants(g, node, 0)) {
        QN_TRY(flip(g, b, &other, err));
        QN_TRY(qn_grad_2(g, "MatMul", dy, other, &d, err));
        QN_TRY(qn_grad_sum_to(g, d, a, &d, err));
        QN_TRY(qn_grad_reshape_like(g, d, node->in[0], &d, err));
        QN_TRY(qn_grad_add(g, node, 0, d, err));
    }
    if (!qn_grad_wants(g, node, 1)) return QUERN_OK;
    QN_TRY(flip(g, a, &other, err));
    QN_TRY(qn_grad_2(g, "MatMul", other, dy, &d, err));
    QN_TRY(qn_grad_sum_to(g, d, b, &d, err));
    QN_TRY(qn_grad_reshape_like(g, d, node->in[1], &d, err));
    return qn_grad_add(g, node, 1, d, err);
}

QN_GRAD(matmul)
{
    qn_value *dy = qn_grad_of(g, node, 0);
    const bool flat = node->in[0]->rank >= 2 && node->in[1]->rank == 2;
    return flat ? flat_grad(g, node, dy, err) : batch_grad(g, node, dy, err);
}
