/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/is_nan.c - IsNaN-20 and IsInf-20, every floating type. */
#include "engine/broadcast.h"
#include "engine/op.h"
#include "kernels/elementwise.h"

typedef struct is_params {
    int64_t detect_negative, detect_positive;
} is_params;

typedef struct is_job {
    const char *x;
    uint8_t *y;
    enum qn_elem type;
    size_t size;
    const is_params *inf; /* NULL: look for NaN */
} is_job;

static void is_f32(const is_job *job, const float *x, uint8_t *y, int64_t n)
{
    if (job->inf)
        qn_is_inf_f32(x, y, n, job->inf->detect_negative, job->inf->detect_positive);
    else
        qn_is_nan_f32(x, y, n);
}

static void is_f64(const is_job *job, const double *x, uint8_t *y, int64_t n)
{
    if (job->inf)
        qn_is_inf_f64(x, y, n, job->inf->detect_negative, job->inf->detect_positive);
    else
        qn_is_nan_f64(x, y, n);
}

static void is_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    enum { BLOCK = 256 };
    const is_job *job = ctx;
    float block[BLOCK];
    (void)worker;
    const void *at = job->x + (size_t)begin * job->size;
    if (job->type == QN_E_F32) {
        is_f32(job, at, job->y + begin, end - begin);
        return;
    }
    if (job->type == QN_E_F64) {
        is_f64(job, at, job->y + begin, end - begin);
        return;
    }
    const char *x = at;
    for (int64_t i = begin; i < end; i += BLOCK, x += BLOCK * job->size) {
        int64_t n = end - i < BLOCK ? end - i : BLOCK;
        qn_convert(x, job->type, block, QN_E_F32, n, 0);
        is_f32(job, block, job->y + i, n);
    }
}

static quern_status is_run(const qn_instr *i, const qn_exec *x, const is_params *inf)
{
    if (!i->out[0]) return QUERN_OK;
    is_job job = {i->in[0]->data, i->out[0]->data, (enum qn_elem)i->in[0]->dtype,
                  qn_dtype_size(i->in[0]->dtype), inf};
    int64_t n = qn_tensor_count(i->in[0]);
    qn_parallel_for(n > 2 * QN_BLOCK ? x->pool : NULL, n, QN_BLOCK, is_block, &job);
    return QUERN_OK;
}

static quern_status is_nan_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    return is_run(i, x, NULL);
}

static quern_status is_inf_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    return is_run(i, x, i->params);
}

#define IS_TYPES                                                               \
    (QN_T_FLOATS | QN_BIT(QUERN_FLOAT8E4M3FN) | QN_BIT(QUERN_FLOAT8E4M3FNUZ) | \
     QN_BIT(QUERN_FLOAT8E5M2) | QN_BIT(QUERN_FLOAT8E5M2FNUZ))

static const qn_attr is_inf_attrs[] = {
    QN_INT(is_params, detect_negative, 1),
    QN_INT(is_params, detect_positive, 1),
    QN_ATTRS_END,
};

const qn_op qn_op_is_nan = {
    .name = "IsNaN",
    .since = 20,
    .min_in = 1,
    .max_in = 1,
    .types = {IS_TYPES},
    .out_type = QUERN_BOOL,
    .infer = qn_infer_same,
    .run = is_nan_run,
};

const qn_op qn_op_is_inf = {
    .name = "IsInf",
    .since = 20,
    .min_in = 1,
    .max_in = 1,
    .attrs = is_inf_attrs,
    .params_size = sizeof(is_params),
    .types = {IS_TYPES},
    .out_type = QUERN_BOOL,
    .infer = qn_infer_same,
    .run = is_inf_run,
};
