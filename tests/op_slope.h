/* SPDX-License-Identifier: Apache-2.0 */
/* tests/op_slope.h - an operator by itself and the row that is its gradient, each run
 * as one node: what the row says against central differences in double. */
#ifndef QN_TESTS_OP_SLOPE_H
#define QN_TESTS_OP_SLOPE_H

#include "tests/op_case.h"

typedef struct qn_operand {
    int rank;
    int64_t dim[5];
    double *v; /* NULL: absent */
} qn_operand;

/* Numbers in [lo, hi). */
qn_operand qn_random_operand(qn_test *t, int rank, const int64_t *dim, double lo,
                             double hi);
int64_t qn_operand_count(const qn_operand *x);

typedef void qn_slope_attrs(qn_node *node, const void *spec);
typedef struct qn_slope {
    const char *name; /* of the operator */
    qn_slope_attrs *attrs;
    const void *spec;
    qn_operand in[QN_CASE_MAX];
    int n_in, n_out;
} qn_slope;

/* Runs it on operands of that type; the caller ends the case.  False after a failed
 * check. */
bool qn_slope_run(qn_test *t, const qn_slope *s, quern_dtype dtype, qn_op_case *c);
/* Output i as an operand. */
qn_operand qn_slope_output(qn_test *t, const qn_op_case *c, int i);
/* Output `out` of back, in double and within 2e-5 of it in float32, is the derivative
 * of sum mix * output 0 of s by input i. */
void qn_check_slope(qn_test *t, const qn_slope *s, int i, const qn_operand *mix,
                    const qn_slope *back, int out);

#endif
