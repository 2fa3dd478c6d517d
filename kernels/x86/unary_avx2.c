/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/unary_avx2.c - the plain C of slots unary_f32, act_f32 and
 * unary_grad_f32, compiled for 8 lanes.  Nothing is fused or reordered, so the bits are
 * those of the reference. */
#include "kernels/act.h"
#include "kernels/elementwise.h"
#include "kernels/kernels.h"
#include "kernels/vmath.h"

qn_unary_f32_fn qn_unary_f32_avx2;
qn_act_f32_fn qn_act_f32_avx2;
qn_unary_grad_f32_fn qn_unary_grad_f32_avx2;

#define T       float
#define V(name) name##_f32
#define M(name) name##f
#define Q(name) qn_##name##_f32
#include "kernels/tmpl/vunary.h"
#include "kernels/tmpl/vunarygrad.h"

void qn_unary_f32_avx2(int op, const float *x, float *y, int64_t n, const float *p)
{
    unary_table_f32[op](x, y, n, p);
}

void qn_act_f32_avx2(int kind, float alpha, float beta, float *y, int64_t n)
{
    if (kind == QN_ACT_NONE) return;
    const float p[2] = {kind == QN_ACT_SILU ? 1 : alpha, beta};
    qn_unary_f32_avx2(qn_act_function(kind), y, y, n, p);
}

void qn_unary_grad_f32_avx2(int op, const float *dy, const float *v, float *dx,
                            int64_t n, const double *p)
{
    unary_grad_table_f32[op](dy, v, dx, n, p);
}
