/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_raw.h - what a network said of a picture, kept so that thresholds can
 * be changed without asking it again: an .npz file that NumPy reads, too.
 *
 * Members: flow float32 [depth,2,H,W], prob float32 [depth,H,W], scale float64 [3]
 * (diameter, pixels of the network for one of the picture, um per pixel), image and
 * model as bytes. */
#ifndef QN_FORMATS_CELLS_RAW_H
#define QN_FORMATS_CELLS_RAW_H

#include "engine/cells/segmented.h"

typedef struct qn_cells_raw {
    qn_segmented seg;  /* flow, prob, sizes, diameter; no picture, no labels */
    double rescale;    /* pixels of the network for one of the picture */
    const char *image; /* path of the picture, as it was given */
} qn_cells_raw;

quern_status qn_cells_raw_save(qn_mem *mem, const char *path, const qn_cells_raw *raw,
                               quern_error *err);
quern_status qn_cells_raw_load(qn_arena *arena, const char *path, qn_cells_raw *out,
                               quern_error *err);

#endif
