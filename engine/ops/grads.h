/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/grads.h - gradients that stand in files of their own, for the rows they
 * belong to.  Signature: qn_op.grad. */
#ifndef QN_ENGINE_OPS_GRADS_H
#define QN_ENGINE_OPS_GRADS_H

#include "engine/grad.h"

#define QN_GRAD(name) \
    quern_status qn_grad_##name(qn_grad *g, const qn_node *node, quern_error *err)

/* ---- parts (grad_parts.c) ---- */

/* d, summed to the shape of input i, is a part of that input's gradient. */
quern_status qn_grad_give(qn_grad *g, const qn_node *node, int i, qn_value *d,
                          quern_error *err);
quern_status qn_grad_zeros(qn_grad *g, const qn_value *like, qn_value **out,
                           quern_error *err);
quern_status qn_grad_spread(qn_grad *g, qn_value *d, int rank, const int64_t *dim,
                            qn_value **out, quern_error *err);
quern_status qn_grad_to_shape(qn_grad *g, qn_value *d, int rank, const int64_t *dim,
                              qn_value **out, quern_error *err);
quern_status qn_grad_permute(qn_grad *g, qn_value *d, const int64_t *perm,
                             qn_value **out, quern_error *err);
quern_status qn_grad_to_type(qn_grad *g, qn_value *d, quern_dtype to, qn_value **out,
                             quern_error *err);
/* d where choice (bool), else 0. */
quern_status qn_grad_choose(qn_grad *g, qn_value *choice, qn_value *d, qn_value **out,
                            quern_error *err);
/* a / b, and 0 where b is 0. */
quern_status qn_grad_ratio(qn_grad *g, qn_value *a, qn_value *b, qn_value **out,
                           quern_error *err);
/* The sum along one axis, kept as a dim of 1. */
quern_status qn_grad_sum_axis(qn_grad *g, qn_value *d, int64_t axis, qn_value **out,
                              quern_error *err);
/* The n numbers of input i, which must be constant; if absent, `otherwise` each. */
quern_status qn_grad_numbers(const qn_node *node, int i, int64_t n, int64_t otherwise,
                             int64_t *out, quern_error *err);
/* The way back from picking along an axis of n: slice k of d is added to slice index[k]
 * (an integer tensor with as many elements as d has slices) of zeros. */
quern_status qn_grad_put_along(qn_grad *g, qn_value *d, int axis, qn_value *index,
                               int64_t n, qn_value **out, quern_error *err);

/* ---- gradients ---- */

/* binary_grad.c */
QN_GRAD(plus);
QN_GRAD(minus);
QN_GRAD(mul);
QN_GRAD(div);
QN_GRAD(pow);
QN_GRAD(sum);  /* and Mean */
QN_GRAD(most); /* Max and Min */
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
QN_GRAD(cast);
QN_GRAD(tile);
QN_GRAD(depth_space); /* DepthToSpace and SpaceToDepth */
QN_GRAD(trilu);
QN_GRAD(cumsum);
/* index_grad.c */
QN_GRAD(slice);
QN_GRAD(pad);
QN_GRAD(gather);
QN_GRAD(gather_elements);
QN_GRAD(gather_nd);
QN_GRAD(scatter_elements);
QN_GRAD(scatter_nd);
/* reduce_grad.c */
QN_GRAD(reduce_sum);
QN_GRAD(reduce_mean);
QN_GRAD(reduce_most); /* ReduceMax and ReduceMin */
QN_GRAD(reduce_prod);
QN_GRAD(reduce_l1);
QN_GRAD(reduce_l2);
QN_GRAD(reduce_sum_square);
QN_GRAD(reduce_log_sum);
QN_GRAD(reduce_log_sum_exp);
QN_GRAD(softmax);
QN_GRAD(log_softmax);
QN_GRAD(lp_norm);
/* layer_norm_grad.c */
QN_GRAD(layer_norm); /* and RMSNormalization */
/* group_norm_grad.c */
QN_GRAD(group_norm); /* and InstanceNormalization */
/* loss_grad.c */
QN_GRAD(nll_loss);
QN_GRAD(cross_entropy);
/* attention_grad.c, einsum_grad.c, resize_grad.c */
QN_GRAD(attention);
QN_GRAD(einsum);
QN_GRAD(resize);

#endif
