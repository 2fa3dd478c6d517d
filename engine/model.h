/* SPDX-License-Identifier: Apache-2.0 */
/* engine/model.h - a loaded model: graph, constants, functions, metadata.
 *
 * A format reader (formats/onnx*.c) creates one, fills graph, functions and metadata
 * from bytes, and calls qn_model_finish, which sorts, inlines functions, binds every
 * node to its row, lowers old forms, collects what is missing and runs the passes. */
#ifndef QN_ENGINE_MODEL_H
#define QN_ENGINE_MODEL_H

#include "engine/op.h"

typedef struct qn_opset {
    const char *domain; /* "" is ai.onnx */
    int64_t version;
} qn_opset;

/* A model-local function: a graph whose attributes may refer to those of the call. */
typedef struct qn_function {
    const char *domain, *name, *overload;
    qn_graph *body;          /* inputs and outputs by position; parent NULL */
    qn_attr_value *defaults; /* attribute_proto: attributes with default values */
    int n_defaults;
} qn_function;

typedef struct qn_pair {
    const char *key, *value;
} qn_pair;

/* A block of memory the model's tensors point into (a mapped file). */
typedef struct qn_backing {
    void *base;
    size_t bytes;
    void (*release)(struct qn_backing *backing);
    void (*drop)(struct qn_backing *backing, const void *p, size_t n); /* pages no
        longer needed now; may be NULL */
    void *ctx;
    struct qn_backing *next;
} qn_backing;

/* What a graph is made ready for: decides which passes run. */
typedef enum qn_purpose {
    QN_FOR_RUNNING,
    QN_FOR_GRADIENTS, /* to be differentiated: nothing trainable is folded or fused */
    QN_FOR_TRAINING   /* has its gradients: fused again, parameters stay parameters */
} qn_purpose;

struct quern_model {
    qn_mem mem;
    qn_purpose purpose;
    qn_arena arena; /* graph, names, copied tensors */
    qn_graph *graph;
    int64_t ir_version;
    const char *producer;
    qn_opset *opsets;
    int n_opsets;
    qn_function *functions;
    int n_functions;
    qn_pair *metadata;
    int n_metadata;
    qn_backing *backings;
    /* made by qn_model_finish */
    int64_t nodes_loaded, n_parameters;
    size_t weight_bytes;
    struct qn_op_count *counts;
    int n_counts;
    quern_missing *missing;
    int n_missing;
    bool allow_missing, keep_overridable;
    qn_value **outputs;         /* as the file declares them: names and shapes */
    const char *disable_passes; /* copied */
    quern_log_fn *log;
    void *log_ctx;
};

/* An empty model with an empty main graph.  Options may be NULL or of an older size. */
quern_status qn_model_create(const quern_model_options *opt, quern_model **out,
                             quern_error *err);
/* Everything between reading and running; see the top of this file. */
quern_status qn_model_finish(quern_model *model, quern_error *err);
/* Version imported for a domain (0: none); "" and "ai.onnx" are the same. */
int64_t qn_model_opset(const quern_model *model, const char *domain);
/* Adds a metadata pair or replaces the one with that key; both texts are copied. */
quern_status qn_model_set_metadata(quern_model *model, const char *key,
                                   const char *value, quern_error *err);
void qn_model_log(const quern_model *model, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
