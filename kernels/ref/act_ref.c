/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/act_ref.c - activations in place, by the functions of elementwise.h. */
#include "kernels/act.h"
#include "kernels/elementwise.h"

static const enum qn_unary_op act_fn[] = {
    [QN_ACT_RELU] = QN_UNARY_relu,
    [QN_ACT_CLIP] = QN_UNARY_clip,
    [QN_ACT_LEAKY_RELU] = QN_UNARY_leaky_relu,
    [QN_ACT_HARD_SIGMOID] = QN_UNARY_hard_sigmoid,
    [QN_ACT_HARD_SWISH] = QN_UNARY_hard_swish,
    [QN_ACT_SIGMOID] = QN_UNARY_sigmoid,
    [QN_ACT_SILU] = QN_UNARY_swish,
    [QN_ACT_TANH] = QN_UNARY_tanh,
    [QN_ACT_GELU] = QN_UNARY_gelu,
};

int qn_act_function(int kind)
{
    return (int)act_fn[kind];
}

static void act(int kind, float alpha, float beta, enum qn_elem type, void *y,
                int64_t n)
{
    if (kind == QN_ACT_NONE) return;
    const float p[2] = {kind == QN_ACT_SILU ? 1 : alpha, beta};
    qn_unary(act_fn[kind], type)(y, y, n, p);
}

void qn_act_f32(int kind, float alpha, float beta, float *y, int64_t n)
{
    act(kind, alpha, beta, QN_E_F32, y, n);
}

void qn_act_f64(int kind, float alpha, float beta, double *y, int64_t n)
{
    act(kind, alpha, beta, QN_E_F64, y, n);
}
