/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fusion_kit.h - small convolutional networks, made in a few lines, run with and
 * without what fuses. */
#ifndef QN_TESTS_FUSION_KIT_H
#define QN_TESTS_FUSION_KIT_H

#include "tests/onnx_kit.h"
#include "tests/test.h"

enum { QN_FUSION_IMAGES = 3 };

typedef struct qn_fusion {
    qn_kit kit;
    qn_test *t;
    int64_t dim[4]; /* of x */
    int n_weights;
} qn_fusion;

/* Input x [N,c,h,w]. */
void qn_fusion_begin(qn_fusion *f, qn_test *t, int c, int h, int w);
/* "Conv a": a filter [oc][ic / group][side][side] and a bias are added. */
typedef struct qn_fusion_conv {
    const char *in, *out;
    int oc, ic, side, pad, stride, group;
} qn_fusion_conv;
void qn_fusion_add_conv(qn_fusion *f, const qn_fusion_conv *c);
void qn_fusion_add_norm(qn_fusion *f, const char *in, const char *out, int c);
/* Nearest, by these factors. */
void qn_fusion_add_resize(qn_fusion *f, const char *in, const char *out, float rows,
                          float cols);
/* Makes this value the only output. */
void qn_fusion_end(qn_fusion *f, const char *y);

/* Runs it as the file says in the plain layout, and with all passes in either layout,
 * with and without Winograd, by the fastest kernels and by the reference: all are
 * within tolerance times the largest number.  Then the blocked one on 2, 3 and 8
 * threads, over poisoned memory, without fuse_norm_ahead, and image by image: the same
 * bits.  Frees f. */
typedef struct qn_fusion_counts {
    int nodes;      /* left by the passes */
    int64_t instrs; /* of a plan in the blocked layout */
    int64_t macs;   /* of an image */
} qn_fusion_counts;
qn_fusion_counts qn_fusion_check(qn_fusion *f, double tolerance);

#endif
