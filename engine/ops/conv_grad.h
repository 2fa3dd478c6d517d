/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_grad.h - gradients of convolutions: nodes of the domain "quern" with
 * the attributes of Conv, whose y = conv(X, W) + B they differentiate.
 *
 *     ConvGradX(dY, W, X) -> dX    of X only the shape is read
 *     ConvGradW(dY, X, W) -> dW    of W only the shape is read
 *     ChannelSum(dY) -> dB */
#ifndef QN_ENGINE_OPS_CONV_GRAD_H
#define QN_ENGINE_OPS_CONV_GRAD_H

#include "engine/grad.h"
#include "engine/ops/conv_shape.h"

/* grad of Conv. */
quern_status qn_conv_grad(qn_grad *g, const qn_node *node, quern_error *err);
/* The gradient of the bias, input 2 of node, if that is wanted. */
quern_status qn_conv_grad_bias(qn_grad *g, const qn_node *node, quern_error *err);

/* The window of the convolution; fails unless dy has the shape of its result. */
quern_status qn_conv_grad_fit(const qn_window_params *p, const qn_tensor *dy,
                              const qn_tensor *x, const qn_tensor *w, qn_window *win,
                              quern_error *err);

#endif
