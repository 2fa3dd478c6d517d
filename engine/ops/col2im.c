/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/col2im.c - adds blocks of columns [N, C*taps, L] back to images
 * [N, C, image_shape...]; ONNX Col2Im-18.  Integers wrap. */
#include "engine/ops/conv_shape.h"
#include "kernels/conv.h"

#include <string.h>

typedef struct c2i_state {
    qn_window w;
    int64_t planes, taps, len, image;
} c2i_state;

typedef struct c2i_job {
    const qn_instr *i;
    const c2i_state *s;
} c2i_job;

static quern_status c2i_fit(const qn_window_params *p, const qn_tensor *const *in,
                            c2i_state *s, quern_error *err)
{
    const qn_tensor *x = in[0], *shape = in[1], *block = in[2];
    int64_t n = qn_tensor_count(shape);
    if (x->rank != 3 || n < 1 || n > QN_MAX_SPATIAL || qn_tensor_count(block) != n)
        return qn_fail(err, QUERN_SHAPE, "X is %s, image_shape %s, block_shape %s",
                       QN_SHAPE(x), QN_SHAPE(shape), QN_SHAPE(block));
    int64_t kernel[QN_MAX_SPATIAL];
    qn_tensor image = {.dtype = x->dtype, .rank = (int)n + 2, .dim = {x->dim[0], 1}};
    qn_window_params params = *p;
    for (int64_t d = 0; d < n; d++) {
        kernel[d] = qn_get_int(block, d);
        image.dim[2 + d] = qn_get_int(shape, d);
        if (kernel[d] < 1 || image.dim[2 + d] < 0)
            return qn_fail(err, QUERN_DATA, "block size %lld in an image of %lld",
                           (long long)kernel[d], (long long)image.dim[2 + d]);
    }
    params.kernel_shape = (qn_ints){n, kernel};
    params.auto_pad = "NOTSET";
    QN_TRY(qn_window_fit(&params, &image, NULL, &s->w, err));
    size_t taps = 1, len = 1;
    for (int64_t d = 0; d < n; d++)
        if (!qn_size_mul(taps, (size_t)kernel[d], &taps) ||
            !qn_size_mul(len, (size_t)s->w.out[d], &len))
            return qn_fail(err, QUERN_LIMIT, "%s blocks of %s", QN_SHAPE(shape),
                           QN_SHAPE(block));
    if (len != (size_t)x->dim[2] || (size_t)x->dim[1] % taps != 0)
        return qn_fail(err, QUERN_SHAPE, "X is %s but there are %zu blocks of %zu",
                       QN_SHAPE(x), len, taps);
    s->taps = (int64_t)taps;
    s->len = (int64_t)len;
    return QUERN_OK;
}

static quern_status c2i_infer(const qn_infer *x, quern_error *err)
{
    c2i_state s;
    QN_TRY(qn_infer_need(x, 1));
    QN_TRY(qn_infer_need(x, 2));
    QN_TRY(c2i_fit(x->params, x->in, &s, err));
    if (!x->out[0]) return QUERN_OK;
    x->out[0]->rank = s.w.rank + 2;
    x->out[0]->dim[0] = x->in[0]->dim[0];
    x->out[0]->dim[1] = x->in[0]->dim[1] / s.taps;
    for (int d = 0; d < s.w.rank; d++)
        x->out[0]->dim[2 + d] = s.w.in[d];
    return QUERN_OK;
}

static quern_status c2i_prepare(qn_prep *p, quern_error *err)
{
    const qn_tensor *y = p->instr->out[0];
    c2i_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(c2i_fit(p->instr->params, p->instr->in, s, err));
    s->planes = y->dim[0] * y->dim[1];
    s->image = qn_dims_count(y, 2, y->rank);
    return QUERN_OK;
}

static void run_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const c2i_job *job = ctx;
    const c2i_state *s = job->s;
    const qn_tensor *x = job->i->in[0];
    size_t elem = qn_dtype_size(x->dtype);
    (void)worker;
    for (int64_t n = begin; n < end; n++) {
        const void *from =
            (const char *)x->data + (size_t)(n * s->taps * s->len) * elem;
        void *to = (char *)job->i->out[0]->data + (size_t)(n * s->image) * elem;
        memset(to, 0, (size_t)s->image * elem);
        if (x->dtype == QUERN_FLOAT)
            qn_col2im_f32(&s->w, from, to);
        else if (x->dtype == QUERN_DOUBLE)
            qn_col2im_f64(&s->w, from, to);
        else if (elem == 1)
            qn_col2im_u8(&s->w, from, to);
        else if (elem == 2)
            qn_col2im_u16(&s->w, from, to);
        else if (elem == 4)
            qn_col2im_u32(&s->w, from, to);
        else
            qn_col2im_u64(&s->w, from, to);
    }
}

static quern_status c2i_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const c2i_state *s = i->state;
    c2i_job job = {i, s};
    (void)err;
    if (s->image > 0) qn_parallel_for(x->pool, s->planes, 1, run_planes, &job);
    return QUERN_OK;
}

static const qn_attr c2i_attrs[] = {QN_INTS(qn_window_params, strides),
                                    QN_INTS(qn_window_params, pads),
                                    QN_INTS(qn_window_params, dilations), QN_ATTRS_END};

const qn_op qn_op_col2im = {
    .name = "Col2Im",
    .since = 18,
    .first = 18,
    .min_in = 3,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = c2i_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_NUMBERS, QN_T_I64},
    .check = qn_window_check,
    .infer = c2i_infer,
    .prepare = c2i_prepare,
    .run = c2i_run,
};
