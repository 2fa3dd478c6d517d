/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/segment_settings.h - what can be asked of a segmentation; the words and
 * the numbers that stand for "as usual" are Cellpose's. */
#ifndef QN_ENGINE_CELLS_SEGMENT_SETTINGS_H
#define QN_ENGINE_CELLS_SEGMENT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct qn_segment_settings {
    double diameter;       /* pixels; 0: to be measured */
    int chan, chan2;       /* 0: mean of all (chan) or nothing (chan2); 1 .. red .. */
    double flow_threshold; /* of the flow error; 0: not checked */
    double cellprob_threshold; /* of the logit */
    int64_t min_size;          /* pixels; -1: no cleaning */
    int64_t niter;             /* steps of the dynamics; 0: from the diameter */
    int64_t tile;              /* side in pixels; 0: chosen by cost */
    double tile_overlap;       /* 0.05 .. 0.5 */
    double low, high;          /* percentiles that become 0 and 1 */
    double from, to;           /* samples that become 0 and 1, if they differ */
    double smooth, sharpen;    /* radii in pixels, before levels; 0: neither */
    int64_t tile_norm;         /* levels of blocks of that many pixels; 0: of all */
    double stitch;             /* least IoU that joins cells of two planes; 0: off */
    bool no_norm, invert, is_luma, augment, no_resample, exclude_edges;
} qn_segment_settings;

#define QN_SEGMENT_DEFAULT                                                       \
    {                                                                            \
        .flow_threshold = 0.4, .min_size = 15, .tile = 224, .tile_overlap = 0.1, \
        .low = 1, .high = 99                                                     \
    }

#endif
