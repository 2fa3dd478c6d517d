/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/causal_conv.c - depthwise convolution of a sequence over its past, with
 * the last k-1 inputs carried from call to call; ONNX CausalConvWithState-27. */
#include "engine/ops/conv_shape.h"
#include "kernels/act.h"

#include <string.h>

typedef struct cc_params {
    const char *activation;
} cc_params;

typedef struct cc_state {
    int64_t len, past, channels; /* new positions; carried ones (k - 1) */
    int64_t shift[];             /* of each tap: 0 .. k-1 */
} cc_state;

typedef struct cc_job {
    const qn_instr *i;
    const qn_exec *x;
    const cc_state *s;
    bool silu;
} cc_job;

static quern_status cc_check(const qn_node *node, quern_error *err)
{
    const cc_params *p = node->params;
    if (strcmp(p->activation, "none") == 0 || strcmp(p->activation, "silu") == 0 ||
        strcmp(p->activation, "swish") == 0)
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "activation is '%s'", p->activation);
}

static quern_status cc_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0], *w = x->in[1];
    const qn_tensor *b = x->n_in > 2 ? x->in[2] : NULL;
    const qn_tensor *past = x->n_in > 3 ? x->in[3] : NULL;
    QN_TRY(qn_infer_one_type(x, 4, err));
    if (in->rank != 3 || w->rank != 3 || w->dim[0] != in->dim[1] || w->dim[1] != 1 ||
        w->dim[2] < 1)
        return qn_fail(err, QUERN_SHAPE, "input is %s but weight is %s", QN_SHAPE(in),
                       QN_SHAPE(w));
    qn_tensor carried = *in;
    carried.dim[2] = w->dim[2] - 1;
    if (past && !qn_same_shape(past, &carried))
        return qn_fail(err, QUERN_SHAPE, "past_state is %s, wanted %s", QN_SHAPE(past),
                       QN_SHAPE(&carried));
    if (b && (b->rank != 1 || b->dim[0] != in->dim[1]))
        return qn_fail(err, QUERN_SHAPE, "bias is %s but input is %s", QN_SHAPE(b),
                       QN_SHAPE(in));
    if (x->out[0]) qn_copy_shape(x->out[0], in);
    if (x->n_out > 1 && x->out[1]) qn_copy_shape(x->out[1], &carried);
    return QUERN_OK;
}

static quern_status cc_prepare(qn_prep *p, quern_error *err)
{
    const qn_tensor *x = p->instr->in[0], *w = p->instr->in[1];
    cc_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s + (size_t)w->dim[2] * sizeof s->shift[0],
                         (void **)&s, err));
    s->len = x->dim[2];
    s->past = w->dim[2] - 1;
    s->channels = x->dim[1];
    for (int64_t t = 0; t < w->dim[2]; t++)
        s->shift[t] = t;
    qn_prep_scratch(p,
                    (size_t)p->n_workers * (size_t)(s->past + s->len) * sizeof(float));
    return QUERN_OK;
}

/* Item: a channel of an image. */
static void run_channels(void *ctx, int64_t begin, int64_t end, int worker)
{
    const cc_job *job = ctx;
    const cc_state *s = job->s;
    const qn_instr *i = job->i;
    const qn_tensor *b = i->n_in > 2 ? i->in[2] : NULL;
    const qn_tensor *past = i->n_in > 3 ? i->in[3] : NULL;
    size_t carried = (size_t)s->past * sizeof(float);
    float *row = (float *)i->scratch + worker * (s->past + s->len);
    for (int64_t n = begin; n < end; n++) {
        int64_t channel = n % s->channels;
        if (past)
            memcpy(row, (const float *)past->data + n * s->past, carried);
        else
            memset(row, 0, carried);
        memcpy(row + s->past, (const float *)i->in[0]->data + n * s->len,
               (size_t)s->len * sizeof(float));
        if (i->n_out > 1 && i->out[1])
            memcpy((float *)i->out[1]->data + n * s->past, row + s->len, carried);
        if (!i->out[0]) continue;
        float *y = (float *)i->out[0]->data + n * s->len;
        job->x->k->dwtaps_f32(s->len, (int)s->past + 1, s->shift,
                              (const float *)i->in[1]->data + channel * (s->past + 1),
                              b ? ((const float *)b->data)[channel] : 0, row, y);
        if (job->silu) qn_act_f32(QN_ACT_SILU, 0, 0, y, s->len);
    }
}

static quern_status cc_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const cc_params *p = i->params;
    const cc_state *s = i->state;
    cc_job job = {i, x, s, strcmp(p->activation, "none") != 0};
    (void)err;
    qn_parallel_for(x->pool, i->in[0]->dim[0] * s->channels,
                    (16 << 10) / (s->past + s->len + 1) + 1, run_channels, &job);
    return QUERN_OK;
}

static const qn_attr cc_attrs[] = {QN_STR(cc_params, activation, "none"), QN_ATTRS_END};

const qn_op qn_op_causal_conv_with_state = {
    .name = "CausalConvWithState",
    .since = 27,
    .first = 27,
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = cc_attrs,
    .params_size = sizeof(cc_params),
    .types = {QN_T_F32 | QN_T_HALF},
    .check = cc_check,
    .infer = cc_infer,
    .prepare = cc_prepare,
    .run = cc_run,
};
