/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/net_builder.h - layers for the built-in networks: each call appends ONNX
 * nodes and their initial weights and hands on what flows.
 *
 * A failure (only memory can fail) sticks in the builder and every later call does
 * nothing, so that a network reads as the list of its layers. */
#ifndef QN_ENGINE_NETS_NET_BUILDER_H
#define QN_ENGINE_NETS_NET_BUILDER_H

#include "engine/nets.h"

enum { QN_NET_OPSET = 17 };

struct qn_builder {
    quern_model *model;
    const qn_net_options *opt;
    quern_error error;
};

/* A network that is to be made: a function that writes its layers. */
typedef struct qn_net_plan {
    const char *name;
    void (*layers)(qn_builder *b, const void *which);
    const void *which;
    const qn_net_options *opt; /* not checked */
} qn_net_plan;

/* An empty model filled by it; freed again if that fails. memory may be NULL. */
quern_status qn_net_make(const qn_net_plan *plan, const quern_model_options *memory,
                         quern_model **out, quern_error *err);

/* What flows between layers: [batch,c,h,w]; tokens are [batch,h,c] with w 1. */
typedef struct qn_flow {
    qn_value *v;
    int64_t c, h, w;
} qn_flow;

typedef struct qn_conv_spec {
    int64_t out;
    int kernel, stride;
    int64_t group; /* 0: 1 */
} qn_conv_spec;

/* A name from parts, kept by the model. */
const char *qn_net_name(qn_builder *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Channels times the multiplier: the nearest multiple of 8, at least 8. */
int64_t qn_net_width(const qn_builder *b, double channels);
/* The longer side of the input. */
int qn_net_side(const qn_builder *b);
/* How often the input is to be halved so that the longer side is below `most` (or
 * about it, from the first halving on) and the shorter not below 8. */
int qn_net_halvings(const qn_builder *b, int most);

qn_flow qn_net_input(qn_builder *b);
/* Convolution without bias, padded to keep the size (then divided by the stride,
 * rounded up); weights are He-normal by fan-out. */
qn_flow qn_net_conv(qn_builder *b, const char *name, qn_flow x, qn_conv_spec s);
qn_flow qn_net_batch_norm(qn_builder *b, const char *name, qn_flow x);
/* scope.conv<i>, then scope.bn<i>. */
qn_flow qn_net_conv_norm(qn_builder *b, const char *scope, int i, qn_flow x,
                         qn_conv_spec s);
/* n 3x3 convolutions of stride 2 with normalisation and ReLU: what large inputs pass
 * first. */
qn_flow qn_net_shrink(qn_builder *b, qn_flow x, int64_t width, int n);
qn_flow qn_net_relu(qn_builder *b, const char *name, qn_flow x);
qn_flow qn_net_relu6(qn_builder *b, const char *name, qn_flow x);
qn_flow qn_net_add(qn_builder *b, const char *name, qn_flow x, qn_flow y);
/* Windows of side k, k apart; a rest at the edge is left out. */
qn_flow qn_net_pool(qn_builder *b, const char *op_type, const char *name, qn_flow x,
                    int k);
qn_flow qn_net_global_pool(qn_builder *b, const char *op_type, qn_flow x);
qn_flow qn_net_flatten(qn_builder *b, qn_flow x);
/* Gemm [batch,features] -> [batch,out], weights [out,features] with deviation gain /
 * sqrt(features), bias 0. */
qn_flow qn_net_linear(qn_builder *b, const char *name, qn_flow x, int64_t out,
                      double gain);
/* The last linear layer and the graph's output. */
void qn_net_head(qn_builder *b, qn_flow x);

/* ---- below the layers ---- */

/* A node named like its one output value; in[n] may have trailing NULLs. */
qn_node *qn_net_node(qn_builder *b, const char *op_type, const char *name, int n,
                     qn_value *const *in);
/* The same where only the output matters. */
qn_value *qn_net_op(qn_builder *b, const char *op_type, const char *name, int n,
                    qn_value *const *in);
void qn_net_set_int(qn_builder *b, qn_node *node, const char *name, int64_t i);
void qn_net_set_ints(qn_builder *b, qn_node *node, const char *name, int n,
                     const int64_t *v);
void qn_net_set_float(qn_builder *b, qn_node *node, const char *name, float f);
/* An initializer "layer.part" of that shape, for the caller to fill; NULL after a
 * failure. */
float *qn_net_weight(qn_builder *b, const char *layer, const char *part, int rank,
                     const int64_t *dim, qn_value **out);
/* The same filled: normal with that deviation, or all equal. */
qn_value *qn_net_normal(qn_builder *b, const char *layer, const char *part, int rank,
                        const int64_t *dim, double deviation);
qn_value *qn_net_filled(qn_builder *b, const char *layer, const char *part, int64_t n,
                        float x);
/* Constant nodes: numbers that are no weights. */
qn_value *qn_net_scalar(qn_builder *b, const char *name, float x);
qn_value *qn_net_shape(qn_builder *b, const char *name, int n, const int64_t *v);

#endif
