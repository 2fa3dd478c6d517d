/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_integer.c - convolution of 8-bit integers: ConvInteger-10 gives the
 * int32 sums, QLinearConv-10 scales them back to 8 bits.  Windows are unfolded less
 * their zero point (padding is the zero point, so 0), weights are widened less theirs.
 */
#include "engine/ops/conv_shape.h"
#include "kernels/conv.h"
#include "kernels/matrix.h"

#include <math.h>

/* Where the inputs stand; the two rows differ in order only.  -1: there is none. */
typedef struct qc_inputs {
    int w, x_zero, w_zero, bias, y_zero, x_scale, w_scale, y_scale;
} qc_inputs;
static const qc_inputs plain_inputs = {1, 2, 3, -1, -1, -1, -1, -1};
static const qc_inputs linear_inputs = {3, 2, 5, 8, 7, 1, 4, 6};

typedef struct qc_state {
    qn_window w;
    const qc_inputs *at;
    int64_t n, groups, ic, oc, k, len, cols;
    size_t weight_elems, worker_elems; /* of scratch, int32 */
} qc_state;

typedef struct qc_job {
    const qn_instr *i;
    const qc_state *s;
    int x_zero;
} qc_job;

enum { BLOCK_BYTES = 1 << 18 };

static const qn_tensor *pick(const qn_tensor *const *in, int n_in, int at)
{
    return at >= 0 && at < n_in ? in[at] : NULL;
}

static quern_status check_quantum(const qn_infer *x, int at, int64_t channels,
                                  quern_error *err)
{
    const qn_tensor *t = pick(x->in, x->n_in, at);
    int64_t n = t ? qn_tensor_count(t) : 1;
    if (n == 1 || n == channels) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "input %d is %s, wanted 1 or %lld values", at,
                   QN_SHAPE(t), (long long)channels);
}

static quern_status qc_infer(const qn_infer *x, const qc_inputs *at, quern_error *err)
{
    const qn_window_params *p = x->params;
    const qn_tensor *w = x->in[at->w];
    const int single[] = {at->x_zero, at->x_scale, at->y_zero, at->y_scale};
    const qn_tensor *zeros[2] = {pick(x->in, x->n_in, at->x_zero),
                                 pick(x->in, x->n_in, at->w_zero)};
    qn_window win;
    QN_TRY(qn_conv_check_shapes(x->in[0], w, pick(x->in, x->n_in, at->bias), p->group,
                                err));
    if ((zeros[0] && zeros[0]->dtype != x->in[0]->dtype) ||
        (zeros[1] && zeros[1]->dtype != w->dtype))
        return qn_fail(err, QUERN_SHAPE,
                       "a zero point has another type than its tensor");
    for (int k = 0; k < 4; k++)
        QN_TRY(check_quantum(x, single[k], 1, err));
    QN_TRY(check_quantum(x, at->w_zero, w->dim[0], err));
    QN_TRY(check_quantum(x, at->w_scale, w->dim[0], err));
    QN_TRY(qn_window_fit(p, x->in[0], w, &win, err));
    qn_window_shape(x->out[0], x->in[0], w->dim[0], &win);
    return QUERN_OK;
}

static quern_status plain_infer(const qn_infer *x, quern_error *err)
{
    return qc_infer(x, &plain_inputs, err);
}

static quern_status linear_infer(const qn_infer *x, quern_error *err)
{
    quern_dtype y = x->in[linear_inputs.y_zero]->dtype;
    if (y != QUERN_INT8 && y != QUERN_UINT8)
        return qn_fail(err, QUERN_SHAPE, "y_zero_point is %s, wanted int8 or uint8",
                       quern_dtype_name(y));
    return qc_infer(x, &linear_inputs, err);
}

static quern_status qc_prepare(qn_prep *p, const qc_inputs *at, quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_window_params *params = i->params;
    const qn_tensor *x = i->in[0], *w = i->in[at->w];
    qc_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_window_fit(params, x, w, &s->w, err));
    if (qn_tensor_count(i->out[0]) == 0) return QUERN_OK;
    s->at = at;
    s->n = x->dim[0];
    s->groups = params->group;
    s->ic = w->dim[1];
    s->oc = w->dim[0] / s->groups;
    s->k = s->ic * qn_window_product(s->w.kernel, s->w.rank);
    s->len = qn_window_product(s->w.out, s->w.rank);
    s->cols = BLOCK_BYTES / 4 / (s->k + s->oc) / 16 * 16;
    if (s->cols < 16) s->cols = 16;
    if (s->cols > s->len) s->cols = s->len;
    s->weight_elems = (size_t)qn_tensor_count(w);
    size_t bytes, all;
    if (!qn_size_mul((size_t)(s->k + s->oc), (size_t)s->cols, &s->worker_elems) ||
        !qn_size_mul(s->worker_elems, 4 * (size_t)p->n_workers, &all) ||
        !qn_size_mul(s->weight_elems, 4, &bytes) || !qn_size_add(all, bytes, &all))
        return qn_fail(err, QUERN_LIMIT, "columns of %s take too much memory",
                       QN_SHAPE(w));
    qn_prep_scratch(p, all);
    return QUERN_OK;
}

static quern_status plain_prepare(qn_prep *p, quern_error *err)
{
    return qc_prepare(p, &plain_inputs, err);
}

static quern_status linear_prepare(qn_prep *p, quern_error *err)
{
    return qc_prepare(p, &linear_inputs, err);
}

/* Rounds sums of one channel to 8 bits; halves go to even. */
static void requantize(const qc_job *job, int64_t channel, const int32_t *sum,
                       int64_t n, int64_t at)
{
    const qn_instr *i = job->i;
    const qc_inputs *in = job->s->at;
    const qn_tensor *w_scale = i->in[in->w_scale], *y = i->out[0];
    const qn_tensor *bias = pick(i->in, i->n_in, in->bias);
    bool by_channel = qn_tensor_count(w_scale) > 1;
    float scale = (float)qn_get_real(i->in[in->x_scale], 0) *
                  (float)qn_get_real(w_scale, by_channel ? channel : 0) /
                  (float)qn_get_real(i->in[in->y_scale], 0);
    float zero = (float)qn_get_int(i->in[in->y_zero], 0);
    int64_t b = bias ? qn_get_int(bias, channel) : 0;
    bool is_signed = y->dtype == QUERN_INT8;
    float low = is_signed ? -128 : 0, high = is_signed ? 127 : 255;
    for (int64_t k = 0; k < n; k++) {
        float v = rintf((float)(sum[k] + b) * scale) + zero;
        v = v > low ? v < high ? v : high : low; /* NaN becomes the lowest */
        if (is_signed)
            ((int8_t *)y->data)[at + k] = (int8_t)v;
        else
            ((uint8_t *)y->data)[at + k] = (uint8_t)v;
    }
}

/* Item: (image*group, block of positions). */
static void run_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const qc_job *job = ctx;
    const qc_state *s = job->s;
    const qn_tensor *x = job->i->in[0], *y = job->i->out[0];
    const uint32_t *weights = job->i->scratch;
    int32_t *cols =
        (int32_t *)job->i->scratch + s->weight_elems + (size_t)worker * s->worker_elems;
    int64_t blocks = (s->len + s->cols - 1) / s->cols;
    int64_t image = s->ic * qn_window_product(s->w.in, s->w.rank);
    for (int64_t t = begin; t < end; t++) {
        int64_t c0 = t % blocks * s->cols, c1 = c0 + s->cols, ig = t / blocks;
        if (c1 > s->len) c1 = s->len;
        qn_cols part = {0, s->k, c0, c1, c1 - c0};
        if (x->dtype == QUERN_INT8)
            qn_im2col_i8(&s->w, &part, (const int8_t *)x->data + ig * image,
                         job->x_zero, cols);
        else
            qn_im2col_u8(&s->w, &part, (const uint8_t *)x->data + ig * image,
                         job->x_zero, cols);
        int64_t channel = ig % s->groups * s->oc, at = ig * s->oc * s->len + c0;
        bool direct = y->dtype == QUERN_INT32;
        int32_t *sums = direct ? (int32_t *)y->data + at : cols + s->k * part.ld;
        int64_t ld = direct ? s->len : part.ld;
        qn_gemm_u32(NULL, false, false, s->oc, part.ld, s->k, 1,
                    weights + channel * s->k, s->k, (const uint32_t *)cols, part.ld, 0,
                    (uint32_t *)sums, ld);
        for (int64_t o = 0; o < s->oc && !direct; o++)
            requantize(job, channel + o, sums + o * ld, part.ld, at + o * s->len);
    }
}

static quern_status qc_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qc_state *s = i->state;
    (void)err;
    if (s->n == 0) return QUERN_OK;
    const qn_tensor *w = i->in[s->at->w], *zero = pick(i->in, i->n_in, s->at->w_zero);
    const qn_tensor *x_zero = pick(i->in, i->n_in, s->at->x_zero);
    qc_job job = {i, s, x_zero ? (int)qn_get_int(x_zero, 0) : 0};
    qn_zero minus = {zero ? zero->data : NULL, zero && qn_tensor_count(zero) > 1, 0};
    if (w->dtype == QUERN_INT8)
        qn_widen_i8(w->dim[0], s->k, w->data, minus, i->scratch);
    else
        qn_widen_u8(w->dim[0], s->k, w->data, minus, i->scratch);
    qn_parallel_for(x->pool, s->n * s->groups * ((s->len + s->cols - 1) / s->cols), 1,
                    run_blocks, &job);
    return QUERN_OK;
}

static quern_dtype linear_dtype(const qn_node *node, int i)
{
    (void)i;
    return node->in[7] ? node->in[7]->dtype : QUERN_UNDEFINED;
}

static double qc_macs(const qn_infer *x, int w)
{
    return (double)qn_tensor_count(x->out[0]) *
           (double)qn_dims_count(x->in[w], 1, x->in[w]->rank);
}

static double plain_macs(const qn_infer *x)
{
    return qc_macs(x, plain_inputs.w);
}

static double linear_macs(const qn_infer *x)
{
    return qc_macs(x, linear_inputs.w);
}

#define T_8BIT (QN_BIT(QUERN_INT8) | QN_BIT(QUERN_UINT8))

static const qn_attr qc_attrs[] = {QN_CONV_ATTRS, QN_ATTRS_END};

const qn_op qn_op_conv_integer = {
    .name = "ConvInteger",
    .since = 10,
    .first = 10,
    .min_in = 2,
    .max_in = 4,
    .attrs = qc_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {T_8BIT},
    .out_type = QUERN_INT32,
    .check = qn_window_check,
    .infer = plain_infer,
    .prepare = plain_prepare,
    .run = qc_run,
    .macs = plain_macs,
};

/* The last set of types is that of inputs 5 to 8; infer looks at the zero points. */
const qn_op qn_op_qlinear_conv = {
    .name = "QLinearConv",
    .since = 10,
    .first = 10,
    .min_in = 8,
    .max_in = 9,
    .attrs = qc_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {T_8BIT, QN_T_F32, T_8BIT, T_8BIT, QN_T_F32,
              T_8BIT | QN_T_F32 | QN_BIT(QUERN_INT32)},
    .out_dtype = linear_dtype,
    .check = qn_window_check,
    .infer = linear_infer,
    .prepare = linear_prepare,
    .run = qc_run,
    .macs = linear_macs,
};
