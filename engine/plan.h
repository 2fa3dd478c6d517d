/* SPDX-License-Identifier: Apache-2.0 */
/* engine/plan.h - a graph made ready for one set of input shapes.
 *
 * Building walks the nodes once: shapes are inferred, nodes whose inputs are all known
 * are computed there and then, the rest become steps.  Steps whose shapes cannot be
 * known before the run ("dynamic") are inferred and prepared while running.  Values of
 * the other steps get offsets in one slab by lifetime. */
#ifndef QN_ENGINE_PLAN_H
#define QN_ENGINE_PLAN_H

#include "engine/op.h"

typedef enum qn_place {
    QN_PLACE_UNUSED,
    QN_PLACE_CONSTANT, /* of the model, or computed while planning */
    QN_PLACE_INPUT,    /* the caller's memory */
    QN_PLACE_SLAB,
    QN_PLACE_RUN /* made while running, in the run arena */
} qn_place;

/* A value in a plan. */
typedef struct qn_slot {
    qn_tensor t;
    uint8_t place;        /* qn_place */
    bool is_known;        /* shape and type are known before the run */
    bool is_trained;      /* a parameter or a view of one: its numbers change */
    struct qn_slot *root; /* the slot whose memory this one views; itself mostly */
    int input;            /* of QN_PLACE_INPUT: which */
    size_t offset, bytes; /* in the slab; of roots */
    size_t shift;         /* bytes behind the root's; 0 of roots */
    int first, last;      /* steps that write and last read it; of roots */
} qn_slot;

/* float32 stand-ins for the half-precision operands of one step; see half.c. */
typedef struct qn_half qn_half;

typedef struct qn_step {
    qn_instr instr;
    qn_slot **in, **out; /* slots behind instr.in and instr.out */
    qn_half *half;       /* NULL for most steps */
    qn_blocked how;      /* in the blocked layout, if it can run there */
    bool can_block;
    bool is_dynamic;
    size_t scratch_offset;
} qn_step;

typedef struct qn_plan {
    struct qn_plan *next; /* of the same runner, most recently used first */
    qn_arena arena;
    const qn_graph *graph;
    qn_tensor *key; /* shapes the plan is for: inputs, then captures */
    int n_key;
    qn_slot *slots; /* by qn_value.id */
    int n_slots, cap_slots;
    qn_step *steps;
    int n_steps, n_dynamic, n_folded, n_reorders;
    qn_slot **outputs; /* where the graph's outputs are */
    size_t slab_bytes, unshared_bytes;
    double macs;
} qn_plan;

/* Options of planning that come from the session. */
typedef struct qn_plan_options {
    bool no_reuse;
    bool plain; /* no blocked layout */
    bool no_winograd;
    const struct qn_tuning *tuning;
    qn_session *session;
    const qn_kernels *k;
    int n_workers;
    qn_mem *mem;
} qn_plan_options;

/* inputs: one tensor for each graph input and then each capture, shapes set. */
quern_status qn_plan_build(const qn_graph *graph, const qn_tensor *inputs,
                           const qn_plan_options *opt, qn_plan **out, quern_error *err);
void qn_plan_free(qn_plan *plan);
bool qn_plan_fits(const qn_plan *plan, const qn_tensor *inputs);

/* Assigns offsets to slots and scratch by lifetime; in slab.c. */
quern_status qn_plan_assign(qn_plan *plan, bool no_reuse, quern_error *err);

/* half.c: gives a step float32 stand-ins if its row asks for them (flag
 * QN_OP_HALF_AS_F32) and an operand is float16 or bfloat16.  *half stays NULL
 * otherwise. Memory for stand-ins with known data (constants) comes from the arena and
 * is filled; for the rest, qn_half_scratch says how much to put behind qn_half_place.
 */
quern_status qn_half_make(qn_arena *arena, qn_instr *instr, qn_half **half,
                          quern_error *err);
size_t qn_half_scratch(const qn_half *half);
void qn_half_place(qn_half *half, void *memory);
void qn_half_load(const qn_half *half);  /* operands -> stand-ins */
void qn_half_store(const qn_half *half); /* stand-ins -> results */

#endif
