/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_shape.h - the attributes that convolutions and pools share, and the
 * window they make of an input shape: kernel, strides, dilations, explicit or automatic
 * padding, floor and ceil sizes (ONNX Conv-22, AveragePool-22). */
#ifndef QN_ENGINE_OPS_CONV_SHAPE_H
#define QN_ENGINE_OPS_CONV_SHAPE_H

#include "engine/op.h"
#include "kernels/window.h"

/* One params struct for the family; a row lists in its table what it has, the rest is
 * zero. */
typedef struct qn_window_params {
    const char *auto_pad;
    qn_ints kernel_shape, strides, pads, dilations;
    int64_t ceil_mode, group;
    int64_t count_include_pad, storage_order, p; /* pools */
    qn_ints output_padding, output_shape;        /* ConvTranspose */
    int64_t offset_group;                        /* DeformConv */
} qn_window_params;

#define QN_WINDOW_ATTRS                                                          \
    QN_INTS(qn_window_params, kernel_shape), QN_INTS(qn_window_params, strides), \
        QN_INTS(qn_window_params, pads)
#define QN_CONV_ATTRS                                              \
    QN_WINDOW_ATTRS, QN_STR(qn_window_params, auto_pad, "NOTSET"), \
        QN_INTS(qn_window_params, dilations), QN_INT(qn_window_params, group, 1)

/* check of every row of the family: list lengths agree, values are in range. */
quern_status qn_window_check(const qn_node *node, quern_error *err);

/* Kernel sizes: those of the attribute, or w's dims from 2 on (w may be NULL). */
quern_status qn_window_kernel(const qn_window_params *p, const qn_tensor *x,
                              const qn_tensor *w, qn_window *win, quern_error *err);
/* The window over x [N,C,spatial...]; outputs, strides and padding filled in. */
quern_status qn_window_fit(const qn_window_params *p, const qn_tensor *x,
                           const qn_tensor *w, qn_window *win, quern_error *err);
/* X [N,C,...], W [OC,C/group,k...], optional B [OC]: ranks and channels agree. */
quern_status qn_conv_check_shapes(const qn_tensor *x, const qn_tensor *w,
                                  const qn_tensor *b, int64_t group, quern_error *err);
/* Inputs [0, n) that are there have the type of in[0]. */
quern_status qn_infer_one_type(const qn_infer *x, int n, quern_error *err);
/* out [N, channels, win->out...]; out may be NULL. */
void qn_window_shape(qn_tensor *out, const qn_tensor *x, int64_t channels,
                     const qn_window *win);
/* A window over rank 0 or 1 as one over rank 2, for kernels that know planes only. */
void qn_window_to_plane(qn_window *win);

#endif
