/* SPDX-License-Identifier: Apache-2.0 */
/* tests/op_case.h - one node, run outside any model: bound, lowered, inferred, prepared
 * and run as the engine does it, with operands of exactly their size.
 *
 *     qn_op_case c;
 *     qn_case_begin(t, &c, "Gather", 13);
 *     qn_case_input(&c, 0, QUERN_FLOAT, 2, (int64_t[]){3, 4});   fills 0, 1, 2, ...
 *     qn_case_ints(&c, 1, 1, (int64_t[]){2});
 *     if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) ... c.out[0] ...
 *     qn_case_end(&c); */
#ifndef QN_TESTS_OP_CASE_H
#define QN_TESTS_OP_CASE_H

#include "engine/op.h"
#include "tests/test.h"

#define QN_CASE_MAX 6

typedef struct qn_op_case {
    qn_test *t;
    qn_mem mem;
    qn_arena arena;
    qn_graph *graph;
    qn_node *node;
    const qn_op *op;
    quern_pool *pool; /* NULL: one thread */
    qn_kernels kernels;
    qn_tensor in[QN_CASE_MAX], out[QN_CASE_MAX];
    bool given[QN_CASE_MAX];
    quern_error err;
} qn_op_case;

/* A node in the form of an opset.  domain is that of the row called name. */
void qn_case_begin(qn_test *t, qn_op_case *c, const char *name, int64_t opset);
void qn_case_end(qn_op_case *c);
/* Input i with elements 0, 1, 2, ... (strings: "0", "1", ...). */
void qn_case_input(qn_op_case *c, int i, quern_dtype dtype, int rank,
                   const int64_t *dim);
/* Input i: a vector of n int64, or a scalar. */
void qn_case_ints(qn_op_case *c, int i, int64_t n, const int64_t *v);
void qn_case_int(qn_op_case *c, int i, int64_t v);
void qn_case_floats(qn_op_case *c, int i, int64_t n, const float *v);
/* Attributes by qn_node_set_int(c.node, ..) and its kin.  Runs with n_out outputs. */
quern_status qn_case_run(qn_op_case *c, int n_out);

#endif
