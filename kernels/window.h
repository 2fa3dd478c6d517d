/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/window.h - the geometry of a sliding window: what convolution, pooling,
 * im2col and col2im share.  Any number of spatial axes up to six; the last is the
 * fastest. */
#ifndef QN_KERNELS_WINDOW_H
#define QN_KERNELS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define QN_MAX_SPATIAL 6

/* Tap k of output o on axis d reads input o*stride + k*dilation - begin, if that lies
 * in [0, in).  All in elements. */
typedef struct qn_window {
    int rank; /* spatial axes, 0 .. QN_MAX_SPATIAL */
    int64_t in[QN_MAX_SPATIAL], out[QN_MAX_SPATIAL];
    int64_t kernel[QN_MAX_SPATIAL], stride[QN_MAX_SPATIAL], dilation[QN_MAX_SPATIAL];
    int64_t begin[QN_MAX_SPATIAL], end[QN_MAX_SPATIAL]; /* padding */
} qn_window;

static inline int64_t qn_window_product(const int64_t *v, int n)
{
    int64_t p = 1;
    for (int d = 0; d < n; d++)
        p *= v[d];
    return p;
}

/* Splits a flat row-major index over `rank` axes into coordinates. */
static inline void qn_window_unflatten(int64_t flat, int rank, const int64_t *dim,
                                       int64_t *at)
{
    for (int d = rank - 1; d >= 0; d--) {
        at[d] = flat % dim[d];
        flat /= dim[d];
    }
}

/* Next coordinates in row-major order; false after the last. */
static inline bool qn_window_next(int rank, const int64_t *dim, int64_t *at)
{
    for (int d = rank - 1; d >= 0; d--) {
        if (++at[d] < dim[d]) return true;
        at[d] = 0;
    }
    return false;
}

/* Taps [*from, *to) of output o on axis d that read inside [0, limit); limit is in[d],
 * or in[d] + end[d] with begin counted as inside too (low = -begin). */
static inline void qn_window_taps(const qn_window *w, int d, int64_t o, int64_t low,
                                  int64_t high, int64_t *from, int64_t *to)
{
    int64_t start = o * w->stride[d] - w->begin[d], step = w->dilation[d];
    int64_t a = start >= low ? 0 : (low - start + step - 1) / step;
    int64_t b = start >= high ? 0 : (high - start + step - 1) / step;
    *from = a < w->kernel[d] ? a : w->kernel[d];
    *to = b < w->kernel[d] ? b : w->kernel[d];
    if (*to < *from) *to = *from;
}

/* Outputs [*from, *to) of axis d whose tap k reads inside [0, in). */
static inline void qn_window_outs(const qn_window *w, int d, int64_t k, int64_t *from,
                                  int64_t *to)
{
    int64_t shift = w->begin[d] - k * w->dilation[d], step = w->stride[d];
    int64_t a = shift <= 0 ? 0 : (shift + step - 1) / step;
    int64_t past = shift + w->in[d];
    int64_t b = past <= 0 ? 0 : (past + step - 1) / step;
    *from = a < w->out[d] ? a : w->out[d];
    *to = b < w->out[d] ? b : w->out[d];
    if (*to < *from) *to = *from;
}

/* Taps [*from, *to) of axis d that read inside [0, in) for some output: what a loop
 * over taps must visit, however large the kernel says it is. */
static inline void qn_window_reach(const qn_window *w, int d, int64_t *from,
                                   int64_t *to)
{
    int64_t step = w->dilation[d], low = w->begin[d] - (w->out[d] - 1) * w->stride[d];
    int64_t high = w->begin[d] + w->in[d];
    int64_t a = low <= 0 ? 0 : (low + step - 1) / step;
    int64_t b = high <= 0 ? 0 : (high + step - 1) / step;
    *from = a < w->kernel[d] ? a : w->kernel[d];
    *to = b < w->kernel[d] ? b : w->kernel[d];
    if (*to < *from) *to = *from;
}

#endif
