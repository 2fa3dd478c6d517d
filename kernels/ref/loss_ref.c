/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/loss_ref.c - losses and optimizer steps in float and double. */
#include "kernels/loss.h"

#define SUF f32
#include "kernels/tmpl/vloss.h"
#define SUF f64
#include "kernels/tmpl/vloss.h"
#define SUF f32
#include "kernels/tmpl/softmax_loss.h"
#define SUF f64
#include "kernels/tmpl/softmax_loss.h"
#define SUF f32
#include "kernels/tmpl/flow_loss.h"
#define SUF f64
#include "kernels/tmpl/flow_loss.h"
