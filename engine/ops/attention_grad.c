/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/attention_grad.c - the gradient of Attention, without a past: with
 * S = scale Q K', C = softcap(S), P = softmax(C + bias) formed again,
 *
 *     dV = P' dY,  dP = dY V',  dC = P (dP - sum(dP P)),  dS = dC (1 - (C / cap)^2),
 *     dQ = scale dS K,  dK = scale dS' Q,  dbias = dC. */
#include "engine/ops/grads.h"
#include "engine/ops/heads.h"

#include "engine/pass.h"

#include <math.h>

typedef struct attention {
    const qn_node *node;
    const qn_att_params *p;
    qn_att_shape s;
    double scale;
    qn_value *q, *k, *v, *dy; /* [batch, heads, rows, size], k and v for every head */
    qn_value *scores, *capped, *p_out, *d_bias;
} attention;

static const qn_value *input(const qn_node *node, int i)
{
    return i < node->n_in ? node->in[i] : NULL;
}

static quern_status read_attention(attention *a, quern_error *err)
{
    qn_tensor room[3] = {0};
    const qn_tensor *in[3];
    const qn_node *node = a->node;
    for (int i = ATT_PAST_K; i <= ATT_LENS; i++)
        if (input(node, i))
            return qn_fail(err, QUERN_UNSUPPORTED, "no gradient with input %d", i);
    for (int i = 0; i < 3; i++) {
        qn_set_shape(&room[i], node->in[i]->dtype, node->in[i]->rank, node->in[i]->dim);
        in[i] = &room[i];
    }
    QN_TRY(qn_att_shapes(a->p, in, 3, &a->s, err));
    a->scale = isnan(a->p->scale) ? 1 / sqrt((double)a->s.q.size) : (double)a->p->scale;
    return QUERN_OK;
}

/* ---- heads ---- */

static quern_status swap_middle(qn_grad *g, qn_value *x, qn_value **out,
                                quern_error *err)
{
    return qn_grad_permute(g, x, (int64_t[]){0, 2, 1, 3}, out, err);
}

/* [batch, rows, heads * size] becomes [batch, heads, rows, size]. */
static quern_status to_heads(qn_grad *g, qn_value *x, const qn_heads *h, qn_value **out,
                             quern_error *err)
{
    *out = x;
    if (x->rank == 4) return QUERN_OK;
    const int64_t dim[4] = {h->batch, h->rows, h->n, h->size};
    QN_TRY(qn_grad_to_shape(g, x, 4, dim, out, err));
    return swap_middle(g, *out, out, err);
}

/* Every head of Q meets one of K and V: each of these is repeated. */
static quern_status repeat(qn_grad *g, const attention *a, qn_value *x,
                           const qn_heads *h, qn_value **out, quern_error *err)
{
    const int64_t times = a->s.q.n / h->n;
    *out = x;
    if (times == 1) return QUERN_OK;
    int64_t dim[4] = {h->batch, h->n, 1, h->rows * h->size};
    QN_TRY(qn_grad_to_shape(g, x, 4, dim, out, err));
    dim[2] = times;
    QN_TRY(qn_grad_spread(g, *out, 4, dim, out, err));
    const int64_t full[4] = {h->batch, a->s.q.n, h->rows, h->size};
    return qn_grad_to_shape(g, *out, 4, full, out, err);
}

/* The way back through repeat and to_heads, added to the gradient of input i. */
static quern_status give_heads(qn_grad *g, const attention *a, int i, qn_value *d,
                               const qn_heads *h, quern_error *err)
{
    const int64_t times = a->s.q.n / h->n;
    if (times != 1) {
        const int64_t dim[4] = {h->batch, h->n, times, h->rows * h->size};
        QN_TRY(qn_grad_to_shape(g, d, 4, dim, &d, err));
        QN_TRY(qn_grad_sum_axis(g, d, 2, &d, err));
        const int64_t full[4] = {h->batch, h->n, h->rows, h->size};
        QN_TRY(qn_grad_to_shape(g, d, 4, full, &d, err));
    }
    if (a->node->in[i]->rank == 3) QN_TRY(swap_middle(g, d, &d, err));
    QN_TRY(qn_grad_reshape_like(g, d, a->node->in[i], &d, err));
    return qn_grad_add(g, a->node, i, d, err);
}

/* ---- forward again ---- */

static quern_status times(qn_grad *g, qn_value *x, double by, qn_value **out,
                          quern_error *err)
{
    qn_value *scale;
    QN_TRY(qn_grad_scalar(g, by, x, &scale, err));
    return qn_grad_2(g, "Mul", x, scale, out, err);
}

static quern_status flipped(qn_grad *g, qn_value *x, qn_value **out, quern_error *err)
{
    return qn_grad_permute(g, x, (int64_t[]){0, 1, 3, 2}, out, err);
}

/* -inf where order and window forbid, as a constant [rows, total]. */
static quern_status add_order(qn_grad *g, const attention *a, qn_value **scores,
                              quern_error *err)
{
    const qn_att_params *p = a->p;
    const int64_t rows = a->s.q.rows, total = a->s.total;
    qn_value *order;
    qn_tensor t = {0};
    if (!p->is_causal && p->left_window_size < 0 && p->right_window_size < 0)
        return QUERN_OK;
    qn_set_shape(&t, (*scores)->dtype, 2, (int64_t[]){rows, total});
    QN_TRY(qn_tensor_alloc(a->node->graph->arena, &t, err));
    for (int64_t i = 0; i < rows * total; i++) {
        const int64_t ahead = i % total - i / total;
        const bool forbidden =
            (p->is_causal && ahead > 0) ||
            (p->left_window_size >= 0 && -ahead > p->left_window_size) ||
            (p->right_window_size >= 0 && ahead > p->right_window_size);
        qn_set_real(&t, i, forbidden ? -HUGE_VAL : 0);
    }
    QN_TRY(qn_graph_add_constant(a->node->graph, "", &t, &order, err));
    return qn_grad_2(g, "Add", *scores, order, scores, err);
}

static quern_status add_mask(qn_grad *g, const attention *a, qn_value **scores,
                             quern_error *err)
{
    qn_value *mask = a->node->n_in > ATT_MASK ? a->node->in[ATT_MASK] : NULL;
    if (!mask) return QUERN_OK;
    if (mask->dim[mask->rank - 1] != a->s.total)
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for a mask of %lld columns",
                       (long long)mask->dim[mask->rank - 1]);
    if (mask->dtype != QUERN_BOOL) {
        QN_TRY(qn_grad_to_type(g, mask, (*scores)->dtype, &mask, err));
        return qn_grad_2(g, "Add", *scores, mask, scores, err);
    }
    qn_value *never;
    QN_TRY(qn_grad_scalar(g, -HUGE_VAL, *scores, &never, err));
    qn_value *in[] = {mask, *scores, never};
    return qn_grad_emit(g, "", "Where", 3, in, scores, err);
}

/* C = cap tanh(S / cap). */
static quern_status cap_scores(qn_grad *g, attention *a, quern_error *err)
{
    const double cap = (double)a->p->softcap;
    qn_value *t = a->scores;
    a->capped = t;
    if (!(cap > 0)) return QUERN_OK;
    QN_TRY(times(g, t, 1 / cap, &t, err));
    QN_TRY(qn_grad_1(g, "Tanh", t, &t, err));
    return times(g, t, cap, &a->capped, err);
}

static quern_status again(qn_grad *g, attention *a, quern_error *err)
{
    qn_value *x;
    QN_TRY(flipped(g, a->k, &x, err));
    QN_TRY(qn_grad_2(g, "MatMul", a->q, x, &x, err));
    QN_TRY(times(g, x, a->scale, &a->scores, err));
    QN_TRY(cap_scores(g, a, err));
    x = a->capped;
    QN_TRY(add_order(g, a, &x, err));
    QN_TRY(add_mask(g, a, &x, err));
    return qn_grad_1(g, "Softmax", x, &a->p_out, err);
}

/* ---- and back ---- */

/* dC, from dP = dY V'. */
static quern_status back_softmax(qn_grad *g, attention *a, quern_error *err)
{
    qn_value *x, *sum;
    QN_TRY(flipped(g, a->v, &x, err));
    QN_TRY(qn_grad_2(g, "MatMul", a->dy, x, &x, err));
    QN_TRY(qn_grad_2(g, "Mul", x, a->p_out, &sum, err));
    QN_TRY(qn_grad_sum_axis(g, sum, -1, &sum, err));
    QN_TRY(qn_grad_2(g, "Sub", x, sum, &x, err));
    return qn_grad_2(g, "Mul", x, a->p_out, &a->d_bias, err);
}

/* scale dS, from dC. */
static quern_status back_scores(qn_grad *g, const attention *a, qn_value **out,
                                quern_error *err)
{
    qn_value *square, *one, *d = a->d_bias;
    const double cap = (double)a->p->softcap;
    if (cap > 0) {
        QN_TRY(qn_grad_2(g, "Mul", a->capped, a->capped, &square, err));
        QN_TRY(times(g, square, 1 / (cap * cap), &square, err));
        QN_TRY(qn_grad_scalar(g, 1, square, &one, err));
        QN_TRY(qn_grad_2(g, "Sub", one, square, &square, err));
        QN_TRY(qn_grad_2(g, "Mul", d, square, &d, err));
    }
    return times(g, d, a->scale, out, err);
}

static quern_status give_all(qn_grad *g, attention *a, quern_error *err)
{
    qn_value *x, *ds;
    QN_TRY(flipped(g, a->p_out, &x, err));
    QN_TRY(qn_grad_2(g, "MatMul", x, a->dy, &x, err));
    QN_TRY(give_heads(g, a, ATT_V, x, &a->s.v, err));
    QN_TRY(back_softmax(g, a, err));
    if (qn_grad_wants(g, a->node, ATT_MASK))
        QN_TRY(qn_grad_give(g, a->node, ATT_MASK, a->d_bias, err));
    QN_TRY(back_scores(g, a, &ds, err));
    QN_TRY(qn_grad_2(g, "MatMul", ds, a->k, &x, err));
    QN_TRY(give_heads(g, a, ATT_Q, x, &a->s.q, err));
    QN_TRY(flipped(g, ds, &ds, err));
    QN_TRY(qn_grad_2(g, "MatMul", ds, a->q, &x, err));
    return give_heads(g, a, ATT_K, x, &a->s.k, err);
}

QN_GRAD(attention)
{
    attention a = {.node = node, .p = node->params};
    for (int i = 1; i < 4; i++)
        if (qn_grad_of(g, node, i))
            return qn_fail(err, QUERN_UNSUPPORTED, "no gradient through output %d", i);
    QN_TRY(read_attention(&a, err));
    const qn_heads y = {a.s.q.batch, a.s.q.n, a.s.q.rows, a.s.v.size, 0, 0, 0};
    QN_TRY(to_heads(g, qn_grad_of(g, node, 0), &y, &a.dy, err));
    QN_TRY(to_heads(g, node->in[ATT_Q], &a.s.q, &a.q, err));
    QN_TRY(to_heads(g, node->in[ATT_K], &a.s.k, &a.k, err));
    QN_TRY(to_heads(g, node->in[ATT_V], &a.s.v, &a.v, err));
    QN_TRY(repeat(g, &a, a.k, &a.s.k, &a.k, err));
    QN_TRY(repeat(g, &a, a.v, &a.s.v, &a.v, err));
    QN_TRY(again(g, &a, err));
    return give_all(g, &a, err);
}
