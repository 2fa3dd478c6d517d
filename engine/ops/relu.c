/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/relu.c - Y = max(X, 0), any shape; NaN stays NaN; ONNX Relu-14. */
#include "engine/op.h"

static quern_status relu_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const float *a = i->in[0]->data;
    float *y = i->out[0]->data;
    int64_t n = qn_tensor_count(i->in[0]);
    for (int64_t j = 0; j < n; j++)
        y[j] = a[j] < 0 ? 0 : a[j];
    return QUERN_OK;
}

const qn_op qn_op_relu = {
    .name = "Relu",
    .since = 14,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_INPLACE | QN_OP_HALF_AS_F32,
    .types = {QN_T_F32 | QN_T_HALF},
    .infer = qn_infer_same,
    .run = relu_run,
};
