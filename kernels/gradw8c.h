/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/gradw8c.h - gradients of filters on blocked tensors (kernels/blocked.h):
 * dW[o][i][tap] = sum over images and pixels of dY[o] * X[i] as the tap sees it.
 *
 * Both slots write sums over the images of a task in an order of their own, which is
 * that of vectors; sums of several tasks are added, then unpack gives dW.  Tasks differ
 * in images or in channels; an element has the same bits however channels are cut. */
#ifndef QN_KERNELS_GRADW8C_H
#define QN_KERNELS_GRADW8C_H

#include "kernels/blocked.h"

typedef struct qn_gradw8c {
    qn_conv8c c; /* the convolution; y is the gradient of its result, which is read, and
                  * weight, bias, add, segment and act are not used */
    bool is_plain;      /* x as slot stem8c reads it; else as conv8c */
    const int64_t *row; /* of qn_gradw8c_rows */
} qn_gradw8c;

/* Slot gradw8c_f32: sum [panel][row][8 * blocks of panel], where a row is one input
 * channel at one tap.  i: images; c: panels.  sum is the whole array, of which the
 * panels of the task are written. */
typedef void qn_gradw8c_f32_fn(const qn_gradw8c *g, const qn_task8c *t, float *sum);
int64_t qn_gradw8c_n_rows(const qn_gradw8c *g);
/* Where each reads, relative to the corner of an output pixel. */
void qn_gradw8c_rows(const qn_gradw8c *g, int64_t *row);
int64_t qn_gradw8c_size(const qn_gradw8c *g);    /* floats of sum */
int64_t qn_gradw8c_scratch(const qn_gradw8c *g); /* floats of a task */
/* Panels [begin, end) of dw [oc][ic / groups][kernel]. */
void qn_gradw8c_unpack(const qn_gradw8c *g, int64_t begin, int64_t end,
                       const float *sum, float *dw);

/* Slot gradwino8c_f32: the same for 3x3, stride 1, dilation 1, groups 1, c.tile 4, by
 * Winograd's minimal filtering.  The error is that of a sum whose terms the transforms
 * have raised: about twice that of slot gradw8c. */
typedef qn_gradw8c_f32_fn qn_gradwino8c_f32_fn;
#define QN_GRADWINO8C_BLOCK 72 /* tiles that are transformed at a time */
/* Floats of a task of that many panels. */
int64_t qn_gradwino8c_scratch(const qn_gradw8c *g, int64_t panels);

/* Slot dwgradw8c_f32: depthwise, sum [block][tap][8].  i: images; c: blocks; no
 * scratch. */
typedef void qn_dwgradw8c_f32_fn(const qn_gradw8c *g, const qn_task8c *t, float *sum);
int64_t qn_dwgradw8c_size(const qn_gradw8c *g);
/* Blocks [begin, end) of dw [c][kernel]. */
void qn_dwgradw8c_unpack(const qn_gradw8c *g, int64_t begin, int64_t end,
                         const float *sum, float *dw);

#endif
