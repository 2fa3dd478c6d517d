/* SPDX-License-Identifier: Apache-2.0 */
/* engine/op.h - an operator is one row: what it is called, what it takes, how shapes
 * follow, how it runs.  Nothing else in the engine knows operators by name.
 *
 * The life of a node:
 *   load     lower   rewrites an old form (opset 1..) into the newest one
 *            bind    attributes -> params struct, arity and element types checked
 *   plan     infer   output shapes from input shapes (and values, where they are known)
 *            prepare chooses kernels, packs weights, asks for scratch and state
 *   run      run     arithmetic; fails only on data (an index out of range)
 * A node whose output shape depends on data is planned at run time by the same infer
 * and prepare, and its outputs live in the run arena.  A node whose inputs are all
 * known while planning is run there and then, and becomes a constant. */
#ifndef QN_ENGINE_OP_H
#define QN_ENGINE_OP_H

#include "engine/graph.h"
#include "engine/pool.h"
#include "kernels/kernels.h"

#define QN_OP_MAX_TYPES 9

/* One attribute of a row: where it goes in the params struct and what it is if absent.
 * Fields by kind: INT int64_t, FLOAT float, STRING const char * (zero-ended),
 * INTS qn_ints, FLOATS qn_floats, STRINGS qn_strs, TENSOR qn_tensor *, GRAPH qn_graph
 * *, TYPE int64_t (a quern_dtype). */
typedef struct qn_attr {
    const char *name;
    qn_attr_kind kind;
    size_t offset;
    bool required;
    int64_t i;
    float f;
    const char *s;
} qn_attr;

/* Rows of an attribute table: QN_INT(conv_params, group, 1). */
#define QN_ATTR_AT(T, field) #field, .offset = offsetof(T, field)
#define QN_INT(T, field, x)                                 \
    {                                                       \
        QN_ATTR_AT(T, field), .kind = QN_ATTR_INT, .i = (x) \
    }
#define QN_FLOAT(T, field, x)                                 \
    {                                                         \
        QN_ATTR_AT(T, field), .kind = QN_ATTR_FLOAT, .f = (x) \
    }
#define QN_STR(T, field, x)                                    \
    {                                                          \
        QN_ATTR_AT(T, field), .kind = QN_ATTR_STRING, .s = (x) \
    }
#define QN_INTS(T, field)                          \
    {                                              \
        QN_ATTR_AT(T, field), .kind = QN_ATTR_INTS \
    }
#define QN_FLOATS(T, field)                          \
    {                                                \
        QN_ATTR_AT(T, field), .kind = QN_ATTR_FLOATS \
    }
#define QN_STRS(T, field)                             \
    {                                                 \
        QN_ATTR_AT(T, field), .kind = QN_ATTR_STRINGS \
    }
#define QN_TENSOR_ATTR(T, field)                     \
    {                                                \
        QN_ATTR_AT(T, field), .kind = QN_ATTR_TENSOR \
    }
#define QN_GRAPH_ATTR(T, field)                                       \
    {                                                                 \
        QN_ATTR_AT(T, field), .kind = QN_ATTR_GRAPH, .required = true \
    }
#define QN_REQUIRED(T, field, k)                            \
    {                                                       \
        QN_ATTR_AT(T, field), .kind = (k), .required = true \
    }
#define QN_ATTRS_END \
    {                \
        .name = NULL \
    }

enum qn_op_flags {
    QN_OP_INPLACE = 1, /* out[0] may be written over any in[] of equal type and shape */
    QN_OP_VIEW = 2,    /* out[0] is in[0] with another shape: no copy, run copies */
    QN_OP_DYNAMIC = 4, /* output shapes depend on data: run calls qn_exec_output */
    QN_OP_RANDOM = 8,  /* never folded, never merged */
    QN_OP_SUBGRAPH = 16,    /* has graph attributes; never folded */
    QN_OP_HALF_AS_F32 = 32, /* float16 and bfloat16 run as float32: the executor
                             * converts operands, so infer sees the true types, prepare
                             * and run see float32 */
    QN_OP_FUSES_ACT = 64,   /* the kernel applies node->act to out[0] */
    QN_OP_COMMUTES = 128,   /* in[0] and in[1] may be swapped */
    QN_OP_ADDS = 1024,      /* the kernel adds instr->residual to out[0] */
    QN_OP_SHIFTS = 2048,    /* the kernel adds instr->residual, [N,C,1,1], to in[0] */
    QN_OP_FROM_SHAPE = 256, /* run reads the shapes of its inputs, never their data */
    QN_OP_ANY_KIND = 512 /* takes sequences and optionals; all other rows take tensors
                          * only, and the executor refuses the rest */
};

/* What infer sees.  in[i] NULL: absent.  in[i]->data NULL: value not known yet; shapes
 * and types are always known.  out[i] NULL: not asked for; its dtype is set already by
 * the row's out_type rule and may be overridden. */
typedef struct qn_infer {
    const qn_node *node;
    const void *params;
    int n_in, n_out;
    const qn_tensor *const *in;
    qn_tensor *const *out;
} qn_infer;

/* The value of input i, for shapes that depend on it: QN_TRY(qn_infer_need(x, 1));
 * then x->in[1]->data may be read.  An unknown value returns QN_DEFER, which infer must
 * hand on. */
quern_status qn_infer_need(const qn_infer *x, int i);
/* Ready-made infers. */
quern_status qn_infer_same(const qn_infer *x, quern_error *err); /* out[0] as in[0] */
/* out[0]: NumPy broadcast over all inputs that are there. */
quern_status qn_infer_broadcast(const qn_infer *x, quern_error *err);
/* Broadcasts shape b into acc. */
quern_status qn_broadcast_shape(qn_tensor *acc, const qn_tensor *b, quern_error *err);

struct qn_instr;

/* How an instruction would take part in the blocked layout (QN_NCHW8C, float32). */
typedef struct qn_blocked {
    bool wants;  /* is faster there; otherwise it follows its operands */
    bool brings; /* or, of plain operands, makes what those behind it want blocked */
    uint32_t in; /* bit i: in[i] is read blocked; the rest stay plain */
    uint32_t plain_out; /* bit i: out[i] is written plain, the rest blocked */
    int halo, halo_in;  /* zeros that it reads around each plane of in[halo_in] */
} qn_blocked;

/* A line of the plan. */
typedef struct qn_instr {
    const qn_op *op;
    const qn_node *node;
    const void *params;
    void *state;   /* made by prepare, zeroed; lives as long as the plan (or the run) */
    void *scratch; /* as many bytes as prepare asked for, 64-byte aligned */
    size_t scratch_bytes;
    const qn_tensor **in; /* NULL entries: absent */
    qn_tensor **out;      /* NULL entries: not asked for */
    int n_in, n_out;
    qn_act act;                /* applied to out[0] by rows with QN_OP_FUSES_ACT */
    const qn_tensor *residual; /* added to out[0] before act, by rows with QN_OP_ADDS;
                                  to in[0] by those with QN_OP_SHIFTS */
    const qn_tensor *gate; /* [N,C,1,1], the last of in[]: in[0] counts times that, by
                              rows that said so (gates); NULL: none */
    uint32_t twice; /* bit i: each pixel of in[i] counts twice, as `halves` allowed */
    struct qn_instr *feeder; /* made piece by piece by this one's run, its inputs the
                                last of in[]: in[0] has no memory; NULL: none */
    bool is_blocked;         /* runs in the blocked layout, as answered to `blocked` */
    uint32_t packed;         /* bit i: in[i] was packed, so run does not read it */
} qn_instr;

/* A value that is another's elements in another order, or some of them: its element at
 * index i is element at + sum over d of i[d] * step[d] of the other, counted flat. */
typedef struct qn_places {
    int64_t at, step[QUERN_MAX_RANK];
} qn_places;

typedef struct quern_session qn_session; /* shared parts of a session; see session.h */

/* What a session lets a step do that takes in the one before it. */
typedef struct qn_join {
    bool may_map; /* apply a normalisation while it reads */
    const struct qn_tuning *tuning;
} qn_join;

/* What prepare sees: the instruction to fill.  in[i]->data is not NULL only for
 * constants.  Everything prepare allocates comes from qn_prep_state and qn_prep_pack.
 */
typedef struct qn_prep {
    qn_instr *instr;
    const qn_kernels *k;
    bool no_winograd;
    bool fixed_batch; /* of a model in training: the batch may decide how to compute */
    const struct qn_tuning *tuning; /* measured choices; NULL: none */
    int n_workers;                  /* most workers a parallel region may have */
    qn_arena *arena;
    qn_session *session;
} qn_prep;

/* Zeroed state in instr->state. */
quern_status qn_prep_state(qn_prep *p, size_t bytes, void **out, quern_error *err);
/* Asks for scratch; several calls add up to the largest only (call once). */
void qn_prep_scratch(qn_prep *p, size_t bytes);

/* Whether the value is a parameter or a view of one. */
bool qn_value_is_trained(const qn_value *v);
/* Writes the packed form of a weight to packed (bytes as asked for). */
typedef void qn_pack_fn(void *packed, const qn_tensor *weight, const void *ctx);
typedef struct qn_packer {
    uint64_t key; /* of the algorithm: another for each packed form of a weight */
    size_t bytes;
    qn_pack_fn *pack;
    const void *ctx; /* copied */
    size_t ctx_bytes;
} qn_packer;
/* The packed form of constant input i: made once in a session and kept across plans;
 * made anew when a parameter's version moved.  *out is NULL when the input is no
 * constant (pack in run then).  pack reads the weight through memcpy, as it may lie
 * unaligned, and run must not read it any more. */
quern_status qn_prep_pack(qn_prep *p, int i, const qn_packer *packer, const void **out,
                          quern_error *err);

/* What run sees besides its instruction. */
typedef struct qn_exec {
    const qn_kernels *k;
    qn_pool *pool;
    qn_arena *arena; /* run arena: outputs of QN_OP_DYNAMIC rows, strings; freed
                      * together when the next run begins */
    qn_session *session;
    uint64_t seed; /* of this run, for QN_OP_RANDOM rows */
} qn_exec;

/* Room in the run arena for an output whose dtype, rank and dims are set. */
quern_status qn_exec_output(const qn_exec *x, qn_tensor *out, quern_error *err);
/* A string of n bytes in the run arena. */
quern_status qn_exec_string(const qn_exec *x, const char *p, size_t n, qn_str *out,
                            quern_error *err);
/* run of QN_OP_VIEW rows when no view is possible: copies in[0] to out[0]. */
quern_status qn_run_copy(const qn_instr *i, const qn_exec *x, quern_error *err);

typedef struct qn_grad qn_grad; /* gradient builder; see the training issue */

struct qn_op {
    const char *name, *domain; /* domain NULL: ai.onnx */
    int since;                 /* newest version of the form implemented */
    int first;                 /* oldest form that lower understands (0: 1) */
    int min_in, max_in;        /* max_in -1: any number */
    int min_out, max_out;      /* 0, 0 means 1, 1; max_out -1: any number */
    unsigned flags;            /* qn_op_flags */
    const qn_attr *attrs;      /* ends with QN_ATTRS_END; NULL: none */
    size_t params_size;
    /* Types that the kernel takes for input i; the last non-zero entry repeats.
     * All zero: any type.  Checked at load and shown by `quern ops`. */
    uint32_t types[QN_OP_MAX_TYPES];
    uint32_t shape_only; /* bit i: of in[i] the shape is read, never the data */
    /* Output type: QUERN_UNDEFINED: that of in[0]; else this one; out_dtype overrules.
     */
    quern_dtype out_type;
    /* Type of output i, UNDEFINED if not known; in_dtype(j) may be UNDEFINED too. */
    quern_dtype (*out_dtype)(const qn_node *node, int i);
    quern_status (*lower)(qn_graph *g, qn_node *node, quern_error *err);
    quern_status (*check)(const qn_node *node, quern_error *err); /* params, at bind */
    quern_status (*infer)(const qn_infer *x, quern_error *err);
    /* True if the instruction, whose shapes are known, can run blocked, and how. */
    bool (*blocked)(const struct qn_instr *instr, qn_blocked *how);
    /* True if out[k] is elements of in[0], and which; shapes and the values that decide
     * it are known. */
    bool (*places)(const struct qn_instr *instr, int k, qn_places *p);
    /* True if out[0] is in[0] [N,C,H,W] with every pixel twice on both axes. */
    bool (*doubles)(const struct qn_instr *instr);
    /* Bit i: blocked, it can do without that before in[i], if `twice` says so. */
    uint32_t (*halves)(const struct qn_instr *instr);
    /* True if it would, blocked, take factors of the channels of in[0] as its gate. */
    bool (*gates)(const struct qn_instr *instr);
    /* True if a blocked instruction would make its in[0], which nobody else reads, by
     * itself, by the instruction that does so far; NULL: never. */
    bool (*takes_feeder)(const struct qn_instr *instr, const struct qn_instr *feeder,
                         const qn_join *how);
    quern_status (*prepare)(qn_prep *p, quern_error *err);
    quern_status (*run)(const qn_instr *instr, const qn_exec *x, quern_error *err);
    void (*done)(const qn_instr *instr); /* frees what state owns; rare */
    quern_status (*grad)(qn_grad *g, const qn_node *node, quern_error *err);
    /* Multiply-adds of one run, for inspect and bench; NULL: none worth counting. */
    double (*macs)(const qn_infer *x);
};

/* Multiply-adds of a run with its feeder; 0 where none are counted. */
double qn_instr_macs(const qn_instr *instr);

/* A row without its line in ops.def draws a warning from clang. */
#define QN_OP(name) extern const qn_op qn_op_##name;
#include "engine/ops.def"
#undef QN_OP

/* Every row, in the order of ops.def. */
const qn_op *const *qn_ops(int *n);
/* The row for a name in a domain, or NULL. */
const qn_op *qn_op_find(const char *domain, const char *name);
/* The element types row takes for input i. */
uint32_t qn_op_types(const qn_op *op, int i);
/* Type of output i of a bound node from the types of its inputs. */
quern_dtype qn_op_out_dtype(const qn_node *node, int i);
/* Binds node->op: decodes attributes into params, checks arity.  Unknown attributes
 * warn through the model's log.  The node must be lowered already. */
quern_status qn_op_bind(qn_graph *g, qn_node *node, const qn_op *op, quern_error *err);

#endif
