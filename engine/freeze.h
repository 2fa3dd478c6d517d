/* SPDX-License-Identifier: Apache-2.0 */
/* engine/freeze.h - the weights of a raw model by layer, and which of them stay as they
 * are while the rest is trained.
 *
 * Layers are the nodes with a weight matrix or filters (Conv, ConvTranspose, Gemm,
 * MatMul), numbered from the input; what else is trained (norms, biases, positions)
 * belongs to the layer before it. */
#ifndef QN_ENGINE_FREEZE_H
#define QN_ENGINE_FREEZE_H

#include "engine/model.h"

typedef struct qn_layer_weight {
    const char *name; /* of the initializer */
    const char *node; /* that reads it */
    int layer;        /* 0 .. n_layers - 1 */
    bool is_frozen;
} qn_layer_weight;

typedef struct qn_layers {
    qn_layer_weight *weights; /* by name */
    int n_weights, n_layers;
} qn_layers;

/* The float initializers that nodes read; the list lives in the arena, names in the
 * model.  A tensor with several readers belongs to the first: untie them before. */
quern_status qn_layers_find(const quern_model *raw, qn_arena *arena, qn_layers *out,
                            quern_error *err);
const qn_layer_weight *qn_layers_get(const qn_layers *layers,
                                     const char *name); /* or NULL */

/* Freezes the first N layers, or what a comma list of globs matches: names of weights
 * or of nodes ("layer1*", "features.[0-7].*").  Fails where that is nothing or all. */
quern_status qn_layers_freeze(qn_layers *layers, const char *what, quern_error *err);
/* A qn_is_frozen_fn; ctx is a const qn_layers. */
bool qn_layers_is_frozen(void *ctx, const char *name);
/* A BatchNormalization whose scale is frozen keeps its statistics, too. */
bool qn_layers_norm_is_frozen(const qn_layers *layers, const qn_node *norm);
/* decay to the power of the layers behind that of the name: 1 for the last. */
double qn_layers_rate(const qn_layers *layers, const char *name, double decay);

#endif
