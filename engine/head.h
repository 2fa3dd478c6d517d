/* SPDX-License-Identifier: Apache-2.0 */
/* engine/head.h - gives a classifier other classes: finds the layer that makes the
 * scores and replaces its weights.
 *
 * The head is the last Gemm, MatMul (with the Add behind it) or 1x1 Conv with constant
 * weights from which only bias, activation, pooling, reshaping and softmax lead to an
 * output.  Softmax, LogSoftmax and Sigmoid behind it are taken out, so that the output
 * holds logits [batch,classes]; other outputs go. */
#ifndef QN_ENGINE_HEAD_H
#define QN_ENGINE_HEAD_H

#include "engine/raw.h"

typedef struct qn_head_options {
    int64_t n_classes;
    const char *node; /* its name or that of its output; NULL: found.  What lies behind
                       * it is cut off if it is no head of the graph */
    bool keep;        /* its weights, if it has n_classes already */
    uint64_t seed;    /* new weights are drawn by (seed, name), new biases are 0 */
} qn_head_options;

typedef struct qn_head {
    const char *label;         /* of the node, as messages use it */
    const char *weight, *bias; /* names of the initializers; bias NULL: none */
    int64_t had, n_features;   /* classes before; inputs of each score */
    bool is_kept;
} qn_head;

/* On a raw model; shared tensors are untied first.  Fails, naming them, where there is
 * no candidate or more than one.  out may be NULL. */
quern_status qn_head_replace(quern_model *raw, const qn_head_options *opt, qn_head *out,
                             quern_error *err);

#endif
