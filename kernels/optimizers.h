/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/optimizers.h - one step of an optimizer over n numbers: w the parameters, g
 * their gradient (scaled by `scale` first), m and v the moments, all updated in place.
 *
 * Sources: Sutskever et al., On the importance of initialization and momentum, 2013
 * (SGD); Loshchilov and Hutter, Decoupled weight decay regularization, 2019 (AdamW);
 * You et al., Large batch optimization, 2020 (LAMB); Chen et al., Symbolic discovery of
 * optimization algorithms, 2023 (Lion); Jordan et al., Muon, 2024. */
#ifndef QN_KERNELS_OPTIMIZERS_H
#define QN_KERNELS_OPTIMIZERS_H

#include <stdint.h>

typedef struct qn_update {
    float rate, scale, decay;
    float beta1, beta2; /* SGD: beta1 is the momentum */
    float epsilon;
    float fix1, fix2; /* 1 - beta1^t and 1 - beta2^t */
    int nesterov;
} qn_update;

/* g += decay w; v = momentum v + g; w -= rate (nesterov ? g + momentum v : v). */
void qn_sgd(const qn_update *u, int64_t n, float *w, const float *g, float *v);
/* w -= rate (m' / (sqrt(v') + epsilon) + decay w), where m' = m / fix1, v' = v / fix2.
 */
void qn_adamw(const qn_update *u, int64_t n, float *w, const float *g, float *m,
              float *v);
/* d = m' / (sqrt(v') + epsilon) + decay w: the direction of LAMB, before its trust
 * ratio. */
void qn_lamb_direction(const qn_update *u, int64_t n, const float *w, const float *g,
                       float *m, float *v, float *d);
/* w -= rate (sign(beta1 m + (1 - beta1) g) + decay w); m = beta2 m + (1 - beta2) g. */
void qn_lion(const qn_update *u, int64_t n, float *w, const float *g, float *m);
/* m = beta1 m + g; d = nesterov ? g + beta1 m : m: what Muon makes orthogonal. */
void qn_muon_momentum(const qn_update *u, int64_t n, const float *g, float *m,
                      float *d);
/* w -= rate d. */
void qn_descend(float rate, int64_t n, float *w, const float *d);
/* to += rate (from - to). */
void qn_approach(float rate, int64_t n, float *to, const float *from);
/* Sum of squares, in double. */
double qn_square_sum(int64_t n, const float *x);

#endif
