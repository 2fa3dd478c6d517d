/* SPDX-License-Identifier: Apache-2.0 */
/* tests/net_grads.h - the gradients of a small network with respect to its inputs and
 * weights, in any type, layout and number of threads, to be compared. */
#ifndef QN_TESTS_NET_GRADS_H
#define QN_TESTS_NET_GRADS_H

#include "tests/onnx_kit.h"
#include "tests/test.h"

/* Puts nodes and inputs of that type into the kit; the output is "y". */
typedef void qn_test_net_fn(qn_kit *k, quern_dtype dtype);
/* An initializer of at most 4096 numbers in [least, least + 1), the same in all types.
 */
void qn_put_weight(qn_kit *k, quern_dtype dtype, const char *name, const char *dims,
                   double least);

typedef struct qn_test_net {
    qn_test_net_fn *build;
    const char *y_dims;
    quern_dtype dtype;
    const char *disable_passes;
    quern_session_options options; /* size is set */
} qn_test_net;

enum { QN_TEST_NET_VALUES = 16 };
/* The loss sum(y * r) and its gradients, widened; nodes and reorders of the plan. */
typedef struct qn_test_net_result {
    int n;
    int64_t count[QN_TEST_NET_VALUES];
    double *v[QN_TEST_NET_VALUES];
    int64_t n_nodes, n_reorders;
    int64_t n_unary; /* nodes that are a gradient of a function of one operand */
} qn_test_net_result;

/* Inputs have the same numbers in all types.  False after a failed check. */
bool qn_test_net_run(qn_test *t, const qn_test_net *net, qn_test_net_result *r);
/* Greatest distance of a value, relative to its size: both as Euclidean norms. */
double qn_test_net_distance(const qn_test_net_result *a, const qn_test_net_result *b);
bool qn_test_net_same_bits(const qn_test_net_result *a, const qn_test_net_result *b);

#endif
