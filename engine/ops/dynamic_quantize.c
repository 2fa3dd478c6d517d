/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/dynamic_quantize.c - DynamicQuantizeLinear-11: uint8 with the scale and
 * zero point that just cover the tensor's values and 0. */
#include "engine/op.h"
#include "kernels/convert.h"
#include "kernels/quantize.h"

static quern_dtype dynamic_dtype(const qn_node *node, int i)
{
    (void)node;
    return i == 1 ? QUERN_FLOAT : QUERN_UINT8;
}

static quern_status dynamic_infer(const qn_infer *x, quern_error *err)
{
    for (int i = 1; i < x->n_out; i++)
        if (x->out[i]) x->out[i]->rank = 0;
    return qn_infer_same(x, err);
}

static void quantize_all(const float *x, const qn_quant *q, uint8_t *y, int64_t n)
{
    enum { BLOCK = 256 };
    float block[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        qn_quantize_f32(x + i, q, block, m);
        qn_convert(block, QN_E_F32, y + i, QN_E_U8, m, 0);
    }
}

static quern_status dynamic_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const float *in = i->in[0]->data;
    int64_t n = qn_tensor_count(i->in[0]);
    float lo, hi, zero;
    const float none = 0;
    qn_range_f32(in, n, &lo, &hi);
    float scale = hi > lo ? (hi - lo) / 255 : 1, low = -lo;
    const qn_quant of_zero = {&scale, &none, 0, 0, 255};
    qn_quantize_f32(&low, &of_zero, &zero, 1);
    const qn_quant q = {&scale, &zero, 0, 0, 255};
    if (i->out[0]) quantize_all(in, &q, i->out[0]->data, n);
    if (i->n_out > 1 && i->out[1]) *(float *)i->out[1]->data = scale;
    if (i->n_out > 2 && i->out[2]) *(uint8_t *)i->out[2]->data = (uint8_t)zero;
    return QUERN_OK;
}

const qn_op qn_op_dynamic_quantize_linear = {
    .name = "DynamicQuantizeLinear",
    .since = 11,
    .min_in = 1,
    .max_in = 1,
    .min_out = 3,
    .max_out = 3,
    .types = {QN_T_F32},
    .out_dtype = dynamic_dtype,
    .infer = dynamic_infer,
    .run = dynamic_run,
};
