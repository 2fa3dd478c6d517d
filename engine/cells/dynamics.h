/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/dynamics.h - from a network's flows to labels: every pixel that is
 * likely in a cell follows the flow, and those that end together are one cell (Stringer
 * et al. 2021; the arithmetic is that of Cellpose 3.1 on a processor, the labels are
 * the same).
 *
 * A pixel whose position repeats is done early; the result is that of all the steps.
 * Bits do not depend on the pool's threads. */
#ifndef QN_ENGINE_CELLS_DYNAMICS_H
#define QN_ENGINE_CELLS_DYNAMICS_H

#include "engine/cells/flows.h"

typedef struct qn_dynamics_options {
    double prob_threshold; /* pixels with more than this take part */
    double flow_threshold; /* cells with a larger flow error go; 0: none */
    int64_t steps;         /* of the pixels; 200 * diameter / 30 at original size */
    double max_fraction;   /* of the picture: larger cells go */
    int64_t min_size;      /* pixels; at most 0: none is too small */
    int64_t height, width; /* of the labels, where the field is of another size; or 0 */
} qn_dynamics_options;

#define QN_DYNAMICS_DEFAULT                                                      \
    {                                                                            \
        .flow_threshold = 0.4, .steps = 200, .max_fraction = 0.4, .min_size = 15 \
    }

typedef struct qn_dynamics_tally {
    uint32_t n;            /* cells: labels are 1..n */
    int64_t pixels;        /* that took part */
    int64_t moves;         /* steps that were really made */
    uint32_t found, large; /* cells before anything was dropped; dropped: too large, */
    uint32_t bad, small;   /* flow error, too small or swallowed by another */
} qn_dynamics_tally;

/* 200 / 30 of the diameter (pixels of the field), at least 1: Cellpose's steps. */
int64_t qn_dynamics_steps(double diameter);

/* out lies in the arena.  What is needed on the way, about 12 bytes a pixel, is given
 * back.  tally may be NULL. */
quern_status qn_dynamics_labels(const qn_flow_field *field,
                                const qn_dynamics_options *options, qn_pool *pool,
                                qn_arena *arena, qn_labels *out,
                                qn_dynamics_tally *tally, quern_error *err);

/* Cells of the planes of a stack become one where they overlap: a cell takes the number
 * of the cell below with which its intersection over union is largest, at least
 * threshold, and for which no other cell of its plane has more; else a new number.
 * plane [n_planes], labels 1..n each; *n: cells of the stack. */
quern_status qn_labels_stitch(qn_labels *plane, int64_t n_planes, double threshold,
                              qn_arena *arena, uint32_t *n, quern_error *err);

#endif
