/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/attention.c - Y = softmax(scale Q K' + bias) V, by head; ONNX
 * Attention-25. Operands of rank 3 hold heads side by side in a row, those of rank 4
 * one after the other; both are read where they lie.  attention_run.c does the work. */
#include "engine/ops/grads.h"
#include "engine/ops/heads.h"

#include <math.h>

static const qn_attr att_attrs[] = {QN_INT(qn_att_params, is_causal, 0),
                                    QN_INT(qn_att_params, kv_num_heads, 0),
                                    QN_INT(qn_att_params, left_window_size, -1),
                                    QN_INT(qn_att_params, q_num_heads, 0),
                                    QN_INT(qn_att_params, qk_matmul_output_mode, 0),
                                    QN_INT(qn_att_params, right_window_size, -1),
                                    QN_INT(qn_att_params, softmax_precision, 0),
                                    QN_FLOAT(qn_att_params, scale, NAN),
                                    QN_FLOAT(qn_att_params, softcap, 0),
                                    QN_ATTRS_END};

qn_heads qn_heads_dense(int64_t batch, int64_t n, int64_t rows, int64_t size)
{
    return (qn_heads){batch, n, rows, size, n * rows * size, rows * size, size};
}

static quern_status split_heads(const char *name, const qn_tensor *t, int64_t n,
                                qn_heads *out, quern_error *err)
{
    if (t->rank == 4) {
        *out = qn_heads_dense(t->dim[0], t->dim[1], t->dim[2], t->dim[3]);
        return QUERN_OK;
    }
    if (t->rank != 3)
        return qn_fail(err, QUERN_SHAPE, "%s is %s; rank 3 or 4 is needed", name,
                       QN_SHAPE(t));
    if (n < 1 || t->dim[2] % n != 0)
        return qn_fail(err, QUERN_SHAPE, "%s is %s, which %lld heads do not divide",
                       name, QN_SHAPE(t), (long long)n);
    *out = (qn_heads){
        t->dim[0],     n,        t->dim[1], t->dim[2] / n, t->dim[1] * t->dim[2],
        t->dim[2] / n, t->dim[2]};
    return QUERN_OK;
}

static quern_status expect_dims(const char *name, const qn_tensor *t, int rank,
                                const int64_t *dim, quern_error *err)
{
    qn_tensor want = {0};
    if (!t) return QUERN_OK;
    qn_set_shape(&want, t->dtype, rank, dim);
    if (qn_same_shape(t, &want)) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "%s is %s, but the others ask for %s", name,
                   QN_SHAPE(t), QN_SHAPE(&want));
}

static quern_status check_mask(const qn_tensor *mask, const qn_att_shape *s,
                               quern_error *err)
{
    if (!mask) return QUERN_OK;
    const int64_t full[4] = {s->q.batch, s->q.n, s->q.rows, s->total};
    bool fits = mask->rank >= 1 && mask->rank <= 4;
    for (int d = 0; fits && d < mask->rank; d++) {
        const int64_t have = mask->dim[d], want = full[4 - mask->rank + d];
        fits = d == mask->rank - 1 ? have <= want : have == 1 || have == want;
    }
    if (!fits)
        return qn_fail(
            err, QUERN_SHAPE,
            "attn_mask is %s, which does not broadcast to [%lld,%lld,%lld,%lld]",
            QN_SHAPE(mask), (long long)full[0], (long long)full[1], (long long)full[2],
            (long long)full[3]);
    return QUERN_OK;
}

quern_status qn_att_shapes(const qn_att_params *p, const qn_tensor *const *in, int n_in,
                           qn_att_shape *s, quern_error *err)
{
    const qn_tensor *past_k = qn_att_in(in, n_in, ATT_PAST_K),
                    *past_v = qn_att_in(in, n_in, ATT_PAST_V);
    QN_TRY(split_heads("Q", in[ATT_Q], p->q_num_heads, &s->q, err));
    QN_TRY(split_heads("K", in[ATT_K], p->kv_num_heads, &s->k, err));
    QN_TRY(split_heads("V", in[ATT_V], p->kv_num_heads, &s->v, err));
    if (s->k.batch != s->q.batch || s->v.batch != s->q.batch || s->k.n != s->v.n ||
        s->k.rows != s->v.rows || s->k.size != s->q.size || s->k.n == 0 ||
        s->q.n % s->k.n != 0)
        return qn_fail(err, QUERN_SHAPE, "Q is %s, K is %s and V is %s",
                       QN_SHAPE(in[ATT_Q]), QN_SHAPE(in[ATT_K]), QN_SHAPE(in[ATT_V]));
    if (!past_k != !past_v)
        return qn_fail(err, QUERN_INVALID, "past_key and past_value come together");
    s->past = past_k && past_k->rank == 4 ? past_k->dim[2] : 0;
    s->total = s->past + s->k.rows;
    const int64_t old_k[4] = {s->q.batch, s->k.n, s->past, s->k.size};
    const int64_t old_v[4] = {s->q.batch, s->v.n, s->past, s->v.size};
    QN_TRY(expect_dims("past_key", past_k, 4, old_k, err));
    QN_TRY(expect_dims("past_value", past_v, 4, old_v, err));
    QN_TRY(expect_dims("nonpad_kv_seqlen", qn_att_in(in, n_in, ATT_LENS), 1,
                       &s->q.batch, err));
    return check_mask(qn_att_in(in, n_in, ATT_MASK), s, err);
}

static quern_status att_check(const qn_node *node, quern_error *err)
{
    const qn_att_params *p = node->params;
    if (p->left_window_size < -1 || p->right_window_size < -1)
        return qn_fail(err, QUERN_INVALID, "window sizes are %lld and %lld",
                       (long long)p->left_window_size, (long long)p->right_window_size);
    if (p->qk_matmul_output_mode < 0 || p->qk_matmul_output_mode > 3)
        return qn_fail(err, QUERN_INVALID, "qk_matmul_output_mode is %lld, not 0 .. 3",
                       (long long)p->qk_matmul_output_mode);
    return QUERN_OK;
}

static void set_output(const qn_infer *x, int i, int64_t a, int64_t b, int64_t c,
                       int64_t d)
{
    if (i < x->n_out && x->out[i])
        qn_set_shape(x->out[i], x->out[i]->dtype, 4, (int64_t[]){a, b, c, d});
}

static quern_status att_infer(const qn_infer *x, quern_error *err)
{
    qn_att_shape s;
    QN_TRY(qn_att_shapes(x->params, x->in, x->n_in, &s, err));
    const bool doubles = x->in[ATT_Q]->dtype == QUERN_DOUBLE;
    if ((x->in[ATT_K]->dtype == QUERN_DOUBLE) != doubles ||
        (x->in[ATT_V]->dtype == QUERN_DOUBLE) != doubles)
        return qn_fail(err, QUERN_SHAPE, "Q is %s, K is %s and V is %s",
                       quern_dtype_name(x->in[ATT_Q]->dtype),
                       quern_dtype_name(x->in[ATT_K]->dtype),
                       quern_dtype_name(x->in[ATT_V]->dtype));
    set_output(x, ATT_PRESENT_K, s.k.batch, s.k.n, s.total, s.k.size);
    set_output(x, ATT_PRESENT_V, s.v.batch, s.v.n, s.total, s.v.size);
    set_output(x, ATT_QK, s.q.batch, s.q.n, s.q.rows, s.total);
    set_output(x, ATT_Y, s.q.batch, s.q.n, s.q.rows, s.v.size);
    if (x->out[ATT_Y] && x->in[ATT_Q]->rank == 3)
        qn_set_shape(x->out[ATT_Y], x->out[ATT_Y]->dtype, 3,
                     (int64_t[]){s.q.batch, s.q.rows, s.q.n * s.v.size});
    return QUERN_OK;
}

static quern_dtype att_dtype(const qn_node *node, int i)
{
    return node->in[i == ATT_PRESENT_V ? ATT_V : ATT_Q]->dtype;
}

/* clang-format off */
const qn_op qn_op_attention = {
    .name = "Attention", .since = 25, .first = 23, .min_in = 3, .max_in = 7,
    .min_out = 1, .max_out = 4,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = att_attrs, .params_size = sizeof(qn_att_params),
    .types = {QN_T_FLOATS, QN_T_FLOATS, QN_T_FLOATS, QN_T_PLAIN, QN_T_FLOATS, QN_T_FLOATS,
              QN_T_I64},
    .out_dtype = att_dtype,
    .check = att_check, .infer = att_infer, .prepare = qn_att_prepare, .grad = qn_grad_attention, .run = qn_att_run,
};
/* clang-format on */
