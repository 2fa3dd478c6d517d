/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/heads.h - attention operands cut into heads: what attention.c (rows,
 * shapes) and attention_run.c (arithmetic) share. */
#ifndef QN_ENGINE_OPS_HEADS_H
#define QN_ENGINE_OPS_HEADS_H

#include "engine/op.h"

typedef struct qn_att_params {
    int64_t is_causal, kv_num_heads, left_window_size, q_num_heads,
        qk_matmul_output_mode, right_window_size, softmax_precision;
    float scale, softcap;
} qn_att_params;

enum { ATT_Q, ATT_K, ATT_V, ATT_MASK, ATT_PAST_K, ATT_PAST_V, ATT_LENS };
enum { ATT_Y, ATT_PRESENT_K, ATT_PRESENT_V, ATT_QK };
/* An operand as [batch, heads, rows, size]. */
typedef struct qn_heads {
    int64_t batch, n, rows, size;
    int64_t step_batch, step_head, step_row;
} qn_heads;

/* All sizes of a call; filled from shapes alone, so infer, prepare and run agree. */
typedef struct qn_att_shape {
    qn_heads q, k, v; /* as given; k and v without the past */
    int64_t past, total;
} qn_att_shape;

qn_heads qn_heads_dense(int64_t batch, int64_t n, int64_t rows, int64_t size);
/* Checks every operand against the others; works on shapes alone. */
quern_status qn_att_shapes(const qn_att_params *p, const qn_tensor *const *in, int n_in,
                           qn_att_shape *s, quern_error *err);
static inline const qn_tensor *qn_att_in(const qn_tensor *const *in, int n_in, int i)
{
    return i < n_in ? in[i] : NULL;
}

quern_status qn_att_prepare(qn_prep *p, quern_error *err);
quern_status qn_att_run(const qn_instr *i, const qn_exec *x, quern_error *err);

#endif
