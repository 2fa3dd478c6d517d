/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_way.h - one convolution on blocked tensors (kernels/blocked.h), made
 * ready: the slot that does it, its filters packed, and how the work is cut.  Conv is
 * one of them, the gradient of its input one for each phase of the stride.
 *
 * The way depends on shapes only, never on threads, so the bits do not depend on them
 * either; nor, except in training, on the number of images. */
#ifndef QN_ENGINE_OPS_CONV_WAY_H
#define QN_ENGINE_OPS_CONV_WAY_H

#include "engine/op.h"

typedef enum qn_conv_slot {
    QN_CONV_DIRECT,
    QN_CONV_STEM, /* few input channels, read plain */
    QN_CONV_DEPTH,
    QN_CONV_WINO
} qn_conv_slot;

typedef struct qn_conv_way {
    qn_conv_slot slot;
    qn_conv8c c;            /* planes without data */
    int64_t first;          /* where in W the pack function begins to read */
    int64_t images, things; /* things: what the slot cuts, of one image or of all */
    int64_t groups_of_channels;
    int64_t cut_i, cut_c; /* tasks along things and along channels */
    size_t scratch;       /* floats of a task */
} qn_conv_way;

/* What tasks are weighed by, in multiply-adds of a direct convolution. */
enum {
    QN_TASK_COST = 32 << 10, /* to hand out a task, half a microsecond */
    QN_FLOAT_COST = 4        /* to read a float once more */
};

/* Parts of at most `most` that n things make. */
static inline int64_t qn_parts(int64_t n, int64_t most)
{
    return (n + most - 1) / most;
}

/* Whether input i is there when filters are packed, and packed again when written. */
bool qn_conv_can_pack(const qn_instr *instr, int i);
/* Whether Winograd can do it at all, and the tile that the static model gives it where
 * that many images share the filters: 4, 2, or 0 for a direct convolution. */
bool qn_conv_may_transform(const qn_conv8c *c);
int qn_conv_wino_tile(const qn_conv8c *c, int64_t images);
/* Whether it should read its input before every pixel is doubled; pads are 1. */
bool qn_conv_may_double(const qn_conv8c *c);
/* The same by what was measured, if there is something; for single images. */
int qn_conv_way_tile(const qn_conv_way *s, const struct qn_tuning *tuning);
/* Given slot, c (geometry, planes, filters), first and images: Winograd in the place of
 * a direct one where it pays, filters packed from input `weight` under a key of the
 * row, tables, cuts and scratch. */
quern_status qn_conv_way_prepare(qn_prep *p, qn_conv_way *s, int weight, int key,
                                 quern_error *err);
/* c: s->c with its planes' data. */
void qn_conv_way_run(const qn_conv_way *s, const qn_conv8c *c, const qn_instr *i,
                     const qn_exec *x);
/* Groups of channels [c0, c1) of one image; not Winograd. */
void qn_conv_way_image(const qn_conv_way *s, const qn_conv8c *c, const qn_kernels *k,
                       int64_t image, int64_t c0, int64_t c1);

#endif
