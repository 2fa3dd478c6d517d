/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/segmented.h - a picture that has been segmented: what every output is
 * written from.  All arrays belong to whoever made it and have the picture's own size.
 */
#ifndef QN_ENGINE_CELLS_SEGMENTED_H
#define QN_ENGINE_CELLS_SEGMENTED_H

#include "engine/cells/input_planes.h"

typedef struct qn_segmented {
    const qn_planes *picture; /* as read, raw samples */
    int64_t depth, height, width;
    const float *flow;      /* [depth][2][height][width]: dY, dX; a unit step is 5 */
    const float *prob;      /* [depth][height][width]: logits of "is cell" */
    const uint32_t *labels; /* [depth][height][width]: 0 background, 1 .. n_labels */
    int64_t n_labels;
    const float *flow_error; /* [n_labels], or NULL: not known */
    const float *cell_prob;  /* [n_labels] means of probability where prob was not kept,
                                or NULL */
    double diameter;         /* pixels, the one that was used */
    double um_per_px;        /* 0: unknown */
    const qn_segment_settings *settings;
    const char *model;        /* its name */
    const char *model_sha256; /* 64 hexadecimal digits */
    double seconds[4];        /* reading and scaling, network, dynamics, all */
} qn_segmented;

#endif
