/* SPDX-License-Identifier: Apache-2.0 */
/* engine/rows8c.c - the blocked hook of elementwise rows. */
#include "engine/rows8c.h"

bool qn_blocked_unary(const qn_instr *i, qn_blocked *how)
{
    const qn_tensor *x = i->in[0];
    if (x->rank != 4 || x->dtype != QUERN_FLOAT || qn_tensor_count(x) == 0 ||
        !i->out[0])
        return false;
    *how = (qn_blocked){.in = 1};
    return true;
}
