/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_transpose.c - the transpose of a convolution: columns = W' X by the
 * gemm slot, folded onto the output image; ONNX ConvTranspose-22.  The window is that
 * of the convolution which would lead back: its input is Y, its outputs are X. */
#include "engine/ops/conv_shape.h"
#include "kernels/act.h"
#include "kernels/conv.h"

#include <string.h>

typedef struct ct_state {
    qn_window w;
    int64_t n, groups, ic, oc; /* channels of a group */
    int64_t taps, len, image;  /* kernel; positions of X; positions of Y */
    int64_t block, col_elems;  /* output channels at a time; scratch of a worker */
} ct_state;

typedef struct ct_job {
    const qn_instr *i;
    const qn_exec *x;
} ct_job;

enum { COLUMN_BYTES = 1 << 20 };

/* One axis: size of Y and the padding that is cut off it. */
static quern_status fit_axis(const qn_window_params *p, qn_window *w, int d,
                             quern_error *err)
{
    bool same = strncmp(p->auto_pad, "SAME", 4) == 0;
    bool upper = strcmp(p->auto_pad, "SAME_UPPER") == 0;
    int64_t extra = p->output_padding.v ? p->output_padding.v[d] : 0, full, out;
    int64_t reach = (w->kernel[d] - 1) * w->dilation[d] + 1;
    if (__builtin_mul_overflow(w->out[d] - 1, w->stride[d], &full) ||
        __builtin_add_overflow(full, reach + extra, &full))
        return qn_fail(err, QUERN_LIMIT, "axis %d grows too far from %lld", d + 2,
                       (long long)w->out[d]);
    if (p->output_shape.v || same) {
        out = p->output_shape.v ? p->output_shape.v[p->output_shape.n - w->rank + d]
                                : w->out[d] * w->stride[d];
        int64_t total = full > out ? full - out : 0;
        w->begin[d] = upper ? total / 2 : total - total / 2;
        w->end[d] = total - w->begin[d];
    } else {
        bool listed = p->pads.v && strcmp(p->auto_pad, "VALID") != 0;
        w->begin[d] = listed ? p->pads.v[d] : 0;
        w->end[d] = listed ? p->pads.v[w->rank + d] : 0;
        out = full - w->begin[d] - w->end[d];
    }
    w->in[d] = out > 0 ? out : 0;
    return QUERN_OK;
}

static quern_status ct_fit(const qn_window_params *p, const qn_tensor *x,
                           const qn_tensor *weight, qn_window *w, quern_error *err)
{
    QN_TRY(qn_window_kernel(p, x, weight, w, err));
    if ((p->pads.v && p->pads.n != 2 * w->rank) ||
        (p->output_padding.v && p->output_padding.n != w->rank) ||
        (p->output_shape.v && p->output_shape.n != w->rank &&
         p->output_shape.n != w->rank + 2))
        return qn_fail(
            err, QUERN_SHAPE,
            "pads, output_padding or output_shape do not fit %d spatial axes", w->rank);
    for (int d = 0; d < w->rank; d++) {
        w->out[d] = w->in[d];
        QN_TRY(fit_axis(p, w, d, err));
    }
    return QUERN_OK;
}

static quern_status ct_infer(const qn_infer *x, quern_error *err)
{
    const qn_window_params *p = x->params;
    const qn_tensor *in = x->in[0], *w = x->in[1], *b = x->n_in > 2 ? x->in[2] : NULL;
    qn_window win;
    QN_TRY(qn_infer_one_type(x, 3, err));
    if (in->rank < 3 || w->rank != in->rank || in->dim[1] != w->dim[0] ||
        p->group < 1 || w->dim[0] % p->group)
        return qn_fail(err, QUERN_SHAPE, "X is %s but W is %s with group %lld",
                       QN_SHAPE(in), QN_SHAPE(w), (long long)p->group);
    QN_TRY(ct_fit(p, in, w, &win, err));
    int64_t channels;
    if (__builtin_mul_overflow(w->dim[1], p->group, &channels))
        return qn_fail(err, QUERN_LIMIT, "W is %s with group %lld", QN_SHAPE(w),
                       (long long)p->group);
    if (b && (b->rank != 1 || b->dim[0] != channels))
        return qn_fail(err, QUERN_SHAPE, "B is %s, wanted [%lld]", QN_SHAPE(b),
                       (long long)channels);
    memcpy(win.out, win.in, sizeof win.out); /* Y is the window's input */
    qn_window_shape(x->out[0], in, channels, &win);
    return QUERN_OK;
}

static quern_status ct_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_window_params *params = i->params;
    const qn_tensor *x = i->in[0], *w = i->in[1];
    size_t elem = qn_dtype_size(x->dtype), bytes;
    ct_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(ct_fit(params, x, w, &s->w, err));
    if (qn_tensor_count(i->out[0]) == 0) return QUERN_OK;
    s->n = x->dim[0];
    s->groups = params->group;
    s->ic = w->dim[0] / s->groups;
    s->oc = w->dim[1];
    s->taps = qn_window_product(s->w.kernel, s->w.rank);
    s->len = qn_window_product(s->w.out, s->w.rank);
    s->image = qn_window_product(s->w.in, s->w.rank);
    if (!qn_size_mul((size_t)s->taps, (size_t)s->len * elem, &bytes))
        return qn_fail(err, QUERN_LIMIT, "columns of %s take too much memory",
                       QN_SHAPE(w));
    s->block = bytes ? (int64_t)(COLUMN_BYTES / bytes) : s->oc;
    s->block = s->block < 1 ? 1 : s->block > s->oc ? s->oc : s->block;
    s->col_elems = s->block * s->taps * s->len;
    if (!qn_size_mul(bytes, (size_t)(s->block * p->n_workers), &bytes))
        return qn_fail(err, QUERN_LIMIT, "columns of %s take too much memory",
                       QN_SHAPE(w));
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

/* Folds `count` channels of columns and finishes them; `channel` is the first in Y. */
static void fold(const ct_job *job, int64_t image, int64_t channel, int64_t count,
                 const void *cols)
{
    const ct_state *s = job->i->state;
    const qn_tensor *y = job->i->out[0];
    const qn_tensor *b = job->i->n_in > 2 ? job->i->in[2] : NULL;
    const qn_act *act = &job->i->act;
    for (int64_t c = 0; c < count; c++) {
        int64_t at = (image * s->groups * s->oc + channel + c) * s->image;
        int64_t from = c * s->taps * s->len;
        double bias = b ? qn_get_real(b, channel + c) : 0;
        if (y->dtype == QUERN_DOUBLE) {
            double *to = (double *)y->data + at;
            memset(to, 0, (size_t)s->image * sizeof *to);
            qn_col2im_f64(&s->w, (const double *)cols + from, to);
            qn_shift_f64(to, bias, s->image);
            if (act->kind) qn_act_f64(act->kind, act->alpha, act->beta, to, s->image);
        } else {
            float *to = (float *)y->data + at;
            memset(to, 0, (size_t)s->image * sizeof *to);
            qn_col2im_f32(&s->w, (const float *)cols + from, to);
            qn_shift_f32(to, (float)bias, s->image);
            if (act->kind) qn_act_f32(act->kind, act->alpha, act->beta, to, s->image);
        }
    }
}

/* Item: (image, group, block of output channels). */
static void run_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const ct_job *job = ctx;
    const ct_state *s = job->i->state;
    const qn_tensor *x = job->i->in[0], *w = job->i->in[1];
    const qn_kernels *k = job->x->k;
    int64_t blocks = (s->oc + s->block - 1) / s->block, lda = s->oc * s->taps;
    for (int64_t t = begin; t < end; t++) {
        int64_t o = t % blocks * s->block, group = t / blocks % s->groups;
        int64_t image = t / blocks / s->groups;
        int64_t count = s->oc - o < s->block ? s->oc - o : s->block;
        int64_t xa = (image * s->groups + group) * s->ic * s->len;
        int64_t wa = group * s->ic * lda + o * s->taps;
        if (x->dtype == QUERN_DOUBLE) {
            double *cols = (double *)job->i->scratch + worker * s->col_elems;
            k->gemm_f64(k, true, false, count * s->taps, s->len, s->ic, 1,
                        (const double *)w->data + wa, lda, (const double *)x->data + xa,
                        s->len, 0, cols, s->len);
            fold(job, image, group * s->oc + o, count, cols);
        } else {
            float *cols = (float *)job->i->scratch + worker * s->col_elems;
            k->gemm_f32(k, true, false, count * s->taps, s->len, s->ic, 1,
                        (const float *)w->data + wa, lda, (const float *)x->data + xa,
                        s->len, 0, cols, s->len);
            fold(job, image, group * s->oc + o, count, cols);
        }
    }
}

static quern_status ct_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const ct_state *s = i->state;
    ct_job job = {i, x};
    (void)err;
    if (s->n == 0) return QUERN_OK;
    qn_parallel_for(x->pool, s->n * s->groups * ((s->oc + s->block - 1) / s->block), 1,
                    run_blocks, &job);
    return QUERN_OK;
}

static double ct_macs(const qn_infer *x)
{
    return (double)qn_tensor_count(x->in[0]) *
           (double)qn_dims_count(x->in[1], 1, x->in[1]->rank);
}

static const qn_attr ct_attrs[] = {
    QN_CONV_ATTRS, QN_INTS(qn_window_params, output_padding),
    QN_INTS(qn_window_params, output_shape), QN_ATTRS_END};

const qn_op qn_op_conv_transpose = {
    .name = "ConvTranspose",
    .since = 22,
    .min_in = 2,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32 | QN_OP_FUSES_ACT,
    .attrs = ct_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS},
    .check = qn_window_check,
    .infer = ct_infer,
    .prepare = ct_prepare,
    .run = ct_run,
    .macs = ct_macs,
};
