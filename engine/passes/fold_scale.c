/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fold_scale.c - Linear, a Transpose perhaps, and a Mul by a constant per
 * output column: the constant goes into the weights and the bias. */
#include "engine/pass.h"

#include <string.h>

/* Does constant s multiply along one axis of a value of this rank only? */
static bool is_along(const qn_tensor *s, int axis, int rank, int64_t n)
{
    if (!s || s->dtype != QUERN_FLOAT || s->rank > rank || qn_tensor_count(s) != n)
        return false;
    const int d = axis - (rank - s->rank);
    return d >= 0 && s->dim[d] == n;
}

/* The axis that holds the columns behind Transpose t, which has rank dims, or -1. */
static int columns_axis(const qn_node *t, int *rank)
{
    const qn_attr_value *perm = qn_node_attr(t, "perm");
    if (!perm) return -1;
    *rank = (int)perm->ints.n;
    for (int i = 0; i < *rank; i++)
        if (perm->ints.v[i] == *rank - 1) return i;
    return -1;
}

static qn_node *find_scale(const qn_graph *g, const qn_node *linear, int *scale)
{
    const qn_tensor *w = qn_const_input(linear, 1), *b = qn_const_input(linear, 2);
    if (!w || !b || w->dtype != QUERN_FLOAT) return NULL;
    int rank = linear->out[0]->rank, axis = rank - 1;
    qn_value *y = linear->out[0];
    qn_node *next = qn_only_use(g, y);
    if (qn_node_is(next, "Transpose")) {
        axis = columns_axis(next, &rank);
        y = next->out[0];
        next = qn_only_use(g, y);
    }
    if (axis < 0 || !qn_node_is(next, "Mul")) return NULL;
    *scale = next->in[0] == y;
    return is_along(qn_const_input(next, *scale), axis, rank, w->dim[1]) ? next : NULL;
}

/* t [.., n] times s [n]. */
static quern_status scaled(qn_graph *g, const qn_tensor *t, const qn_tensor *s,
                           qn_value **out, quern_error *err)
{
    const int64_t n = qn_tensor_count(s), count = qn_tensor_count(t);
    const char *from = t->data, *by = s->data; /* may lie unaligned in the file */
    qn_tensor to = *t;
    QN_TRY(qn_tensor_alloc(g->arena, &to, err));
    for (int64_t i = 0; i < count; i++) {
        float x, f;
        memcpy(&x, from + (size_t)i * sizeof x, sizeof x);
        memcpy(&f, by + (size_t)(i % n) * sizeof f, sizeof f);
        ((float *)to.data)[i] = x * f;
    }
    return qn_graph_add_constant(g, "", &to, out, err);
}

qn_pass_fn qn_pass_fold_scale;
quern_status qn_pass_fold_scale(quern_model *model, qn_graph *g, int *n_changed,
                                quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *linear = g->first; linear; linear = linear->next) {
        int scale;
        if (linear->op != &qn_op_linear || linear->act.kind != QN_ACT_NONE) continue;
        qn_node *mul = find_scale(g, linear, &scale);
        if (!mul || mul->act.kind != QN_ACT_NONE) continue;
        const qn_tensor *s = qn_const_input(mul, scale);
        for (int i = 1; i <= 2; i++)
            QN_TRY(scaled(g, linear->in[i]->constant, s, &linear->in[i], err));
        qn_value *y = mul->in[1 - scale];
        y->n_uses = mul->out[0]->n_uses;
        qn_value_replace(mul->out[0], y);
        qn_graph_remove(g, mul);
        qn_graph_resolve(g);
        ++*n_changed;
    }
    return QUERN_OK;
}
