/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/loss.h - losses of classifiers and the update rules of optimizers. */
#ifndef QN_KERNELS_LOSS_H
#define QN_KERNELS_LOSS_H

#include "kernels/numeric.h"

typedef enum qn_loss_reduction {
    QN_LOSS_NONE,
    QN_LOSS_SUM,
    QN_LOSS_MEAN
} qn_loss_reduction;

/* Log-probabilities [n, classes, rest], labels [n, rest]; a label of `ignored` counts
 * nothing.  wide: labels are int64, else int32; they were checked to be in range. */
typedef struct qn_nll {
    int64_t n, classes, rest;
    const void *label;
    bool wide, has_ignored;
    int64_t ignored;
    qn_loss_reduction reduction;
} qn_nll;

/* loss [n, rest] = -weight[label] logp, or its sum, or that over the sum of the weights
 * (NaN when nothing counts).  weight [classes] or NULL: all 1. */
void qn_nll_f32(const qn_nll *p, const float *logp, const float *weight, float *loss);
void qn_nll_f64(const qn_nll *p, const double *logp, const double *weight,
                double *loss);

/* Softmax and cross-entropy with a distribution for each row as its target.  smoothing
 * s mixes the uniform distribution in: t' = (1 - s) t + s / classes. */
typedef struct qn_softmax_loss {
    int64_t n, classes;
    double smoothing;
} qn_softmax_loss;

/* prob [n, classes] = softmax(logits); returns
 * sum_i weight[i] sum_c -t'[i,c] log prob[i,c] / sum_i weight[i], 0 without weight. */
double qn_softmax_loss_f32(const qn_softmax_loss *p, const float *logits,
                           const float *target, const float *weight, float *prob);
double qn_softmax_loss_f64(const qn_softmax_loss *p, const double *logits,
                           const double *target, const double *weight, double *prob);
/* Its gradient with respect to the logits, times scale:
 * d[i,c] = scale weight[i] (prob[i,c] - t'[i,c]) / sum weight. */
void qn_softmax_loss_grad_f32(const qn_softmax_loss *p, double scale, const float *prob,
                              const float *target, const float *weight, float *d);
void qn_softmax_loss_grad_f64(const qn_softmax_loss *p, double scale,
                              const double *prob, const double *target,
                              const double *weight, double *d);

#define QN_UNIT_FLOW 5.0 /* a flow of length 1 as such networks give it */

/* The loss of networks that segment by flows (Stringer et al. 2021), of one picture: x
 * [3][pixels] is dY, dX and a logit, target [3][pixels] a flow of length 1 or 0 and a 0
 * or
 * 1.  Half the mean square of the flow's error, five times the target being wanted,
 * plus the mean cross-entropy of the logit. */
double qn_flow_loss_f32(int64_t pixels, const float *x, const float *target);
double qn_flow_loss_f64(int64_t pixels, const double *x, const double *target);
/* Its gradient with respect to x, times scale. */
void qn_flow_loss_grad_f32(int64_t pixels, double scale, const float *x,
                           const float *target, float *d);
void qn_flow_loss_grad_f64(int64_t pixels, double scale, const double *x,
                           const double *target, double *d);

/* One step of an optimizer on n elements.  rate is decayed already. */
typedef struct qn_adagrad {
    double rate, epsilon, decay; /* decay: of the weight norm */
} qn_adagrad;
void qn_adagrad_f32(const qn_adagrad *p, int64_t n, const float *x, const float *g,
                    const float *h, float *new_x, float *new_h);
void qn_adagrad_f64(const qn_adagrad *p, int64_t n, const double *x, const double *g,
                    const double *h, double *new_x, double *new_h);

typedef struct qn_adam {
    double rate, epsilon, alpha, beta, decay, decay_post; /* rate is bias-corrected */
} qn_adam;
void qn_adam_f32(const qn_adam *p, int64_t n, const float *x, const float *g,
                 const float *v, const float *h, float *new_x, float *new_v,
                 float *new_h);
void qn_adam_f64(const qn_adam *p, int64_t n, const double *x, const double *g,
                 const double *v, const double *h, double *new_x, double *new_v,
                 double *new_h);

typedef struct qn_momentum {
    double rate, alpha, beta, decay;
    bool nesterov;
} qn_momentum;
void qn_momentum_f32(const qn_momentum *p, int64_t n, const float *x, const float *g,
                     const float *v, float *new_x, float *new_v);
void qn_momentum_f64(const qn_momentum *p, int64_t n, const double *x, const double *g,
                     const double *v, double *new_x, double *new_v);

#endif
