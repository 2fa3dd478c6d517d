/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_fold.h - the transpose of a convolution in plain layout: what
 * ConvTranspose computes, and the gradient of a convolution's input.
 *
 * in[0] [N,M,out...] goes back through the window w and the filters in[1] [M,C/group,
 * kernel...] onto out[0] [N,C,in...]: columns = W' in[0], folded onto the image. */
#ifndef QN_ENGINE_OPS_CONV_FOLD_H
#define QN_ENGINE_OPS_CONV_FOLD_H

#include "engine/op.h"
#include "kernels/window.h"

/* Makes the instruction's state; w is the window of the convolution that leads from
 * out[0] to in[0]. */
quern_status qn_fold_prepare(qn_prep *p, const qn_window *w, int64_t group,
                             quern_error *err);
/* bias [C] is added (NULL: none), then the instruction's activation applied. */
void qn_fold_run(const qn_instr *i, const qn_exec *x, const qn_tensor *bias);

#endif
