/* SPDX-License-Identifier: Apache-2.0 */
/* engine/train_graph.h - from a model to the graph of a training step. */
#ifndef QN_ENGINE_TRAIN_GRAPH_H
#define QN_ENGINE_TRAIN_GRAPH_H

#include "engine/train.h"

/* Inputs and outputs of the graph of a step, by position. */
enum { QN_STEP_PIXELS, QN_STEP_TARGET, QN_STEP_WEIGHT, QN_STEP_HYPER, QN_STEP_INPUTS };
enum { QN_STEP_LOSS, QN_STEP_LOGITS, QN_STEP_NORM, QN_STEP_OUTPUTS };

/* The list of all that is trained, with memory of its own for each array; the model's
 * constants point into it from now on. */
quern_status qn_train_list(quern_model *model, const qn_trainer_options *opt,
                           qn_trained **list, int *n, quern_error *err);

/* Gives the graph its new inputs, loss, gradients, updates and outputs. */
quern_status qn_train_build(quern_model *model, const qn_trainer_options *opt,
                            qn_trained *list, int n, quern_error *err);

#endif
