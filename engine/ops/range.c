/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/range.c - start + i*delta up to limit; ONNX Range-27.  Floats are formed
 * in double and rounded once; integer counts are exact. */
#include "engine/index.h"
#include "engine/op.h"

#include <math.h>

typedef struct range_params {
    int64_t stash_type; /* intermediate type for halves: always at least float32 here */
} range_params;

/* Number of elements; -1 for a step of zero, -2 when it is no number or too large. */
static int64_t range_count(const qn_tensor *const *in)
{
    if (qn_dtype_is_float(in[0]->dtype)) {
        double start = qn_get_real(in[0], 0), limit = qn_get_real(in[1], 0);
        double delta = qn_get_real(in[2], 0);
        if (delta == 0) return -1;
        double n = ceil((limit - start) / delta);
        return n < 9e18 ? (n > 0 ? (int64_t)n : 0) : -2;
    }
    int64_t start = qn_get_int(in[0], 0), limit = qn_get_int(in[1], 0);
    int64_t delta = qn_get_int(in[2], 0);
    if (delta == 0) return -1;
    uint64_t span = delta > 0 ? (uint64_t)limit - (uint64_t)start
                              : (uint64_t)start - (uint64_t)limit;
    uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
    if (delta > 0 ? limit <= start : limit >= start) return 0;
    uint64_t n = (span - 1) / step + 1;
    return n <= INT64_MAX ? (int64_t)n : -2;
}

static quern_status range_infer(const qn_infer *x, quern_error *err)
{
    static const char *const names[] = {"start", "limit", "delta"};
    for (int i = 0; i < 3; i++) {
        if (qn_tensor_count(x->in[i]) != 1 || x->in[i]->dtype != x->in[0]->dtype)
            return qn_fail(err, QUERN_SHAPE, "%s is %s %s, not one %s", names[i],
                           quern_dtype_name(x->in[i]->dtype), QN_SHAPE(x->in[i]),
                           quern_dtype_name(x->in[0]->dtype));
        QN_TRY(qn_infer_need(x, i));
    }
    int64_t n = range_count(x->in);
    if (n < 0)
        return qn_fail(err, QUERN_DATA, "%g to %g by %g is no finite range",
                       qn_get_real(x->in[0], 0), qn_get_real(x->in[1], 0),
                       qn_get_real(x->in[2], 0));
    x->out[0]->rank = 1;
    x->out[0]->dim[0] = n;
    return QUERN_OK;
}

static quern_status range_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    qn_tensor *y = i->out[0];
    int64_t n = y->dim[0];
    if (qn_dtype_is_float(y->dtype)) {
        double start = qn_get_real(i->in[0], 0), delta = qn_get_real(i->in[2], 0);
        for (int64_t k = 0; k < n; k++)
            qn_set_real(y, k, start + (double)k * delta);
        return QUERN_OK;
    }
    uint64_t at = (uint64_t)qn_get_int(i->in[0], 0);
    uint64_t delta = (uint64_t)qn_get_int(i->in[2], 0);
    for (int64_t k = 0; k < n; k++, at += delta) {
        if (y->dtype == QUERN_INT64)
            ((int64_t *)y->data)[k] = (int64_t)at;
        else if (y->dtype == QUERN_INT32)
            ((int32_t *)y->data)[k] = (int32_t)(int64_t)at;
        else
            ((int16_t *)y->data)[k] = (int16_t)(int64_t)at;
    }
    return QUERN_OK;
}

static const qn_attr range_attrs[] = {
    QN_INT(range_params, stash_type, 1),
    QN_ATTRS_END,
};

const qn_op qn_op_range = {
    .name = "Range",
    .since = 27,
    .first = 11,
    .min_in = 3,
    .max_in = 3,
    .attrs = range_attrs,
    .params_size = sizeof(range_params),
    .types = {QN_T_FLOATS | QN_BIT(QUERN_INT16) | QN_T_INDEX},
    .infer = range_infer,
    .run = range_run,
};
