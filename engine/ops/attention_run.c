/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/attention_run.c - the arithmetic of Attention.  A block of query rows of
 * one head is one work item: product, rows, product; its scores lie in scratch that
 * belongs to the worker, behind them one row of bias. */
#include "engine/ops/heads.h"
#include "engine/product.h"
#include "kernels/attention.h"

#include <math.h>
#include <string.h>

enum { ROWS = 64 }; /* query rows of a work item */

typedef struct att_job {
    const qn_instr *i;
    const qn_kernels *kernels;
    const qn_att_params *p;
    qn_att_shape s;
    qn_heads k, v; /* with the past */
    const char *k_data, *v_data;
    quern_dtype dtype;
    size_t width;
    double scale;
    bool biased;
    char *room; /* of all workers */
} att_job;

static size_t round_up(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t scores_bytes(const qn_att_shape *s, size_t width)
{
    return round_up((size_t)(s->q.rows < ROWS ? s->q.rows : ROWS) * (size_t)s->total *
                    width);
}

static size_t worker_bytes(const qn_att_shape *s, size_t width)
{
    return scores_bytes(s, width) + round_up((size_t)s->total * sizeof(double));
}

/* Bytes of the keys (or values) with their past, where no output holds them. */
static size_t present_bytes(const qn_instr *i, const qn_att_shape *s, bool values)
{
    const qn_heads *h = values ? &s->v : &s->k;
    const int out = values ? ATT_PRESENT_V : ATT_PRESENT_K;
    if (s->past == 0 || (out < i->n_out && i->out[out])) return 0;
    return round_up((size_t)(h->batch * h->n) * (size_t)(s->total * h->size) *
                    qn_dtype_size(i->in[ATT_Q]->dtype));
}

quern_status qn_att_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const size_t width = qn_dtype_size(i->in[ATT_Q]->dtype);
    qn_att_shape s;
    QN_TRY(qn_att_shapes(i->params, i->in, i->n_in, &s, err));
    size_t bytes;
    if (s.total > INT64_MAX / 65536 ||
        !qn_size_mul((size_t)p->n_workers, worker_bytes(&s, width), &bytes) ||
        !qn_size_add(bytes, present_bytes(i, &s, false), &bytes) ||
        !qn_size_add(bytes, present_bytes(i, &s, true), &bytes))
        return qn_fail(err, QUERN_LIMIT, "%lld keys are too many", (long long)s.total);
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

/* Past and fresh rows of every head, one after the other. */
static void concat_past(const qn_tensor *past, const qn_tensor *fresh,
                        const qn_heads *h, int64_t n_past, size_t width, char *to)
{
    const size_t row = (size_t)h->size * width, old = (size_t)n_past * row;
    for (int64_t b = 0; b < h->batch; b++)
        for (int64_t n = 0; n < h->n; n++) {
            if (old)
                memcpy(to, (const char *)past->data + (size_t)(b * h->n + n) * old,
                       old);
            to += old;
            const int64_t at = b * h->step_batch + n * h->step_head;
            for (int64_t r = 0; r < h->rows; r++, to += row)
                memcpy(to,
                       (const char *)fresh->data +
                           (size_t)(at + r * h->step_row) * width,
                       row);
        }
}

/* Keys or values as the products read them; fills the present output where asked for.
 */
static const char *with_past(const att_job *j, bool values, char *room, qn_heads *out)
{
    const qn_heads *h = values ? &j->s.v : &j->s.k;
    const int i_out = values ? ATT_PRESENT_V : ATT_PRESENT_K;
    const qn_tensor *fresh = j->i->in[values ? ATT_V : ATT_K];
    const qn_tensor *past =
        qn_att_in(j->i->in, j->i->n_in, values ? ATT_PAST_V : ATT_PAST_K);
    qn_tensor *present = i_out < j->i->n_out ? j->i->out[i_out] : NULL;
    *out = *h;
    if (!present && j->s.past == 0) return fresh->data;
    char *to = present ? present->data : room;
    concat_past(past, fresh, h, j->s.past, j->width, to);
    *out = qn_heads_dense(h->batch, h->n, j->s.total, h->size);
    return to;
}

static double mask_value(const qn_tensor *mask, int64_t at)
{
    if (mask->dtype == QUERN_BOOL)
        return ((const uint8_t *)mask->data)[at] ? 0 : -(double)INFINITY;
    if (mask->dtype == QUERN_FLOAT) return (double)((const float *)mask->data)[at];
    return qn_get_real(mask, at);
}

/* What is added to the scores of query row i of head h: mask, causal order, window and
 * padding; -inf forbids. */
static void fill_bias(const att_job *j, int64_t b, int64_t h, int64_t i, double *bias)
{
    const qn_tensor *mask = qn_att_in(j->i->in, j->i->n_in, ATT_MASK);
    const qn_tensor *lens = qn_att_in(j->i->in, j->i->n_in, ATT_LENS);
    const qn_att_params *p = j->p;
    const int64_t total = j->s.total,
                  valid = lens ? ((const int64_t *)lens->data)[b] : total;
    const int64_t offset = j->s.past > 0 || !lens ? j->s.past : valid - j->s.q.rows;
    int64_t n = total, at = 0;
    if (mask) {
        const int64_t index[3] = {b, h, i};
        n = mask->dim[mask->rank - 1];
        int64_t step = n;
        for (int d = mask->rank - 2; d >= 0; d--) {
            if (mask->dim[d] != 1) at += index[d + 4 - mask->rank] * step;
            step *= mask->dim[d];
        }
    }
    for (int64_t k = 0; k < total; k++) {
        const int64_t ahead = k - (i + offset);
        const bool forbidden =
            k >= n || k >= valid || (p->is_causal && ahead > 0) ||
            (p->left_window_size >= 0 && -ahead > p->left_window_size) ||
            (p->right_window_size >= 0 && ahead > p->right_window_size);
        bias[k] = forbidden ? -(double)INFINITY : mask ? mask_value(mask, at + k) : 0;
    }
}

static void multiply(const att_job *j, qn_gemm g, const void *a, const void *b, void *c)
{
    g.dtype = j->dtype;
    g.a = a;
    g.b = b;
    g.c = c;
    qn_gemm_run(&g, j->kernels, NULL);
}

/* Shows the scores as they are at this stage, if this is the one asked for. */
static void show(const att_job *j, int mode, int64_t row, const char *s)
{
    qn_tensor *out = ATT_QK < j->i->n_out ? j->i->out[ATT_QK] : NULL;
    const size_t bytes = (size_t)j->s.total * j->width;
    if (out && j->p->qk_matmul_output_mode == mode)
        memcpy((char *)out->data + (size_t)row * bytes, s, bytes);
}

static void score_row(const att_job *j, int64_t b, int64_t h, int64_t i, void *s,
                      double *bias)
{
    const int64_t n = j->s.total, row = (b * j->s.q.n + h) * j->s.q.rows + i;
    const bool f32 = j->dtype == QUERN_FLOAT;
    show(j, 0, row, s);
    if (j->p->softcap > 0)
        f32 ? qn_softcap_f32(n, j->p->softcap, s) : qn_softcap_f64(n, j->p->softcap, s);
    show(j, 1, row, s);
    if (j->biased) {
        fill_bias(j, b, h, i, bias);
        f32 ? qn_attention_bias_f32(n, bias, s) : qn_attention_bias_f64(n, bias, s);
    }
    show(j, 2, row, s);
    const double *b_or_none = j->biased ? bias : NULL;
    f32 ? qn_attention_row_f32(n, b_or_none, s) : qn_attention_row_f64(n, b_or_none, s);
    show(j, 3, row, s);
}

static void att_items(void *ctx, int64_t begin, int64_t end, int worker)
{
    const att_job *j = ctx;
    const qn_heads *q = &j->s.q;
    const int64_t blocks = (q->rows + ROWS - 1) / ROWS, group = q->n / j->k.n;
    char *scores = j->room + (size_t)worker * worker_bytes(&j->s, j->width);
    double *bias = (double *)(scores + scores_bytes(&j->s, j->width));
    const bool wide = j->i->in[ATT_Q]->rank == 3; /* Y: heads side by side */
    for (int64_t item = begin; item < end; item++) {
        const int64_t i = item % blocks * ROWS, h = item / blocks % q->n;
        const int64_t b = item / blocks / q->n,
                      m = q->rows - i < ROWS ? q->rows - i : ROWS;
        const int64_t q_at = b * q->step_batch + h * q->step_head + i * q->step_row;
        const int64_t k_at = b * j->k.step_batch + h / group * j->k.step_head;
        const int64_t v_at = b * j->v.step_batch + h / group * j->v.step_head;
        qn_gemm g = qn_gemm_dense(j->dtype, false, true, m, j->s.total, q->size);
        g.lda = q->step_row;
        g.ldb = j->k.step_row;
        g.alpha = j->scale;
        multiply(j, g, (const char *)j->i->in[ATT_Q]->data + (size_t)q_at * j->width,
                 j->k_data + (size_t)k_at * j->width, scores);
        for (int64_t r = 0; r < m; r++)
            score_row(j, b, h, i + r, scores + (size_t)(r * j->s.total) * j->width,
                      bias);
        if (!j->i->out[ATT_Y]) continue;
        const int64_t size = j->v.size;
        const int64_t y_at = wide ? ((b * q->rows + i) * q->n + h) * size
                                  : ((b * q->n + h) * q->rows + i) * size;
        g = qn_gemm_dense(j->dtype, false, false, m, size, j->s.total);
        g.ldb = j->v.step_row;
        g.ldc = wide ? q->n * size : size;
        multiply(j, g, scores, j->v_data + (size_t)v_at * j->width,
                 (char *)j->i->out[ATT_Y]->data + (size_t)y_at * j->width);
    }
}

static quern_status check_lens(const qn_tensor *lens, int64_t rows, quern_error *err)
{
    for (int64_t b = 0; lens && b < lens->dim[0]; b++) {
        const int64_t n = ((const int64_t *)lens->data)[b];
        if (n < 0 || n > rows)
            return qn_fail(err, QUERN_DATA,
                           "nonpad_kv_seqlen[%lld] is %lld of %lld keys", (long long)b,
                           (long long)n, (long long)rows);
    }
    return QUERN_OK;
}

quern_status qn_att_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_att_params *p = i->params;
    att_job j = {.i = i, .kernels = x->k, .p = p, .dtype = i->in[ATT_Q]->dtype};
    QN_TRY(qn_att_shapes(p, i->in, i->n_in, &j.s, err));
    const qn_tensor *lens = qn_att_in(i->in, i->n_in, ATT_LENS);
    QN_TRY(check_lens(lens, j.s.total, err));
    j.width = qn_dtype_size(j.dtype);
    j.scale = isnan(p->scale) ? 1 / sqrt((double)j.s.q.size) : (double)p->scale;
    j.biased = qn_att_in(i->in, i->n_in, ATT_MASK) || lens || p->is_causal ||
               p->left_window_size >= 0 || p->right_window_size >= 0;
    char *room = i->scratch;
    j.k_data = with_past(&j, false, room, &j.k);
    room += present_bytes(i, &j.s, false);
    j.v_data = with_past(&j, true, room, &j.v);
    j.room = room + present_bytes(i, &j.s, true);
    const int64_t blocks = (j.s.q.rows + ROWS - 1) / ROWS;
    qn_parallel_for(x->pool, j.s.q.batch * j.s.q.n * blocks, 1, att_items, &j);
    return QUERN_OK;
}
