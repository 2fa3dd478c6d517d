/* SPDX-License-Identifier: Apache-2.0 */
/* bench/blocked_case.h - operands in the blocked layout (kernels/blocked.h) for cases:
 * in, out, and looked over for what should not have been written. */
#ifndef QN_BENCH_BLOCKED_CASE_H
#define QN_BENCH_BLOCKED_CASE_H

#include "bench/adapter.h"

/* Truth operand i as a blocked tensor of dims [n, c, h, w] with that halo. */
quern_status qn_blocked_input(qn_bench_case *c, int i, qn_plane8c *p,
                              const int64_t dims[4], int64_t halo, quern_error *err);
/* The same operand plain, with the strides that kernels expect of plain tensors; i -1:
 * the result. */
quern_status qn_blocked_plain(qn_bench_case *c, int i, qn_plane8c *p,
                              const int64_t dims[4], quern_error *err);

typedef struct qn_blocked_output {
    qn_plane8c p;
    int64_t n, origin, floats;
    float *memory;
} qn_blocked_output;

/* The result, blocked with a halo of one. */
quern_status qn_blocked_open(qn_bench_case *c, qn_blocked_output *y,
                             const int64_t dims[4], quern_error *err);
void qn_blocked_take(qn_bench_case *c, const qn_blocked_output *y);
/* For qn_adapter.audit: the halo is as it was, the tail is zero. */
const char *qn_blocked_audit(const qn_blocked_output *y);

#endif
