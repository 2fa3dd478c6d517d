/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/identity.c - the input under another name: a tensor, a sequence or an
 * optional; ONNX Identity-25. */
#include "engine/ops/grads.h"
#include "engine/op.h"

static quern_status identity_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    x->out[0]->kind = x->in[0]->kind;
    x->out[0]->dtype = x->in[0]->dtype;
    qn_copy_shape(x->out[0], x->in[0]);
    return QUERN_OK;
}

const qn_op qn_op_identity = {
    .name = "Identity",
    .since = 25,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_VIEW | QN_OP_ANY_KIND,
    .infer = identity_infer,
    .grad = qn_grad_reshape,
    .run = qn_run_copy,
};
