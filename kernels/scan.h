/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/scan.h - running sums and products. */
#ifndef QN_KERNELS_SCAN_H
#define QN_KERNELS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/* y[o][k][i] = sum or product over j <= k (exclusive: j < k; reverse: from the end) of
 * x[o][j][i].  Integers wrap; signed ones are passed to the unsigned kernels. */
typedef struct qn_scan_shape {
    int64_t outer, n, inner;
    bool product, exclusive, reverse;
} qn_scan_shape;
typedef void qn_scan_fn(const qn_scan_shape *shape, const void *x, void *y);
qn_scan_fn qn_scan_f32, qn_scan_f64, qn_scan_u32, qn_scan_u64;

#endif
