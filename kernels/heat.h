/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/heat.h - heat that spreads inside a shape on a grid: each step every pixel of
 * the shape becomes the mean of its 3x3 neighbourhood, where outside there is none, and
 * before each step one pixel gets 1 more. */
#ifndef QN_KERNELS_HEAT_H
#define QN_KERNELS_HEAT_H

#include <stdint.h>

#define QN_HEAT_PAD 4 /* unused doubles at the end of each row, at least */

typedef struct qn_heat {
    int64_t stride;       /* doubles from row to row: columns + QN_HEAT_PAD or more */
    int64_t first, last;  /* rows [first, last) have pixels of the shape */
    const int32_t *lo;    /* [rows]: they lie in columns [lo, hi) */
    const int32_t *hi;    /* the first and last row and column are outside */
    const double *weight; /* 1/9 in the shape, 0 outside */
    double *from, *to;    /* all zero */
    int64_t row, column;  /* of the source */
    int64_t steps;
} qn_heat;

/* Slot heat_f64: after the steps the temperatures are in *from when steps is even, else
 * in *to; the other holds those before the last step.  Same bits in every row of the
 * table: neighbours are added in the order centre, up, down, left, right, corners. */
typedef void qn_heat_f64_fn(const qn_heat *h);

#endif
