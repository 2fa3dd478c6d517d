/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/attention.h - what attention does to rows of scores between its two matrix
 * products, and the turning of position pairs. */
#ifndef QN_KERNELS_ATTENTION_H
#define QN_KERNELS_ATTENTION_H

#include "kernels/numeric.h"

/* s = cap tanh(s / cap) */
void qn_softcap_f32(int64_t n, double cap, float *s);
void qn_softcap_f64(int64_t n, double cap, double *s);

/* s += bias; where bias is -inf, s is -inf whatever it was. */
void qn_attention_bias_f32(int64_t n, const double *bias, float *s);
void qn_attention_bias_f64(int64_t n, const double *bias, double *s);

/* Softmax of one row in place.  A row whose every key is forbidden (bias -inf) or whose
 * scores are all -inf becomes 0, not NaN.  bias was added already and may be NULL. */
void qn_attention_row_f32(int64_t n, const double *bias, float *s);
void qn_attention_row_f64(int64_t n, const double *bias, double *s);

/* One head of one token: the first 2 * half elements of x are pairs, turned by cos and
 * sin [half]; the pairs are neighbours (interleaved) or half apart; the rest is copied.
 */
typedef struct qn_rotary {
    int64_t size, half;
    bool interleaved;
} qn_rotary;
void qn_rotate_f32(const qn_rotary *p, const float *x, const float *cosine,
                   const float *sine, float *y);
void qn_rotate_f64(const qn_rotary *p, const double *x, const double *cosine,
                   const double *sine, double *y);

/* One token of linear attention for one head of keys and the `group` heads of queries
 * that read it.  state [dk, dv] is decayed by exp(decay), gets k times (v, or beta
 * times what v differs from the state's own answer to k), and is read: y [group, dv] =
 * scale q state. values [dv] is room to work in; y NULL: not read. */
typedef struct qn_linear_step {
    int64_t dk, dv, group;
    float scale;
    const float *q, *k, *v;
    const float *decay; /* NULL: none */
    int64_t decay_step; /* 0: one for all of dk */
    const float *beta;  /* one number, or NULL */
} qn_linear_step;
void qn_linear_attention_f32(const qn_linear_step *p, float *state, float *values,
                             float *y);

#endif
