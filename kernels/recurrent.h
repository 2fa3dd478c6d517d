/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/recurrent.h - the elementwise half of RNN, GRU and LSTM steps; the matrix
 * half is the caller's. */
#ifndef QN_KERNELS_RECURRENT_H
#define QN_KERNELS_RECURRENT_H

#include "kernels/numeric.h"

typedef enum qn_cell_act_kind {
    QN_CELL_SIGMOID,
    QN_CELL_TANH,
    QN_CELL_RELU,
    QN_CELL_AFFINE,           /* alpha x + beta */
    QN_CELL_LEAKY_RELU,       /* x < 0 ? alpha x : x */
    QN_CELL_THRESHOLDED_RELU, /* x > alpha ? x : 0 */
    QN_CELL_SCALED_TANH,      /* alpha tanh(beta x) */
    QN_CELL_HARD_SIGMOID,     /* min(max(alpha x + beta, 0), 1) */
    QN_CELL_ELU,              /* x < 0 ? alpha (exp(x) - 1) : x */
    QN_CELL_SOFTSIGN,         /* x / (1 + |x|) */
    QN_CELL_SOFTPLUS          /* log(1 + exp(x)) */
} qn_cell_act_kind;

typedef struct qn_cell_act {
    qn_cell_act_kind kind;
    double alpha, beta;
} qn_cell_act;

typedef struct qn_cell {
    int64_t hidden;
    qn_cell_act act[3]; /* f, g, h */
    double clip;        /* gates are clipped to +-clip before an activation; 0: not */
    bool coupled;       /* LSTM: the forget gate is 1 - input gate */
} qn_cell;

/* One row of a batch.  gate holds X W' + H R' + biases and is overwritten.
 * RNN: h = f(gate). */
void qn_rnn_cell_f32(const qn_cell *c, float *gate, float *h);
void qn_rnn_cell_f64(const qn_cell *c, double *gate, double *h);
/* LSTM: gate i, o, f, c; peephole i, o, f or NULL; state c and h in place. */
void qn_lstm_cell_f32(const qn_cell *c, float *gate, const float *peephole,
                      float *state, float *h);
void qn_lstm_cell_f64(const qn_cell *c, double *gate, const double *peephole,
                      double *state, double *h);
/* GRU, in two steps.  First: z and r are activated in gate (z, r, h), and reset = r h
 * when it is not NULL.  Second: h = (1 - z) g(gate h) + z h, after hidden_part, if not
 * NULL, was added to gate h as r hidden_part. */
void qn_gru_gates_f32(const qn_cell *c, float *gate, const float *h, float *reset);
void qn_gru_gates_f64(const qn_cell *c, double *gate, const double *h, double *reset);
void qn_gru_cell_f32(const qn_cell *c, float *gate, const float *hidden_part, float *h);
void qn_gru_cell_f64(const qn_cell *c, double *gate, const double *hidden_part,
                     double *h);

#endif
