/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/cumsum.c - running sums and products along an axis, from either end, with
 * or without the element itself; ONNX CumSum-14 and CumProd-26. */
#include "engine/ops/grads.h"
#include "engine/index.h"
#include "engine/op.h"
#include "kernels/scan.h"

typedef struct scan_params {
    int64_t exclusive, reverse;
} scan_params;

static quern_status scan_infer(const qn_infer *x, quern_error *err)
{
    if (qn_tensor_count(x->in[1]) != 1)
        return qn_fail(err, QUERN_SHAPE, "axis is %s instead of a scalar",
                       QN_SHAPE(x->in[1]));
    qn_copy_shape(x->out[0], x->in[0]);
    return QUERN_OK;
}

static quern_status scan_run(const qn_instr *i, bool product, quern_error *err)
{
    const scan_params *p = i->params;
    const qn_tensor *in = i->in[0];
    int axis;
    QN_TRY(qn_axis(qn_get_int(i->in[1], 0), in->rank, false, &axis, err));
    qn_scan_shape shape = {.outer = qn_dims_count(in, 0, axis),
                           .n = in->dim[axis],
                           .inner = qn_dims_count(in, axis + 1, in->rank),
                           .product = product,
                           .exclusive = p->exclusive != 0,
                           .reverse = p->reverse != 0};
    qn_scan_fn *fn = in->dtype == QUERN_FLOAT        ? qn_scan_f32
                     : in->dtype == QUERN_DOUBLE     ? qn_scan_f64
                     : qn_dtype_size(in->dtype) == 4 ? qn_scan_u32
                                                     : qn_scan_u64;
    fn(&shape, in->data, i->out[0]->data);
    return QUERN_OK;
}

static quern_status cumsum_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    return scan_run(i, false, err);
}

static quern_status cumprod_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    return scan_run(i, true, err);
}

static const qn_attr scan_attrs[] = {
    QN_INT(scan_params, exclusive, 0),
    QN_INT(scan_params, reverse, 0),
    QN_ATTRS_END,
};

#define SCAN_TYPES \
    (QN_T_FLOATS | QN_T_INDEX | QN_BIT(QUERN_UINT32) | QN_BIT(QUERN_UINT64))

const qn_op qn_op_cumsum = {
    .name = "CumSum",
    .since = 14,
    .first = 11,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = scan_attrs,
    .params_size = sizeof(scan_params),
    .types = {SCAN_TYPES, QN_T_INDEX},
    .infer = scan_infer,
    .grad = qn_grad_cumsum,
    .run = cumsum_run,
};

const qn_op qn_op_cumprod = {
    .name = "CumProd",
    .since = 26,
    .first = 26,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = scan_attrs,
    .params_size = sizeof(scan_params),
    .types = {SCAN_TYPES, QN_T_INDEX},
    .infer = scan_infer,
    .run = cumprod_run,
};
