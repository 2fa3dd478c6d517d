/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_gate.h - a 1x1 convolution of x times a factor for each channel of
 * each image, as squeeze-and-excitation has it: the filters are multiplied instead, of
 * which there are fewer numbers than in the map, in scratch that stays in the caches.
 * The products of factors and weights are rounded like any. */
#ifndef QN_ENGINE_OPS_CONV_GATE_H
#define QN_ENGINE_OPS_CONV_GATE_H

#include "engine/ops/conv_way.h"

/* Images whose filters are in the scratch at a time. */
int64_t qn_conv_gate_images(const qn_conv_way *w);
quern_status qn_conv_gate_prepare(qn_prep *p, quern_error *err);
void qn_conv_gate_run(const qn_instr *i, const qn_exec *x);

#endif
