/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/resize_state.h - what Resize and its gradient share. */
#ifndef QN_ENGINE_OPS_RESIZE_STATE_H
#define QN_ENGINE_OPS_RESIZE_STATE_H

#include "engine/op.h"
#include "engine/ops/resize_blocked.h"
#include "kernels/resize.h"

typedef struct qn_resize_params {
    const char *mode, *coordinate_transformation_mode, *nearest_mode;
    const char *keep_aspect_ratio_policy;
    int64_t antialias, exclude_outside;
    float cubic_coeff_a, extrapolation_value;
    qn_ints axes;
} qn_resize_params;

extern const qn_attr qn_resize_attrs[];

typedef struct qn_resize_state {
    qn_resize how;
    qn_resize_axis axis[QUERN_MAX_RANK];
    bool active[QUERN_MAX_RANK]; /* the axis changes */
    int n_active;
    int64_t buffer; /* elements of each of two buffers in scratch */
    qn_resize_blocked *blocked;
} qn_resize_state;

quern_status qn_resize_check(const qn_node *node, quern_error *err);
/* What sizes depend on must be known; roi, scales and sizes are inputs from `first`. */
quern_status qn_resize_need(const qn_infer *x, int first, quern_error *err);
/* Fills how, active and, but for the tables, axis.  in: X (its shape is read), roi,
 * scales, sizes. */
quern_status qn_resize_setup(const qn_resize_params *p, const qn_tensor *const *in,
                             int n_in, qn_resize_state *s, quern_error *err);
quern_status qn_resize_tables(qn_arena *arena, qn_resize_state *s, int rank,
                              quern_error *err);
/* Asks for the scratch of qn_resize_passes and keeps *s as the state. */
quern_status qn_resize_ready(qn_prep *p, qn_resize_state *s, quern_error *err);
/* From in, with the dims of input 0, to out by the state's tables, axis by axis; both
 * are float32 or, if wide, double. */
void qn_resize_passes(const qn_instr *i, const qn_exec *x, const void *in, void *out,
                      bool wide);

#endif
