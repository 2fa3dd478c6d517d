/* SPDX-License-Identifier: Apache-2.0 */
/* engine/parameters.h - what of a model is trained: found in a graph as it was read,
 * before qn_model_finish, while initializers still have their names and readers. */
#ifndef QN_ENGINE_PARAMETERS_H
#define QN_ENGINE_PARAMETERS_H

#include "engine/model.h"

/* Whether a parameter keeps its value; NULL: none does. */
typedef bool qn_is_frozen_fn(void *ctx, const char *name);

/* Marks the initializers that training may write: floating-point tensors that are
 * weights by their reader's meaning (Conv, Gemm, BatchNormalization, ...) or have more
 * than one element.  Frozen ones stay constants.  Running statistics of batch-norm are
 * marked with the scale that they belong to.  Sets the model's purpose. */
void qn_parameters_mark(quern_model *model, qn_is_frozen_fn *is_frozen, void *ctx);

/* Gives the first dim of every input the size n, where it is free or 1. */
quern_status qn_batch_fix(quern_model *model, int64_t n, quern_error *err);

#endif
