/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/layer_norm.c - LayerNormalization-17 and RMSNormalization-23 over the axes
 * from `axis` on.  Statistics are formed in double, which is no less than stash_type
 * asks; Mean and InvStdDev come out in the type stash_type names. */
#include "engine/ops/grads.h"
#include "engine/ops/conv_shape.h"
#include "kernels/norm.h"

#include <math.h>

typedef struct ln_params {
    int64_t axis, stash_type;
    float epsilon;
} ln_params;

typedef struct ln_state {
    int64_t rows, len;
    bool rms;
    size_t bytes; /* of one widened operand in scratch */
} ln_state;

typedef struct ln_job {
    const qn_instr *i;
    const ln_state *s;
    const void *scale, *bias; /* len elements each; bias may be NULL */
    const qn_kernels *k;
} ln_job;

static quern_status ln_infer_any(const qn_infer *x, int n_in, quern_error *err)
{
    const ln_params *p = x->params;
    const qn_tensor *in = x->in[0];
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    for (int i = 1; i < n_in && i < x->n_in; i++) {
        const qn_tensor *b = x->in[i];
        if (!b) continue;
        bool fits = b->rank <= in->rank - axis || qn_dims_count(b, 0, b->rank) == 1;
        for (int d = 1; d <= b->rank && fits; d++)
            fits = b->dim[b->rank - d] == 1 ||
                   (d <= in->rank && b->dim[b->rank - d] == in->dim[in->rank - d]);
        if (!fits)
            return qn_fail(err, QUERN_SHAPE, "input %d is %s, X is %s from axis %d on",
                           i, QN_SHAPE(b), QN_SHAPE(in), axis);
    }
    if (x->out[0]) qn_copy_shape(x->out[0], in);
    for (int i = 1; i < x->n_out; i++) {
        if (!x->out[i]) continue;
        qn_copy_shape(x->out[i], in);
        for (int d = axis; d < in->rank; d++)
            x->out[i]->dim[d] = 1;
    }
    return QUERN_OK;
}

static quern_status ln_infer(const qn_infer *x, quern_error *err)
{
    QN_TRY(qn_infer_one_type(x, 3, err));
    return ln_infer_any(x, 3, err);
}

static quern_status rms_infer(const qn_infer *x, quern_error *err)
{
    bool wide = x->in[0]->dtype == QUERN_DOUBLE;
    if (wide != (x->in[1]->dtype == QUERN_DOUBLE)) return qn_infer_one_type(x, 2, err);
    return ln_infer_any(x, 2, err);
}

static quern_dtype ln_dtype(const qn_node *node, int i)
{
    const ln_params *p = node->params;
    if (i > 0) return p->stash_type == QUERN_BFLOAT16 ? QUERN_BFLOAT16 : QUERN_FLOAT;
    return node->in[0] ? node->in[0]->dtype : QUERN_UNDEFINED;
}

static quern_dtype rms_dtype(const qn_node *node, int i)
{
    (void)i;
    return node->in[1] ? node->in[1]->dtype : QUERN_UNDEFINED;
}

static quern_status prepare(qn_prep *p, bool rms, quern_error *err)
{
    const qn_instr *i = p->instr;
    const ln_params *params = i->params;
    const qn_tensor *x = i->in[0];
    ln_state *s;
    int axis;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_axis(params->axis, x->rank, false, &axis, err));
    s->rms = rms;
    s->rows = qn_dims_count(x, 0, axis);
    s->len = qn_dims_count(x, axis, x->rank);
    s->bytes = (size_t)s->len * qn_dtype_size(x->dtype);
    bool widen = false;
    for (int k = 1; k < i->n_in; k++)
        widen = widen || (i->in[k] && qn_tensor_count(i->in[k]) != s->len);
    if (widen) qn_prep_scratch(p, 2 * s->bytes);
    return QUERN_OK;
}

static quern_status ln_prepare(qn_prep *p, quern_error *err)
{
    return prepare(p, false, err);
}

static quern_status rms_prepare(qn_prep *p, quern_error *err)
{
    return prepare(p, true, err);
}

/* An operand of fewer elements than a row, broadcast over the row's axes. */
static const void *widened(const qn_instr *i, int input, const ln_state *s, void *to)
{
    const qn_tensor *x = i->in[0], *b = input < i->n_in ? i->in[input] : NULL;
    if (!b || !to || qn_tensor_count(b) == s->len) return b ? b->data : NULL;
    for (int64_t e = 0; e < s->len; e++) {
        int64_t rest = e, at = 0, pitch = 1;
        for (int d = 1; d <= b->rank; d++) {
            int64_t size = d <= x->rank ? x->dim[x->rank - d] : 1;
            if (b->dim[b->rank - d] != 1) at += rest % size * pitch;
            pitch *= b->dim[b->rank - d];
            rest /= size;
        }
        if (x->dtype == QUERN_DOUBLE)
            ((double *)to)[e] = ((const double *)b->data)[at];
        else
            ((float *)to)[e] = ((const float *)b->data)[at];
    }
    return to;
}

static void run_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    const ln_job *job = ctx;
    const qn_instr *i = job->i;
    const ln_params *p = i->params;
    const qn_tensor *x = i->in[0];
    int64_t len = job->s->len;
    const qn_rownorm norm = {len, (double)p->epsilon, job->scale, job->bias};
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        const double *x64 = (const double *)x->data + r * len;
        const float *x32 = (const float *)x->data + r * len;
        float *y32 = i->out[0] ? (float *)i->out[0]->data + r * len : NULL;
        bool wide = x->dtype == QUERN_DOUBLE;
        qn_moments m = {0, 0};
        if (job->s->rms)
            m.variance =
                wide ? qn_mean_square_f64(x64, len) : qn_mean_square_f32(x32, len);
        else if (wide)
            m = qn_moments_f64(x64, len);
        else
            m = job->k->rownorm_f32(&norm, x32, y32);
        double how[2] = {m.mean, 1 / sqrt(m.variance + (double)p->epsilon)};
        if (i->n_out > 1 && i->out[1]) qn_set_real(i->out[1], r, how[0]);
        if (i->n_out > 2 && i->out[2]) qn_set_real(i->out[2], r, how[1]);
        if (!i->out[0] || (!wide && !job->s->rms)) continue;
        if (wide)
            qn_normalize_f64((double *)i->out[0]->data + r * len, x64, len, how,
                             job->scale, job->bias);
        else
            qn_normalize_f32(y32, x32, len, how, job->scale, job->bias);
    }
}

static quern_status ln_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const ln_state *s = i->state;
    char *scratch = i->scratch;
    (void)err;
    if (s->len == 0 && !(i->n_out > 1)) return QUERN_OK;
    ln_job job = {i, s, widened(i, 1, s, scratch), NULL, x->k};
    job.bias = widened(i, 2, s, scratch ? scratch + s->bytes : NULL);
    int64_t grain = (32 << 10) / (s->len + 1);
    qn_parallel_for(x->pool, s->rows, grain < 1 ? 1 : grain, run_rows, &job);
    return QUERN_OK;
}

static const qn_attr ln_attrs[] = {QN_INT(ln_params, axis, -1),
                                   QN_INT(ln_params, stash_type, QUERN_FLOAT),
                                   QN_FLOAT(ln_params, epsilon, 1e-5f), QN_ATTRS_END};

const qn_op qn_op_layer_normalization = {
    .name = "LayerNormalization",
    .since = 17,
    .first = 17,
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = ln_attrs,
    .params_size = sizeof(ln_params),
    .types = {QN_T_FLOATS},
    .out_dtype = ln_dtype,
    .infer = ln_infer,
    .prepare = ln_prepare,
    .grad = qn_grad_layer_norm,
    .run = ln_run,
};

const qn_op qn_op_rms_normalization = {
    .name = "RMSNormalization",
    .since = 23,
    .first = 23,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = ln_attrs,
    .params_size = sizeof(ln_params),
    .types = {QN_T_FLOATS},
    .out_dtype = rms_dtype,
    .infer = rms_infer,
    .prepare = rms_prepare,
    .grad = qn_grad_layer_norm,
    .run = ln_run,
};
