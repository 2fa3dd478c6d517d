/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/drift.h - where pixels end that follow a field of flow: Euler steps with
 * bilinear reading between pixels (in double, rounded to float32, as Cellpose 3.1).
 *
 * A step depends on the position only, so a position that comes back tells all that
 * follows: such pixels stop early, and end where all the steps would have led. */
#ifndef QN_KERNELS_DRIFT_H
#define QN_KERNELS_DRIFT_H

#include <stdint.h>

typedef struct qn_drift {
    int64_t top; /* row of the picture where the field begins: rounding sees it */
    int64_t rows, width; /* of the field; positions stay inside */
    const float *flow;   /* [rows + 1][width + 1][2]: dy, dx in pixels a step, finite;
                          * the last row and column repeat those before */
    int64_t steps;
} qn_drift;

/* Slot drift_f32: pixel[i] = row * width + column in the field becomes that of the
 * pixel where it ends (its position cut off, not rounded).  Returns the steps made.
 * Same bits in every row of the table. */
typedef int64_t qn_drift_f32_fn(const qn_drift *d, int64_t n, uint32_t *pixel);

#endif
