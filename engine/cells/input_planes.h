/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/input_planes.h - pictures as measurements: planes of samples as the
 * camera gave them, and the way from there to what a network of Cellpose's kind is fed:
 * two planes, percentiles at 0 and 1, another scale, a rim of zeros.
 *
 * The arithmetic is that of Cellpose 3.1 (transforms.py), in float32 where it is there.
 */
#ifndef QN_ENGINE_CELLS_INPUT_PLANES_H
#define QN_ENGINE_CELLS_INPUT_PLANES_H

#include "engine/cells/segment_settings.h"
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
    qn_mem *mem;           /* that is told when rows were gone through, or NULL */
} qn_planes;

/* Samples of one channel of one plane: [height][width] of dtype. */
static inline const void *qn_planes_channel(const qn_planes *p, int64_t z, int64_t c)
{
    const size_t pixels = (size_t)(p->height * p->width);
    return (const char *)p->data +
           (size_t)(z * p->channels + c) * pixels * qn_dtype_size(p->dtype);
}

/* ---- what a network is fed ---- */

enum { QN_INPUT_CHANNELS = 3 }; /* the most that a network may want */

/* x becomes (x - low) / span, then 1 - x; a flat channel becomes flat, mostly 0. */
typedef struct qn_level_grid qn_level_grid; /* level_grid.h */
typedef struct qn_level {
    float low, span, flat;
    bool is_flat, is_inverted;
    const qn_level_grid *grid; /* instead of low and span, or NULL */
    int64_t top, left;         /* of the picture in what the grid is of */
} qn_level;

typedef struct qn_input {
    const qn_planes *picture;
    const qn_segment_settings *settings;
    int channels;          /* of the network: 1 .. QN_INPUT_CHANNELS */
    int64_t height, width; /* as the network sees them, without the rim */
    qn_level level[QN_INPUT_CHANNELS];
} qn_input;

/* A network of 1 or 2 channels is fed chan and chan2, one of 3 the first three as they
 * are.  rescale: pixels of the network for one of the picture; a side is truncated, but
 * at least 1. */
quern_status qn_input_init(qn_input *in, const qn_planes *picture,
                           const qn_segment_settings *settings, int channels,
                           double rescale, quern_error *err);
/* The picture smoothed and sharpened as the settings say, a float channel for each of
 * the network's that has one; all of it in the arena. */
quern_status qn_input_filter(const qn_input *in, qn_pool *pool, qn_arena *arena,
                             qn_planes *out, quern_error *err);
/* Whether channel i of the network is fed from the picture; if not, with zeros. */
bool qn_input_has(const qn_input *in, int i);
/* Row y of plane z as channel i of the network, not leveled; more: another row. */
void qn_input_samples(const qn_input *in, int64_t z, int i, int64_t y, float *row,
                      float *more);
/* Percentiles over planes [from, to), exact up to 224^3 samples, of a grid of about 224
 * each way beyond.  Sets level; what a level points to lies in the arena. */
quern_status qn_input_levels(qn_input *in, int64_t from, int64_t to, qn_arena *arena,
                             quern_error *err);
/* Rows [from, to) of the scaled plane z, of one channel: out [to - from][stride]. */
quern_status qn_input_rows(const qn_input *in, int64_t z, int channel, int64_t from,
                           int64_t to, qn_pool *pool, qn_arena *scratch, float *out,
                           int64_t stride, quern_error *err);

#endif
