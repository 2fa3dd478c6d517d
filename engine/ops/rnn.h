/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/rnn.h - what rnn.c (rows, attributes, shapes) and recurrent.c (the
 * loop over time) share. */
#ifndef QN_ENGINE_OPS_RNN_H
#define QN_ENGINE_OPS_RNN_H

#include "engine/op.h"
#include "kernels/recurrent.h"

typedef enum qn_rnn_kind {
    QN_RNN = 1,
    QN_GRU = 3,
    QN_LSTM = 4
} qn_rnn_kind; /* gates */

typedef struct qn_rnn_params {
    qn_strs activations;
    qn_floats activation_alpha, activation_beta;
    float clip;
    const char *direction;
    int64_t hidden_size, layout, linear_before_reset, input_forget;
} qn_rnn_params;

/* Inputs of the three operators; LSTM has the last two. */
enum { RNN_X, RNN_W, RNN_R, RNN_B, RNN_LENS, RNN_H0, RNN_C0, RNN_P };

static inline const qn_tensor *qn_rnn_in(const qn_instr *i, int k)
{
    return k < i->n_in ? i->in[k] : NULL;
}

int qn_rnn_directions(const qn_rnn_params *p);
/* The activations of direction d. */
quern_status qn_rnn_cell(const qn_rnn_params *p, qn_rnn_kind kind, int d, qn_cell *cell,
                         quern_error *err);
quern_status qn_rnn_prepare(qn_prep *p, qn_rnn_kind kind, quern_error *err);
quern_status qn_rnn_run(const qn_instr *i, const qn_exec *x, qn_rnn_kind kind,
                        quern_error *err);

#endif
