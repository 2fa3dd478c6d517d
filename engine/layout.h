/* SPDX-License-Identifier: Apache-2.0 */
/* engine/layout.h - rewrites of a plan's steps before they are prepared. */
#ifndef QN_ENGINE_LAYOUT_H
#define QN_ENGINE_LAYOUT_H

#include "engine/plan.h"

/* fuse_attention.c: product, softmax and product become one step, with the copies that
 * cut heads out of its operands and put its result together.  Before the additions;
 * steps that nothing reads any more stay. */
quern_status qn_plan_fuse_attention(qn_plan *plan, quern_error *err);

/* fuse.c: an addition behind a step that can add on its way out (QN_OP_ADDS) becomes
 * that step's residual; the addition's activation moves with it. */
quern_status qn_plan_fuse_adds(qn_plan *plan, quern_error *err);
/* One number a channel of each image, added in front of a step that can add it by
 * itself (QN_OP_SHIFTS), becomes that step's residual.  After the additions. */
quern_status qn_plan_fuse_shifts(qn_plan *plan, quern_error *err);
/* One number a channel of each image that multiplies what a step reads becomes its gate
 * where that is cheaper (gates).  After the additions. */
quern_status qn_plan_fuse_gates(qn_plan *plan, quern_error *err);
/* A step that can read what it needs from before a doubling of rows and columns does
 * so; the doubling goes if nobody else reads it.  After the additions. */
quern_status qn_plan_fuse_upsample(qn_plan *plan, quern_error *err);

/* layout.c: gives every value of the plan its layout: steps that want the blocked
 * layout get it, steps that can work in either follow their operands, and where the two
 * meet one reorder is inserted for each value and direction.  Channel concatenations of
 * blocked values are written in place by their producers. */
quern_status qn_plan_layout(qn_plan *plan, quern_error *err);

/* bands.c: a step that can make its input by itself, band by band, takes in the step
 * that does so far (takes_feeder); the value between them needs no memory. */
quern_status qn_plan_join_bands(qn_plan *plan, const qn_join *how, quern_error *err);

#endif
