/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/panels.h - a matrix product whose right operand was packed beforehand, once
 * for all runs: the layers of a transformer and the last layers of a classifier.
 *
 * B [k,n] is cut into panels of 16 columns, each [k][16] with zeros where n ends, so
 * that a step along k reads one cache line.  A is read where it lies.  Tasks may run in
 * any order and at the same time; an element has the same bits however rows and panels
 * are cut. */
#ifndef QN_KERNELS_PANELS_H
#define QN_KERNELS_PANELS_H

#include "kernels/act.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QN_PANEL 16 /* columns */

static inline int64_t qn_panels(int64_t n)
{
    return (n + QN_PANEL - 1) / QN_PANEL;
}

/* Floats of packed B. */
static inline int64_t qn_panels_size(int64_t k, int64_t n)
{
    return qn_panels(n) * QN_PANEL * k;
}
/* Packs panels [c0, c1) of alpha * op(B); transposed: B is [n,k].  b has any alignment,
 * ldb counts elements. */
typedef struct qn_panels_source {
    const void *b;
    int64_t ldb, k, n;
    bool transposed;
    float alpha;
} qn_panels_source;
void qn_panels_pack(const qn_panels_source *s, int64_t c0, int64_t c1, float *to);

/* y [m,n] = act(a [m,k] B + bias + add). */
typedef struct qn_panels_product {
    int64_t n, k;
    const float *a, *b; /* b: all panels */
    const float *bias;  /* [n]; NULL: none */
    const float *add;   /* [m,n]; NULL: none */
    float *y;           /* overlaps no operand */
    int64_t lda, ld_add, ldy;
    qn_act act;
} qn_panels_product;

/* Rows [i0, i1) and panels [c0, c1) of y. */
typedef struct qn_panels_task {
    int64_t i0, i1, c0, c1;
} qn_panels_task;

typedef void qn_panels_f32_fn(const qn_panels_product *p, const qn_panels_task *t);

#endif
