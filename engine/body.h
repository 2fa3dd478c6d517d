/* SPDX-License-Identifier: Apache-2.0 */
/* engine/body.h - what If, Loop, Scan and SequenceMap share: running a body, carrying
 * values from one iteration to the next, stacking per-iteration results. */
#ifndef QN_ENGINE_BODY_H
#define QN_ENGINE_BODY_H

#include "engine/session.h"

/* One body of the node at hand, ready to be called. */
typedef struct qn_body {
    const qn_exec *exec;
    const qn_graph *graph;
    qn_tensor *inputs; /* [graph inputs, then captures]; the caller fills the inputs */
    qn_runner *runner;
} qn_body;

/* Finds the captures of `graph` among the instruction's inputs. */
quern_status qn_body_init(qn_body *body, const qn_instr *instr, const qn_exec *x,
                          const qn_graph *graph, quern_error *err);
/* Runs it; results are read with qn_body_output until the next call. */
quern_status qn_body_run(qn_body *body, quern_error *err);
const qn_tensor *qn_body_output(const qn_body *body, int i);

/* Values carried from one iteration to the next, in two arenas by turns, so that memory
 * does not grow with the number of iterations. */
typedef struct qn_carry {
    qn_arena arena[2];
    int turn;
    qn_tensor *values;
    int n;
} qn_carry;

quern_status qn_carry_init(qn_carry *carry, const qn_exec *x, int n, quern_error *err);
/* Takes copies of from[0..n). */
quern_status qn_carry_take(qn_carry *carry, const qn_tensor *const *from,
                           quern_error *err);
void qn_carry_done(qn_carry *carry);

/* Equal tensors stacked along a new first axis. */
typedef struct qn_stack {
    qn_mem *mem;
    qn_tensor item; /* type and shape of one */
    int64_t n;
    char *data;
    size_t capacity;
} qn_stack;

void qn_stack_init(qn_stack *stack, const qn_exec *x);
quern_status qn_stack_push(qn_stack *stack, const qn_tensor *t, quern_error *err);
/* The stack as a tensor in the run arena: the new axis at `axis`, last item first if
 * reverse.  An empty stack takes its type and shape from `declared`, free dims as 0. */
quern_status qn_stack_take(const qn_stack *stack, const qn_exec *x, int64_t axis,
                           bool reverse, const qn_value *declared, qn_tensor *out,
                           quern_error *err);
void qn_stack_done(qn_stack *stack);

/* Fails with QUERN_LIMIT past the session's limit and QUERN_CANCELLED when asked. */
quern_status qn_body_may_go_on(const qn_exec *x, int64_t iteration, quern_error *err);

/* Type of output i of a node by what its bodies give: output i + skip of each. */
quern_dtype qn_body_out_dtype(const qn_node *node, int i, int skip);

#endif
