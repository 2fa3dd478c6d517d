/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/grads.h - gradients that stand in files of their own, for the rows they
 * belong to.  Signature: qn_op.grad. */
#ifndef QN_ENGINE_OPS_GRADS_H
#define QN_ENGINE_OPS_GRADS_H

#include "engine/grad.h"

#define QN_GRAD(name) \
    quern_status qn_grad_##name(qn_grad *g, const qn_node *node, quern_error *err)

/* binary_grad.c */
QN_GRAD(plus);
QN_GRAD(minus);
QN_GRAD(mul);
QN_GRAD(div);
QN_GRAD(pow);
QN_GRAD(sum);  /* and Mean */
QN_GRAD(most); /* Max and Min of two */
QN_GRAD(where);
/* matmul_grad.c */
QN_GRAD(matmul);
QN_GRAD(gemm);
/* shape_grad.c */
QN_GRAD(reshape); /* every row whose output has the elements of in[0], in order */
QN_GRAD(transpose);
QN_GRAD(expand);
QN_GRAD(concat);
QN_GRAD(split);
QN_GRAD(slice);
QN_GRAD(pad);
QN_GRAD(gather);
QN_GRAD(cast);
/* reduce_grad.c */
QN_GRAD(reduce_sum);
QN_GRAD(reduce_mean);
QN_GRAD(reduce_most); /* ReduceMax and ReduceMin */
QN_GRAD(softmax);
QN_GRAD(log_softmax);
/* norm_grad.c */
QN_GRAD(layer_norm);
QN_GRAD(group_norm);
QN_GRAD(instance_norm);

#endif
