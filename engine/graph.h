/* SPDX-License-Identifier: Apache-2.0 */
/* engine/graph.h - a network as values (edges) and nodes (operators).
 *
 * Nodes stand in a list in topological order once qn_graph_sort has run.  A subgraph
 * (the body of If, Loop, Scan) reads outer values only through its captures, and its
 * node lists those outer values as trailing inputs: so lifetimes and order need no
 * special case. */
#ifndef QN_ENGINE_GRAPH_H
#define QN_ENGINE_GRAPH_H

#include "engine/tensor.h"
#include "kernels/act.h"

/* node->opset of nodes that are in the newest form: made by lowering and passes, or
 * lowered already. */
#define QN_OPSET_NEWEST 1000

typedef struct qn_op qn_op;
typedef struct qn_node qn_node;
typedef struct qn_graph qn_graph;

typedef struct qn_value {
    const char *name;    /* unique in its graph; "" for values made by passes */
    qn_node *producer;   /* NULL: input, constant or capture */
    int out_index;       /* which output of the producer */
    qn_tensor *constant; /* the value itself, when it is known for good */
    qn_tensor *fallback; /* value of an input that need not be bound */
    bool is_input;       /* stands in graph->inputs */
    bool is_capture;     /* stands in graph->captures */
    bool is_parameter;   /* a constant that training may write */
    uint64_t version;    /* of a parameter: packed copies of older versions are stale */
    /* What is declared or inferred.  rank -1: unknown; dim -1: unknown or symbolic. */
    quern_dtype dtype;
    uint8_t kind;     /* qn_kind */
    bool is_optional; /* declared optional(...) */
    int rank;
    int64_t dim[QUERN_MAX_RANK];
    const char *symbol[QUERN_MAX_RANK]; /* dim_param names or NULL */
    uint8_t layout, halo;               /* qn_layout; set by the layout pass */
    struct qn_value *alias;             /* replaced by this value; see qn_resolve */
    int n_uses;                         /* valid after qn_graph_count_uses */
    int id;                             /* index in plans; valid after numbering */
} qn_value;

typedef enum qn_attr_kind { /* the numbers of AttributeProto.AttributeType */
                            QN_ATTR_NONE = 0,
                            QN_ATTR_FLOAT = 1,
                            QN_ATTR_INT = 2,
                            QN_ATTR_STRING = 3,
                            QN_ATTR_TENSOR = 4,
                            QN_ATTR_GRAPH = 5,
                            QN_ATTR_FLOATS = 6,
                            QN_ATTR_INTS = 7,
                            QN_ATTR_STRINGS = 8,
                            QN_ATTR_TENSORS = 9,
                            QN_ATTR_GRAPHS = 10,
                            QN_ATTR_SPARSE = 11, /* decoded to a dense tensor */
                            QN_ATTR_TYPE =
                                13 /* type_proto: only its element type is kept, in i */
} qn_attr_kind;

typedef struct qn_ints {
    int64_t n;
    const int64_t *v; /* NULL: the attribute is absent */
} qn_ints;
typedef struct qn_floats {
    int64_t n;
    const float *v;
} qn_floats;
typedef struct qn_strs {
    int64_t n;
    const qn_str *v;
} qn_strs;

typedef struct qn_attr_value {
    const char *name;
    qn_attr_kind kind;
    const char *ref; /* ref_attr_name inside a function body, else NULL */
    int64_t i;
    float f;
    qn_str s;
    qn_ints ints;
    qn_floats floats;
    qn_strs strs;
    qn_tensor *tensor;
    qn_graph *graph;
} qn_attr_value;

struct qn_node {
    const qn_op *op;                     /* NULL until bound to a row */
    const char *name, *op_type, *domain; /* domain "" is ai.onnx */
    const char *overload;                /* of a model-local function; "" mostly */
    int64_t opset;                       /* of its domain in the model */
    qn_attr_value *attrs;
    int n_attrs;
    void *params; /* the row's own struct, filled from attrs; NULL if it has none */
    qn_value **in, **out; /* NULL entries: optional and absent */
    int n_in, n_out;      /* n_in counts the captures too */
    int n_captures;       /* the last n_captures of in, grouped by subgraph attribute */
    qn_act act;           /* set by fuse_activation on rows with QN_OP_FUSES_ACT */
    qn_graph *graph;
    qn_node *prev, *next;
    int mark; /* free for the algorithm that runs */
};

struct qn_graph {
    qn_arena *arena;
    const char *name;
    qn_graph *parent; /* NULL for the main graph */
    qn_value **inputs, **outputs, **captures;
    int n_inputs, n_outputs, n_captures;
    qn_node *first, *last;
    int n_nodes;
    qn_value **values; /* every value ever made in this graph */
    int n_values, cap_values;
};

quern_status qn_graph_create(qn_arena *arena, qn_graph *parent, qn_graph **out,
                             quern_error *err);
/* A value with unknown type; the name is kept by reference. */
quern_status qn_graph_add_value(qn_graph *g, const char *name, qn_value **out,
                                quern_error *err);
/* A constant; the tensor struct is copied, its data is kept by reference. */
quern_status qn_graph_add_constant(qn_graph *g, const char *name, const qn_tensor *t,
                                   qn_value **out, quern_error *err);
/* A constant int64 tensor of rank 1 with n elements, data copied. */
quern_status qn_graph_add_ints(qn_graph *g, int64_t n, const int64_t *v, qn_value **out,
                               quern_error *err);
/* An unlinked node with room for n_in inputs and n_out outputs, all absent, no attrs.
 */
quern_status qn_graph_new_node(qn_graph *g, const char *op_type, const char *domain,
                               int64_t opset, int n_in, int n_out, qn_node **out,
                               quern_error *err);
/* Links a node before another (NULL: at the end) and claims its outputs. */
void qn_graph_insert(qn_graph *g, qn_node *node, qn_node *before);
void qn_graph_remove(qn_graph *g, qn_node *node); /* its outputs lose their producer */
/* A new node with one new output value, linked before `before`; returns that value.
 * The node is in the newest form (QN_OPSET_NEWEST), whatever the model's opset. */
quern_status qn_graph_emit(qn_graph *g, qn_node *before, const char *op_type, int n_in,
                           qn_value *const *in, qn_value **out, quern_error *err);

/* Every later reading of old means new; uses are rewritten by qn_graph_resolve. */
void qn_value_replace(qn_value *old, qn_value *with);
qn_value *qn_resolve(qn_value *v); /* follows replacements; NULL stays NULL */
void qn_graph_resolve(qn_graph *g);
void qn_graph_count_uses(qn_graph *g); /* outputs of the graph count as uses */

/* Stable topological order; a cycle fails and names a node on it. */
quern_status qn_graph_sort(qn_graph *g, quern_error *err);
/* Debug and tests: every input is produced earlier, links and counts agree. */
quern_status qn_graph_verify(const qn_graph *g, quern_error *err);

/* Attributes. */
const qn_attr_value *qn_node_attr(const qn_node *node, const char *name); /* or NULL */
int64_t qn_node_int(const qn_node *node, const char *name, int64_t otherwise);
float qn_node_float(const qn_node *node, const char *name, float otherwise);
bool qn_node_str_is(const qn_node *node, const char *name, const char *text);
/* Adds or replaces; the value struct is copied, what it points to is not. */
quern_status qn_node_set_attr(qn_node *node, const qn_attr_value *attr,
                              quern_error *err);
quern_status qn_node_set_int(qn_node *node, const char *name, int64_t i,
                             quern_error *err);
quern_status qn_node_set_ints(qn_node *node, const char *name, int64_t n,
                              const int64_t *v, quern_error *err);
quern_status qn_node_set_float(qn_node *node, const char *name, float f,
                               quern_error *err);
quern_status qn_node_set_str(qn_node *node, const char *name, const char *s,
                             quern_error *err);
void qn_node_drop_attr(qn_node *node, const char *name);
/* Makes room for input i (absent inputs before it) and sets it.  Lowering only: the
 * node must have no captures. */
quern_status qn_node_set_input(qn_node *node, int i, qn_value *v, quern_error *err);
/* "conv1 (Conv)" or, without a name, "Conv #12 -> 'x'": the label that messages use. */
#define QN_LABEL_TEXT 160
const char *qn_node_label(char *text, const qn_node *node);
#define QN_LABEL(n) qn_node_label((char[QN_LABEL_TEXT]){0}, (n))
/* k-th subgraph of the node in attribute order, NULL past the last. */
qn_graph *qn_node_subgraph(const qn_node *node, int k);

#endif
