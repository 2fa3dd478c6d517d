/* SPDX-License-Identifier: Apache-2.0 */
/* bench/truth.h - what a problem's result must be, computed by plain loops in double,
 * where a product of floats is exact; and what the problem costs at least. */
#ifndef QN_BENCH_TRUTH_H
#define QN_BENCH_TRUTH_H

#include "bench/problem.h"
#include "kernels/act.h"
#include "kernels/window.h"

enum { QN_TRUTH_INPUTS = 4 };

typedef enum qn_truth_data {
    QN_DATA_INTEGERS, /* -3 .. 3: sums are exact in any order */
    QN_DATA_REALS     /* uniform in [-1, 1) */
} qn_truth_data;

struct qn_truth {
    const qn_problem *p;
    /* Set by the kind's shape. */
    int n_in;
    struct {
        const char *name;
        int64_t n;
    } in[QN_TRUTH_INPUTS];
    int64_t n_out;
    double flops; /* a multiply-add is two */
    double bytes; /* every operand once */
    double cost;  /* of one result here, in multiply-adds */
    double eps;   /* of the kernel's element type */
    double terms; /* |error| <= (terms + 2) * eps * mass + ulps * eps * |y| */
    double ulps;
    bool is_sum; /* integers give exactly the right result */
    /* Set by qn_truth_make. */
    qn_truth_data data;
    double *x[QN_TRUTH_INPUTS];
    int64_t n_checked, *index; /* which results are known: all, or a sample */
    double *y, *mass;
};

/* Without operands and results: sizes and work only. */
void qn_truth_shape(qn_truth *t, const qn_problem *p);
quern_status qn_truth_make(qn_truth *t, const qn_problem *p, qn_truth_data data,
                           qn_arena *arena, quern_error *err);
/* Greatest error of y [n_out] in units of eps * mass; *bad: the result that is farthest
 * out of its bound, -1 when none is.  is_direct: computed term by term, so integers are
 * exact; else by transforms, whose error is that of a random walk over the terms. */
double qn_truth_error(const qn_truth *t, const double *y, bool is_direct, int64_t *bad);

/* The activation that a word of QN_ACT_WORDS is, with its usual parameters, and its
 * value in double. */
#define QN_ACT_WORDS \
    "none relu clip leaky_relu hard_sigmoid hard_swish sigmoid silu tanh gelu"
qn_act qn_truth_act(int64_t word);
double qn_truth_act_of(qn_act act, double x);

/* Convolutions and pools as one geometry. */
typedef struct qn_conv_problem {
    int64_t n, ic, oc, groups;
    qn_window w; /* rank 2 */
    bool has_bias, has_add, is_depthwise;
    qn_act act;
} qn_conv_problem;
qn_conv_problem qn_conv_problem_of(const qn_problem *p);

#endif
