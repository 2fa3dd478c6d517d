/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/resize_grad.c - ResizeGrad (dY, X, roi, scales, sizes as Resize has them)
 * -> dX.  Resampling is linear and goes axis by axis: the way back takes the same
 * passes with each axis's table transposed.  Of X only the shape is read. */
#include "engine/ops/grads.h"
#include "engine/ops/resize_state.h"

#include <string.h>

QN_GRAD(resize)
{
    qn_node *made;
    qn_value *in[5] = {qn_grad_of(g, node, 0)};
    if (!qn_grad_wants(g, node, 0)) return QUERN_OK;
    for (int i = 0; i < node->n_in; i++)
        in[1 + i] = node->in[i];
    QN_TRY(qn_grad_node(g, QN_DOMAIN, "ResizeGrad", 1 + node->n_in, in, 1, &made, err));
    QN_TRY(qn_grad_copy_attrs(node, made, err));
    QN_TRY(qn_grad_append(g, made, err));
    return qn_grad_add(g, node, 0, made->out[0], err);
}

static quern_status rg_infer(const qn_infer *x, quern_error *err)
{
    qn_resize_state s;
    const qn_tensor *dy = x->in[0], *in = x->in[1];
    QN_TRY(qn_resize_need(x, 2, err));
    QN_TRY(qn_resize_setup(x->params, x->in + 1, x->n_in - 1, &s, err));
    bool fits = dy->rank == in->rank;
    for (int d = 0; fits && d < in->rank; d++)
        fits = dy->dim[d] == s.axis[d].out;
    if (!fits)
        return qn_fail(err, QUERN_SHAPE, "dY is %s, which X %s is not resized to",
                       QN_SHAPE(dy), QN_SHAPE(in));
    if (x->out[0]) qn_copy_shape(x->out[0], in);
    return QUERN_OK;
}

/* Whether tap t of output o takes part; a nearest tap has no weight of its own. */
static bool takes_part(const qn_resize_axis *a, int64_t o, int64_t t, double *weight)
{
    *weight = a->taps == 1 ? 1 : a->coef[o * a->taps + t];
    return a->index[o * a->taps] >= 0 && *weight != 0;
}

/* How many taps read the input that is read most. */
static quern_status count_taps(const qn_resize_axis *a, qn_arena *arena, int64_t **used,
                               int64_t *most, quern_error *err)
{
    void *p;
    double weight;
    QN_TRY(qn_arena_array(arena, (size_t)a->in, sizeof(int64_t), &p, err));
    *used = p;
    *most = 1;
    for (int64_t k = 0; k < a->out * a->taps; k++) {
        if (!takes_part(a, k / a->taps, k % a->taps, &weight)) continue;
        const int64_t n = ++(*used)[a->index[k]];
        if (n > *most) *most = n;
    }
    return QUERN_OK;
}

/* Output i of the transposed axis gathers from all outputs that read input i. */
static quern_status transpose_axis(qn_resize_axis *a, qn_arena *arena, quern_error *err)
{
    void *p;
    double weight;
    int64_t *used, most;
    QN_TRY(count_taps(a, arena, &used, &most, err));
    qn_resize_axis back = {.in = a->out, .out = a->in, .taps = most, .scale = 1};
    size_t n;
    if (!qn_size_mul((size_t)a->in, (size_t)most, &n))
        return qn_fail(err, QUERN_LIMIT, "%lld taps", (long long)most);
    QN_TRY(qn_arena_array(arena, n, sizeof(int64_t), &p, err));
    back.index = p;
    QN_TRY(qn_arena_array(arena, n, sizeof(double), &p, err));
    back.coef = p;
    for (int64_t k = a->out * a->taps - 1; k >= 0; k--) {
        if (!takes_part(a, k / a->taps, k % a->taps, &weight)) continue;
        const int64_t from = a->index[k], at = from * most + --used[from];
        back.index[at] = k / a->taps;
        back.coef[at] = weight;
    }
    *a = back;
    return QUERN_OK;
}

static quern_status rg_prepare(qn_prep *p, quern_error *err)
{
    qn_resize_state s;
    const qn_instr *i = p->instr;
    const int rank = i->in[0]->rank;
    QN_TRY(qn_resize_setup(i->params, i->in + 1, i->n_in - 1, &s, err));
    QN_TRY(qn_resize_tables(p->arena, &s, rank, err));
    for (int d = 0; d < rank; d++)
        QN_TRY(transpose_axis(&s.axis[d], p->arena, err));
    return qn_resize_ready(p, &s, err);
}

static quern_status rg_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_resize_state *s = i->state;
    const qn_tensor *dy = i->in[0], *dx = i->out[0];
    if (!dx || qn_tensor_count(dx) == 0) return QUERN_OK;
    if (s->n_active == 0) return qn_run_copy(i, x, err);
    if (qn_tensor_count(dy) == 0)
        memset(dx->data, 0, qn_tensor_bytes(dx));
    else
        qn_resize_passes(i, x, dy->data, dx->data, dy->dtype == QUERN_DOUBLE);
    return QUERN_OK;
}

const qn_op qn_op_resize_grad = {
    .name = "ResizeGrad",
    .domain = QN_DOMAIN,
    .since = 1,
    .min_in = 2,
    .max_in = 5,
    .shape_only = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = qn_resize_attrs,
    .params_size = sizeof(qn_resize_params),
    .types = {QN_T_FLOATS, QN_T_FLOATS, QN_T_FLOATS, QN_T_F32, QN_T_I64},
    .check = qn_resize_check,
    .infer = rg_infer,
    .prepare = rg_prepare,
    .run = rg_run,
};
