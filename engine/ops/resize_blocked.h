/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/resize_blocked.h - Resize of rows and columns, nearest or linear, in the
 * blocked layout. */
#ifndef QN_ENGINE_OPS_RESIZE_BLOCKED_H
#define QN_ENGINE_OPS_RESIZE_BLOCKED_H

#include "engine/op.h"
#include "kernels/resize.h"

typedef struct qn_resize_blocked qn_resize_blocked;

/* From the tables of axes 2 and 3 (one tap, or two whose weights add up to one). */
quern_status qn_resize_blocked_make(qn_prep *p, const qn_resize_axis *axis,
                                    qn_resize_blocked **out, quern_error *err);
/* Nearest, by factors of 2 that copy each pixel. */
bool qn_resize_doubles(const qn_instr *i);
quern_status qn_resize_blocked_run(const qn_instr *i, const qn_exec *x,
                                   const qn_resize_blocked *tables);

#endif
