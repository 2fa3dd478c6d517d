/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/shape_grad.c - gradients of rows that move elements: move them back. */
#include "engine/ops/grads.h"

#include <string.h>

QN_GRAD(reshape)
{
    qn_value *d;
    QN_TRY(qn_grad_reshape_like(g, qn_grad_of(g, node, 0), node->in[0], &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

QN_GRAD(cast)
{
    qn_value *d;
    if (!qn_grad_wants(g, node, 0)) return QUERN_OK;
    QN_TRY(qn_grad_to_type(g, qn_grad_of(g, node, 0), node->in[0]->dtype, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

QN_GRAD(transpose)
{
    qn_value *dy = qn_grad_of(g, node, 0), *d;
    const qn_attr_value *perm = qn_node_attr(node, "perm");
    int64_t inverse[QUERN_MAX_RANK];
    for (int i = 0; i < dy->rank; i++)
        inverse[perm ? perm->ints.v[i] : dy->rank - 1 - i] = i;
    QN_TRY(qn_grad_permute(g, dy, inverse, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

QN_GRAD(expand)
{
    return qn_grad_give(g, node, 0, qn_grad_of(g, node, 0), err);
}

/* Elements [begin, begin + n) of d along one axis. */
static quern_status piece(qn_grad *g, qn_value *d, int axis, int64_t begin, int64_t n,
                          qn_value **out, quern_error *err)
{
    qn_value *in[4] = {d};
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){begin}, &in[1], err));
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){begin + n}, &in[2], err));
    QN_TRY(qn_grad_ints(g, 1, (int64_t[]){axis}, &in[3], err));
    return qn_grad_emit(g, "", "Slice", 4, in, out, err);
}

QN_GRAD(concat)
{
    int axis;
    qn_value *dy = qn_grad_of(g, node, 0), *d;
    QN_TRY(qn_axis(qn_node_int(node, "axis", 0), dy->rank, false, &axis, err));
    for (int64_t i = 0, begin = 0; i < node->n_in; i++) {
        const int64_t n = node->in[i]->dim[axis];
        if (qn_grad_wants(g, node, (int)i)) {
            QN_TRY(piece(g, dy, axis, begin, n, &d, err));
            QN_TRY(qn_grad_add(g, node, (int)i, d, err));
        }
        begin += n;
    }
    return QUERN_OK;
}

QN_GRAD(split)
{
    qn_node *join;
    QN_TRY(qn_grad_node(g, "", "Concat", node->n_out, node->out, 1, &join, err));
    for (int i = 0; i < node->n_out; i++) {
        join->in[i] = qn_grad_of(g, node, i);
        if (!node->out[i])
            return qn_fail(err, QUERN_UNSUPPORTED, "part %d of a split is absent", i);
        if (!join->in[i]) QN_TRY(qn_grad_zeros(g, node->out[i], &join->in[i], err));
    }
    QN_TRY(qn_node_set_int(join, "axis", qn_node_int(node, "axis", 0), err));
    QN_TRY(qn_grad_append(g, join, err));
    return qn_grad_add(g, node, 0, join->out[0], err);
}

/* Copies of an axis are added up, one axis after the other. */
QN_GRAD(tile)
{
    const qn_value *x = node->in[0];
    qn_value *d = qn_grad_of(g, node, 0);
    int64_t repeats[QUERN_MAX_RANK];
    QN_TRY(qn_grad_numbers(node, 1, x->rank, 1, repeats, err));
    for (int i = 0; i < x->rank; i++) {
        int64_t before = 1, after = 1, dim[QUERN_MAX_RANK];
        if (repeats[i] == 1) continue;
        memcpy(dim, d->dim, sizeof dim);
        dim[i] = x->dim[i];
        for (int k = 0; k < i; k++)
            before *= dim[k];
        for (int k = i; k < x->rank; k++)
            after *= dim[k];
        QN_TRY(
            qn_grad_to_shape(g, d, 3, (int64_t[]){before, repeats[i], after}, &d, err));
        QN_TRY(qn_grad_sum_axis(g, d, 1, &d, err));
        QN_TRY(qn_grad_to_shape(g, d, x->rank, dim, &d, err));
    }
    return qn_grad_add(g, node, 0, d, err);
}

/* A row with the attributes of this one; `other` is its second input, or NULL. */
static quern_status give_by(qn_grad *g, const qn_node *node, const char *op_type,
                            qn_value *other, qn_node **made, quern_error *err)
{
    qn_value *in[] = {qn_grad_of(g, node, 0), other};
    QN_TRY(qn_grad_node(g, "", op_type, other ? 2 : 1, in, 1, made, err));
    return qn_grad_copy_attrs(node, *made, err);
}

static quern_status add_made(qn_grad *g, const qn_node *node, qn_node *made,
                             quern_error *err)
{
    QN_TRY(qn_grad_append(g, made, err));
    return qn_grad_add(g, node, 0, made->out[0], err);
}

QN_GRAD(depth_space)
{
    qn_node *back;
    const char *other = node->op->name[0] == 'D' ? "SpaceToDepth" : "DepthToSpace";
    QN_TRY(give_by(g, node, other, NULL, &back, err));
    return add_made(g, node, back, err);
}

QN_GRAD(trilu)
{
    qn_node *back;
    QN_TRY(give_by(g, node, "Trilu", node->n_in > 1 ? node->in[1] : NULL, &back, err));
    return add_made(g, node, back, err);
}

/* An element is in the sums behind it, so its gradient is a sum from the other end. */
QN_GRAD(cumsum)
{
    qn_node *back;
    QN_TRY(give_by(g, node, "CumSum", node->in[1], &back, err));
    QN_TRY(qn_node_set_int(back, "reverse", !qn_node_int(node, "reverse", 0), err));
    return add_made(g, node, back, err);
}
