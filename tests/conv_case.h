/* SPDX-License-Identifier: Apache-2.0 */
/* tests/conv_case.h - convolutions of every kind for tests: geometry chosen at random
 * or by hand, and walks over positions and taps. */
#ifndef QN_TESTS_CONV_CASE_H
#define QN_TESTS_CONV_CASE_H

#include "tests/op_case.h"

enum { QN_TEST_AXES = 3 };

typedef struct qn_conv_case {
    int rank;
    bool bias;
    int64_t n, group, ic, oc; /* ic, oc: of a group */
    int64_t in[QN_TEST_AXES], out[QN_TEST_AXES], kernel[QN_TEST_AXES];
    int64_t stride[QN_TEST_AXES], dilation[QN_TEST_AXES];
    int64_t pads[2 * QN_TEST_AXES]; /* begins, then ends */
    const char *auto_pad;
} qn_conv_case;

/* What a window reaches over on axis d. */
int64_t qn_conv_reach(const qn_conv_case *v, int d);
/* Padding and size by the rules of the operator; false if a window does not fit. */
bool qn_conv_settle(qn_conv_case *v);
/* A random one, settled, of rank 1 + round % QN_TEST_AXES. */
void qn_conv_choose(qn_test *t, qn_conv_case *v, int round);
void qn_conv_note(qn_test *t, const qn_conv_case *v);
/* Its attributes. */
void qn_conv_attrs(qn_node *node, const qn_conv_case *v);

/* Random numbers in [-1, 1). */
void qn_test_fill(qn_test *t, qn_tensor *x);
/* Next position in row-major order; false after the last. */
bool qn_test_step(int rank, const int64_t *dim, int64_t *at);
int64_t qn_test_flat(int rank, const int64_t *dim, const int64_t *at);
int64_t qn_test_product(int rank, const int64_t *dim);

#endif
