/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/input_planes.h - pictures as measurements: planes of samples as the
 * camera gave them, and the way from there to what a network of Cellpose's kind is fed:
 * two planes, percentiles at 0 and 1, another scale, a rim of zeros.
 *
 * The arithmetic is that of Cellpose 3.1 (transforms.py), in float32 where it is there.
 */
#ifndef QN_ENGINE_CELLS_INPUT_PLANES_H
#define QN_ENGINE_CELLS_INPUT_PLANES_H

#include "engine/pool.h"
#include "engine/tensor.h"

typedef struct qn_planes {
    quern_dtype dtype;     /* QUERN_UINT8, QUERN_UINT16 or QUERN_FLOAT */
    int64_t depth;         /* planes of a stack; 1 for a plain picture */
    int64_t channels;      /* without alpha */
    int64_t height, width; /* pixels */
    void *data;            /* [depth][channels][height][width] */
    bool is_colour;        /* the channels are red, green and blue */
    double um_per_px;      /* edge of a pixel in micrometres; 0: unknown */
    double um_per_plane;   /* from plane to plane of a stack; 0: unknown */
} qn_planes;

/* Samples of one channel of one plane: [height][width] of dtype. */
static inline const void *qn_planes_channel(const qn_planes *p, int64_t z, int64_t c)
{
    const size_t pixels = (size_t)(p->height * p->width);
    return (const char *)p->data +
           (size_t)(z * p->channels + c) * pixels * qn_dtype_size(p->dtype);
}

#endif
