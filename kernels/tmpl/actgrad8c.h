/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/actgrad8c.h - the way back through the activations of act8c.h. */
#ifndef QN_KERNELS_TMPL_ACTGRAD8C_H
#define QN_KERNELS_TMPL_ACTGRAD8C_H

#include "kernels/tmpl/act8c.h"

/* dy f'(x); kind is a constant where it is called. */
QN_FORCE_INLINE qn_v8 qn_act_grad8(const int kind, qn_v8 a, qn_v8 b, qn_v8 x, qn_v8 dy)
{
    const qn_v8 zero = qn_zero8(), one = qn_set8(1);
    qn_v8 s;
    switch (kind) {
    case QN_ACT_RELU:
        return qn_if_ge8(zero, x, zero, dy);
    case QN_ACT_CLIP:
        return qn_if_ge8(a, x, zero, qn_if_ge8(x, b, zero, dy));
    case QN_ACT_LEAKY_RELU:
        return qn_if_ge8(zero, x, qn_mul8(a, dy), dy);
    case QN_ACT_HARD_SIGMOID:
        s = qn_fma8(x, a, b);
        return qn_if_ge8(zero, s, zero, qn_if_ge8(s, one, zero, qn_mul8(a, dy)));
    case QN_ACT_HARD_SWISH:
        s = qn_mul8(dy, qn_fma8(x, qn_set8(0x1.555556p-2f), qn_set8(0.5f)));
        return qn_if_ge8(qn_set8(-3), x, zero, qn_if_ge8(x, qn_set8(3), dy, s));
    case QN_ACT_SIGMOID:
        s = qn_sigmoid8(x);
        return qn_mul8(dy, qn_fnma8(s, s, s));
    case QN_ACT_SILU:
        s = qn_sigmoid8(x);
        return qn_mul8(dy, qn_fma8(x, qn_fnma8(s, s, s), s));
    case QN_ACT_TANH:
        s = qn_tanh8(x);
        return qn_mul8(dy, qn_fnma8(s, s, one));
    case QN_ACT_GELU:
        s = qn_exp8(qn_mul8(qn_mul8(x, x), qn_set8(-0.5f))); /* of the density */
        s = qn_mul8(qn_mul8(s, x), qn_set8(0x1.988454p-2f));
        x = qn_erf8(qn_mul8(x, qn_set8(0x1.6a09e6p-1f)));
        return qn_mul8(dy, qn_fma8(x, qn_set8(0.5f), qn_add8(s, qn_set8(0.5f))));
    default:
        return dy;
    }
}

/* call(kind) with each kind as a constant. */
#define QN_SWITCH_ACT(kind, call)  \
    switch (kind) {                \
    case QN_ACT_RELU:              \
        call(QN_ACT_RELU);         \
        break;                     \
    case QN_ACT_CLIP:              \
        call(QN_ACT_CLIP);         \
        break;                     \
    case QN_ACT_LEAKY_RELU:        \
        call(QN_ACT_LEAKY_RELU);   \
        break;                     \
    case QN_ACT_HARD_SIGMOID:      \
        call(QN_ACT_HARD_SIGMOID); \
        break;                     \
    case QN_ACT_HARD_SWISH:        \
        call(QN_ACT_HARD_SWISH);   \
        break;                     \
    case QN_ACT_SIGMOID:           \
        call(QN_ACT_SIGMOID);      \
        break;                     \
    case QN_ACT_SILU:              \
        call(QN_ACT_SILU);         \
        break;                     \
    case QN_ACT_TANH:              \
        call(QN_ACT_TANH);         \
        break;                     \
    case QN_ACT_GELU:              \
        call(QN_ACT_GELU);         \
        break;                     \
    default:                       \
        call(QN_ACT_NONE);         \
    }

#endif
