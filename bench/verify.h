/* SPDX-License-Identifier: Apache-2.0 */
/* bench/verify.h - is a kernel right, and does it keep to its operands?  In a child
 * process, since a wrong kernel may well crash. */
#ifndef QN_BENCH_VERIFY_H
#define QN_BENCH_VERIFY_H

#include "bench/adapter.h"

typedef enum qn_check_status {
    QN_CHECK_OK,
    QN_CHECK_WRONG,     /* a result is off by more than its bound */
    QN_CHECK_UNWRITTEN, /* a result was never written */
    QN_CHECK_BOUNDS,    /* touched memory that is not its own */
    QN_CHECK_REGISTERS, /* left something behind that it should restore */
    QN_CHECK_CRASHED,
    QN_CHECK_TIMED_OUT,
    QN_CHECK_FAILED, /* could not be set up: see text */
    QN_CHECK_SKIPPED /* not verified: the user said so */
} qn_check_status;
const char *qn_check_name(qn_check_status s); /* "wrong" */

typedef struct qn_check_result {
    qn_check_status status;
    double error_u; /* greatest error in units of eps * sum |terms| */
    char text[240]; /* what is wrong; empty when nothing */
} qn_check_result;

/* A kernel in question. */
typedef struct qn_suspect {
    const qn_adapter *adapter;
    const qn_kernels *k;
    void (*fn)(void);
} qn_suspect;

/* Runs it on each of the truths [n] with its buffers ending, then beginning at walls.
 */
qn_check_result qn_verify(const qn_suspect *s, const qn_truth *truth, int n,
                          double seconds);
/* Compares what a case that has run holds with its truth. */
qn_check_result qn_verify_output(qn_bench_case *c);

#endif
