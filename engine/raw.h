/* SPDX-License-Identifier: Apache-2.0 */
/* engine/raw.h - questions and edits on raw models, graphs as their files have them
 * (qn_onnx_open_raw, qn_net_build): what happens before a network is trained. */
#ifndef QN_ENGINE_RAW_H
#define QN_ENGINE_RAW_H

#include "engine/model.h"

/* True for nodes of ai.onnx of that type. */
bool qn_raw_is(const qn_node *node, const char *op_type);
/* The tensor of an initializer that nobody feeds, or of a Constant node; or NULL. */
const qn_tensor *qn_raw_constant(const qn_value *v);
/* Initializer v is t from now on; the struct is copied, the data are not. */
quern_status qn_raw_set_constant(qn_graph *g, qn_value *v, const qn_tensor *t,
                                 quern_error *err);
/* Names for values that no value of the model has: "own<number>.<base>". */
typedef struct qn_raw_names {
    qn_arena *arena;
    int64_t next;
} qn_raw_names;
void qn_raw_names_init(qn_raw_names *names, const quern_model *raw);
quern_status qn_raw_name(qn_raw_names *names, const char *base, const char **out,
                         quern_error *err);
/* Drops nodes that lead to no output, and initializers without a reader. */
quern_status qn_raw_prune(quern_model *raw, quern_error *err);

/* Every reader of a float tensor gets one of its own: exporters store equal
 * initializers once, and trained as they are they would stay tied for ever.  Constant
 * nodes and Identities of initializers become initializers under their own names;
 * scalars stay as they are. */
quern_status qn_raw_untie(quern_model *raw, quern_error *err);

/* A first input with a fixed batch of 1 gets the free dim "batch", and constant shapes
 * in Reshapes follow.  Fails, naming the node, where something holds on to the 1.  A
 * batch that is free already is left alone. */
quern_status qn_raw_free_batch(quern_model *raw, quern_error *err);

/* BatchNormalization and Dropout in the form of inference, as files that are exported
 * for training have them in the other.  Fails where the statistics of a batch are read.
 */
quern_status qn_raw_inference(quern_model *raw, quern_error *err);

/* Float32 initializers of two or more dims are stored as float16, with a Cast back to
 * what they were: half the bytes, to run; numbers are rounded to 11 bits. */
quern_status qn_raw_store_half(quern_model *raw, quern_error *err);

#endif
