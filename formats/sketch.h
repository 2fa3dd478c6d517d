/* SPDX-License-Identifier: Apache-2.0 */
/* formats/sketch.h - a picture as a few bytes that change little when it is
 * recompressed or made smaller: what near duplicates are found by. */
#ifndef QN_FORMATS_SKETCH_H
#define QN_FORMATS_SKETCH_H

#include "formats/image.h"

#define QN_SKETCH_SIDE 16

typedef struct qn_sketch {
    /* Difference hash: whether each of 8 x 8 places is brighter than its right-hand
     * neighbour (N. Krawetz, "Kind of Like That", 2013). */
    uint64_t bits;
    uint8_t
        at[QN_SKETCH_SIDE * QN_SKETCH_SIDE]; /* brightness, each the mean of a part */
    uint8_t darkest, brightest;              /* of at */
} qn_sketch;

void qn_sketch_of(const qn_image *image, qn_sketch *out);
/* Mean absolute difference of the parts, 0 to 255. */
double qn_sketch_distance(const qn_sketch *a, const qn_sketch *b);

#endif
