/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/scatter.h - element-wise reductions into memory, for the Scatter family. */
#ifndef QN_KERNELS_SCATTER_H
#define QN_KERNELS_SCATTER_H

#include <stdint.h>

enum qn_scatter_type {
    QN_SCATTER_FLOAT,
    QN_SCATTER_DOUBLE,
    QN_SCATTER_INT8,
    QN_SCATTER_UINT8,
    QN_SCATTER_INT16,
    QN_SCATTER_UINT16,
    QN_SCATTER_INT32,
    QN_SCATTER_UINT32,
    QN_SCATTER_INT64,
    QN_SCATTER_UINT64,
    QN_SCATTER_TYPES
};
enum qn_scatter_reduction {
    QN_SCATTER_ADD,
    QN_SCATTER_MUL,
    QN_SCATTER_MAX,
    QN_SCATTER_MIN,
    QN_SCATTER_REDUCTIONS
};

/* to[i] = f(to[i], from[i]) for i < n; integer overflow wraps, NaN passes through. */
typedef void qn_scatter_fn(int64_t n, void *to, const void *from);
qn_scatter_fn *qn_scatter_kernel(int type, int reduction);

#endif
