/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/move.h - moving elements between two strides, by element size only. */
#ifndef QN_KERNELS_MOVE_H
#define QN_KERNELS_MOVE_H

#include <stddef.h>
#include <stdint.h>

/* to[i*ts] = from[i*fs] for i < n; strides in elements, any sign, fs may be 0. */
typedef void qn_copy_row_fn(int64_t n, void *to, int64_t ts, const void *from,
                            int64_t fs);
/* to[i*ts + j] = from[j*fs + i] for i < n, j < m: a transposition, in small tiles so
 * that both sides are read and written by cache lines. */
typedef void qn_copy_tile_fn(int64_t n, int64_t m, void *to, int64_t ts,
                             const void *from, int64_t fs);

/* For elements of 1, 2, 4, 8 or 16 bytes, aligned to their size (16: to 8).  NULL for
 * other sizes. */
qn_copy_row_fn *qn_copy_row(size_t size);
qn_copy_tile_fn *qn_copy_tile(size_t size);

#endif
