/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets.h - the built-in networks: image classifiers made from a few numbers.
 *
 * A network is a row (nets.def) and a function that writes its graph in ONNX's own
 * operators (opset 17, IR 8): input "image" [batch,C,H,W], output "logits"
 * [batch,classes], batch normalisation in its inference form.  What comes out is a raw
 * model, as if read from a file: it can be edited and written, not run. */
#ifndef QN_ENGINE_NETS_H
#define QN_ENGINE_NETS_H

#include "engine/model.h"

enum { QN_NET_MIN_SIDE = 8, QN_NET_MAX_SIDE = 224 };

typedef struct qn_net_options {
    int height, width; /* of the input, each 8 .. 224 */
    int channels;      /* of the input: 1 or 3 */
    int n_classes;     /* at least 2 */
    double multiplier; /* of all widths, 0.25 .. 4; 0 means 1 */
    bool softmax;      /* end in "probabilities" instead of logits */
    uint64_t seed;     /* of the initial weights: drawn by (seed, name of the tensor) */
} qn_net_options;

typedef struct qn_builder qn_builder;

typedef struct qn_net {
    const char *name, *summary;
    void (*build)(qn_builder *b, const struct qn_net *net);
    int width; /* channels of the first stage before the multiplier */
    int depth; /* blocks in a stage, or in all */
    int side;  /* of the pictures it is meant for */
    /* How it is trained when nobody says otherwise. */
    const char *optimizer; /* "sgd" (Nesterov), "muon" or "adamw" */
    double rate;           /* peak learning rate at a batch of 128 */
    double decay, smoothing;
    int n_epochs;
    const char *augment; /* a list as of --aug, for more than ten epochs */
} qn_net;

/* A row without its line in nets.def draws a warning from clang. */
#define QN_NET(name) extern const qn_net qn_net_##name;
#include "engine/nets.def"
#undef QN_NET

const qn_net *qn_net_at(int i);              /* in the order of the table, or NULL */
const qn_net *qn_net_find(const char *name); /* or NULL */

/* The network for these inputs and classes; QUERN_INVALID says which number is wrong.
 * memory (allocator, budget, log) may be NULL. */
quern_status qn_net_build(const qn_net *net, const qn_net_options *opt,
                          const quern_model_options *memory, quern_model **out,
                          quern_error *err);

#endif
