/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/act.h - activations that a kernel applies to what it has just computed, while
 * the numbers are still in the cache.  Same bits as the operator of that name. */
#ifndef QN_KERNELS_ACT_H
#define QN_KERNELS_ACT_H

#include <stdint.h>

/* An activation computed by the node's own kernel on its way out. */
typedef enum qn_act_kind {
    QN_ACT_NONE,
    QN_ACT_RELU,
    QN_ACT_CLIP,         /* min(max(x, alpha), beta) */
    QN_ACT_LEAKY_RELU,   /* x < 0 ? alpha*x : x */
    QN_ACT_HARD_SIGMOID, /* max(0, min(1, alpha*x + beta)) */
    QN_ACT_HARD_SWISH,   /* x * max(0, min(1, x/6 + 0.5)) */
    QN_ACT_SIGMOID,
    QN_ACT_SILU, /* x * sigmoid(x) */
    QN_ACT_TANH,
    QN_ACT_GELU /* exact, by erf */
} qn_act_kind;
typedef struct qn_act {
    uint8_t kind; /* qn_act_kind */
    float alpha, beta;
} qn_act;

/* The qn_unary_op of elementwise.h that a kind other than QN_ACT_NONE is. */
int qn_act_function(int kind);

/* y [n] in place; QN_ACT_NONE leaves it alone. */
void qn_act_f32(int kind, float alpha, float beta, float *y, int64_t n);
void qn_act_f64(int kind, float alpha, float beta, double *y, int64_t n);

#endif
