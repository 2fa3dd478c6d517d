/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/softmax_loss.h - softmax with cross-entropy against distributions, for
 * one element type (SUF); sums in double. */
#include "kernels/numeric.h"

/* One row: its probabilities, and its loss. */
static double QN_OF(softmax_row)(const qn_softmax_loss *p, const QN_OF(t) * x,
                                 const QN_OF(t) * target, QN_OF(t) * prob)
{
    const int64_t n = p->classes;
    double most = (double)x[0], sum = 0, loss = 0;
    for (int64_t c = 1; c < n; c++)
        if ((double)x[c] > most) most = (double)x[c];
    for (int64_t c = 0; c < n; c++)
        sum += exp((double)x[c] - most);
    const double log_sum = most + log(sum), rest = p->smoothing / (double)n;
    for (int64_t c = 0; c < n; c++) {
        const double logp = (double)x[c] - log_sum;
        prob[c] = QN_OF(narrow)(exp(logp));
        loss -= ((1 - p->smoothing) * (double)target[c] + rest) * logp;
    }
    return loss;
}

static double QN_OF(weight_sum)(int64_t n, const QN_OF(t) * weight)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)weight[i];
    return sum;
}

double QN_OF(softmax_loss)(const qn_softmax_loss *p, const QN_OF(t) * logits,
                           const QN_OF(t) * target, const QN_OF(t) * weight,
                           QN_OF(t) * prob)
{
    double loss = 0, all = QN_OF(weight_sum)(p->n, weight);
    for (int64_t i = 0; i < p->n; i++)
        loss += (double)weight[i] * QN_OF(softmax_row)(p, logits + i * p->classes,
                                                       target + i * p->classes,
                                                       prob + i * p->classes);
    return all != 0 ? loss / all : 0;
}

void QN_OF(softmax_loss_grad)(const qn_softmax_loss *p, double scale,
                              const QN_OF(t) * prob, const QN_OF(t) * target,
                              const QN_OF(t) * weight, QN_OF(t) * d)
{
    const double all = QN_OF(weight_sum)(p->n, weight);
    const double rest = p->smoothing / (double)p->classes;
    for (int64_t i = 0; i < p->n; i++) {
        const double w = all != 0 ? scale * (double)weight[i] / all : 0;
        for (int64_t c = i * p->classes; c < (i + 1) * p->classes; c++) {
            const double t = (1 - p->smoothing) * (double)target[c] + rest;
            d[c] = QN_OF(narrow)(w * ((double)prob[c] - t));
        }
    }
}
#undef SUF
