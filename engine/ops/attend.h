/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/attend.h - gain softmax(scale Q K' + bias) V in one step, made by the plan
 * of the three steps and the copies around them (engine/fuse_attention.c). */
#ifndef QN_ENGINE_OPS_ATTEND_H
#define QN_ENGINE_OPS_ATTEND_H

#include "engine/op.h"

/* Where one operand's matrices lie in its tensor, counted in elements. */
typedef struct qn_attend_side {
    int64_t at, batch[2], row, col;
} qn_attend_side;

/* Q [rows, size], K' [size, keys], V [keys, width], Y [rows, width] and the bias
 * [rows, keys], n[0] x n[1] times.  Of Q and Y col is 1, of K' and V col or row is. */
typedef struct qn_attend {
    int64_t n[2], rows, keys, size, width;
    double scale, gain; /* gain: of V */
    qn_attend_side q, k, v, y, bias;
} qn_attend;

enum { QN_ATTEND_Q, QN_ATTEND_K, QN_ATTEND_V, QN_ATTEND_BIAS, QN_ATTEND_INPUTS };

/* True of a Softmax whose rows lie along the last dim. */
bool qn_is_row_softmax(const qn_instr *i);

#endif
