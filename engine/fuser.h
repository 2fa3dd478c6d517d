/* SPDX-License-Identifier: Apache-2.0 */
/* engine/fuser.h - what the rewrites of a plan's steps share: who makes a value and how
 * many read it. */
#ifndef QN_ENGINE_FUSER_H
#define QN_ENGINE_FUSER_H

#include "engine/layout.h"

typedef struct qn_fuser {
    qn_plan *plan;
    int *n_uses;   /* by slot: reads of its memory, through views too */
    int *made_by;  /* by slot: step that writes it, -1 for none */
    bool *is_gone; /* by step */
} qn_fuser;

static inline size_t qn_root_index(const qn_fuser *f, const qn_slot *s)
{
    return (size_t)(s->root - f->plan->slots);
}

/* What to do at step k, if anything. */
typedef quern_status qn_fuse_fn(qn_fuser *f, int k, quern_error *err);
/* fn for every step in turn; then the plan is without those that are gone. */
quern_status qn_for_steps(qn_plan *plan, qn_fuse_fn *fn, quern_error *err);

#endif
