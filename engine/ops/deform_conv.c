/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/deform_conv.c - a convolution whose taps are moved by offsets and weighted
 * by a mask, both per output position; ONNX DeformConv-22, two spatial axes.  Windows
 * are sampled into columns (a tap outside counts 0), then multiplied as Conv does. */
#include "engine/ops/conv_shape.h"
#include "kernels/sample.h"

#include <string.h>

typedef struct dc_state {
    qn_window w;
    int64_t n, groups, ic, oc, taps, len,
        cols; /* channels of a group; columns a block */
    int64_t offset_groups, col_elems;
} dc_state;

typedef struct dc_job {
    const qn_instr *i;
    const qn_exec *x;
    const dc_state *s;
} dc_job;

enum { BLOCK_BYTES = 1 << 19 };

static quern_status dc_infer(const qn_infer *x, quern_error *err)
{
    const qn_window_params *p = x->params;
    const qn_tensor *in = x->in[0], *w = x->in[1], *offset = x->in[2];
    const qn_tensor *b = x->n_in > 3 ? x->in[3] : NULL;
    const qn_tensor *mask = x->n_in > 4 ? x->in[4] : NULL;
    qn_window win;
    QN_TRY(qn_infer_one_type(x, 5, err));
    QN_TRY(qn_conv_check_shapes(in, w, b, p->group, err));
    if (in->rank != 4)
        return qn_fail(err, QUERN_UNSUPPORTED, "X is %s, wanted [N,C,H,W]",
                       QN_SHAPE(in));
    QN_TRY(qn_window_fit(p, in, w, &win, err));
    int64_t taps = qn_window_product(win.kernel, 2), groups = p->offset_group;
    if (groups < 1 || in->dim[1] % groups)
        return qn_fail(err, QUERN_SHAPE, "%lld channels in %lld offset groups",
                       (long long)in->dim[1], (long long)groups);
    const qn_tensor *moves[2] = {offset, mask};
    for (int k = 0; k < 2; k++) {
        const qn_tensor *t = moves[k];
        if (t && (t->rank != 4 || t->dim[0] != in->dim[0] ||
                  t->dim[1] / groups != taps * (2 - k) || t->dim[1] % groups ||
                  t->dim[2] != win.out[0] || t->dim[3] != win.out[1]))
            return qn_fail(err, QUERN_SHAPE, "%s is %s for X %s and W %s",
                           k ? "mask" : "offset", QN_SHAPE(t), QN_SHAPE(in),
                           QN_SHAPE(w));
    }
    qn_window_shape(x->out[0], in, w->dim[0], &win);
    return QUERN_OK;
}

static quern_status dc_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_window_params *params = i->params;
    const qn_tensor *x = i->in[0], *w = i->in[1];
    size_t elem = qn_dtype_size(x->dtype), bytes;
    dc_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_window_fit(params, x, w, &s->w, err));
    if (qn_tensor_count(i->out[0]) == 0) return QUERN_OK;
    s->n = x->dim[0];
    s->groups = params->group;
    s->ic = w->dim[1];
    s->oc = w->dim[0] / s->groups;
    s->taps = qn_window_product(s->w.kernel, 2);
    s->len = qn_window_product(s->w.out, 2);
    s->offset_groups = params->offset_group;
    s->cols = BLOCK_BYTES / (int64_t)elem / (s->ic * s->taps + 1);
    s->cols = s->cols < 16 ? 16 : s->cols;
    s->cols = s->cols > s->len ? s->len : s->cols;
    if (!qn_size_mul((size_t)(s->ic * s->taps), (size_t)s->cols, &bytes) ||
        !qn_size_mul(bytes, elem * (size_t)p->n_workers, &bytes))
        return qn_fail(err, QUERN_LIMIT, "columns of %s take too much memory",
                       QN_SHAPE(w));
    s->col_elems = s->ic * s->taps * s->cols;
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

/* Samples tap `tap` at output position `at` for the channels of a group that share an
 * offset group; column c of the matrix with row length ld. */
static void sample_tap(const dc_job *job, int64_t image, int64_t channel, int64_t tap,
                       int64_t at, double *value, int64_t n)
{
    const dc_state *s = job->s;
    const qn_tensor *x = job->i->in[0], *offset = job->i->in[2];
    const qn_tensor *mask = job->i->n_in > 4 ? job->i->in[4] : NULL;
    const qn_window *w = &s->w;
    int64_t og = channel / (x->dim[1] / s->offset_groups);
    int64_t field = (image * s->offset_groups + og) * s->taps + tap;
    int64_t o[2] = {at / w->out[1], at % w->out[1]};
    int64_t k[2] = {tap / w->kernel[1], tap % w->kernel[1]};
    double pixel[2];
    for (int d = 0; d < 2; d++)
        pixel[d] = (double)(o[d] * w->stride[d] + k[d] * w->dilation[d] - w->begin[d]) +
                   qn_get_real(offset, (2 * field + d) * s->len + at);
    qn_sample how = {.rank = 2, .dim = {w->in[0], w->in[1]}};
    qn_point point;
    qn_sample_point(&how, pixel, &point);
    double weight = mask ? qn_get_real(mask, field * s->len + at) : 1;
    int64_t plane = w->in[0] * w->in[1], from = (image * x->dim[1] + channel) * plane;
    for (int64_t c = 0; c < n; c++, from += plane)
        value[c] =
            weight * (x->dtype == QUERN_DOUBLE
                          ? qn_sample_f64(&point, (const double *)x->data + from)
                          : qn_sample_f32(&point, (const float *)x->data + from));
}

enum { CHANNELS = 32 }; /* that are sampled together */

/* Columns [c0, c1) of a group's matrix. */
static void fill_columns(const dc_job *job, int64_t image, int64_t group, int64_t c0,
                         int64_t c1, void *cols)
{
    const dc_state *s = job->s;
    const qn_tensor *x = job->i->in[0];
    int64_t shared = x->dim[1] / s->offset_groups, n;
    for (int64_t ch = 0; ch < s->ic; ch += n) {
        int64_t channel = group * s->ic + ch;
        n = shared - channel % shared;
        n = n > s->ic - ch ? s->ic - ch : n;
        n = n > CHANNELS ? CHANNELS : n;
        for (int64_t tap = 0; tap < s->taps; tap++)
            for (int64_t at = c0; at < c1; at++) {
                double value[CHANNELS];
                sample_tap(job, image, channel, tap, at, value, n);
                for (int64_t c = 0; c < n; c++) {
                    int64_t to = ((ch + c) * s->taps + tap) * (c1 - c0) + at - c0;
                    if (x->dtype == QUERN_DOUBLE)
                        ((double *)cols)[to] = value[c];
                    else
                        ((float *)cols)[to] = (float)value[c];
                }
            }
    }
}

/* Item: (image*group, block of positions). */
static void run_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const dc_job *job = ctx;
    const dc_state *s = job->s;
    const qn_instr *i = job->i;
    const qn_kernels *kernels = job->x->k;
    const qn_tensor *w = i->in[1], *b = i->n_in > 3 ? i->in[3] : NULL;
    qn_tensor *y = i->out[0];
    bool wide = y->dtype == QUERN_DOUBLE;
    int64_t blocks = (s->len + s->cols - 1) / s->cols, k = s->ic * s->taps;
    char *cols = (char *)i->scratch + (size_t)(worker * s->col_elems) * (wide ? 8 : 4);
    for (int64_t t = begin; t < end; t++) {
        int64_t ig = t / blocks, group = ig % s->groups, c0 = t % blocks * s->cols;
        int64_t n = s->len - c0 < s->cols ? s->len - c0 : s->cols;
        int64_t channel = group * s->oc, at = ig * s->oc * s->len + c0;
        fill_columns(job, ig / s->groups, group, c0, c0 + n, cols);
        for (int64_t o = 0; o < s->oc; o++) {
            double bias = b ? qn_get_real(b, channel + o) : 0;
            for (int64_t j = 0; j < n && wide; j++)
                ((double *)y->data)[at + o * s->len + j] = bias;
            for (int64_t j = 0; j < n && !wide; j++)
                ((float *)y->data)[at + o * s->len + j] = (float)bias;
        }
        if (wide)
            kernels->gemm_f64(kernels, false, false, s->oc, n, k, 1,
                              (const double *)w->data + channel * k, k,
                              (const double *)(void *)cols, n, 1,
                              (double *)y->data + at, s->len);
        else
            kernels->gemm_f32(kernels, false, false, s->oc, n, k, 1,
                              (const float *)w->data + channel * k, k,
                              (const float *)(void *)cols, n, 1, (float *)y->data + at,
                              s->len);
    }
}

static quern_status dc_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const dc_state *s = i->state;
    dc_job job = {i, x, s};
    (void)err;
    if (s->n == 0) return QUERN_OK;
    qn_parallel_for(x->pool, s->n * s->groups * ((s->len + s->cols - 1) / s->cols), 1,
                    run_blocks, &job);
    return QUERN_OK;
}

static double dc_macs(const qn_infer *x)
{
    return (double)qn_tensor_count(x->out[0]) *
           (double)qn_dims_count(x->in[1], 1, x->in[1]->rank);
}

static const qn_attr dc_attrs[] = {
    QN_CONV_ATTRS, QN_INT(qn_window_params, offset_group, 1), QN_ATTRS_END};

const qn_op qn_op_deform_conv = {
    .name = "DeformConv",
    .since = 22,
    .first = 19,
    .min_in = 3,
    .max_in = 5,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = dc_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS},
    .check = qn_window_check,
    .infer = dc_infer,
    .prepare = dc_prepare,
    .run = dc_run,
    .macs = dc_macs,
};
