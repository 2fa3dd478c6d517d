/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/cellnet.h - a network of Cellpose's kind at work: planes in, flows and
 * the logit of being in a cell out, tile by tile (Stringer et al. 2021).
 *
 * Any model will do whose first input is float32 [1, 1 to 3, H, W] and whose first
 * output is [1, 3, H, W]: dY, dX, logit. */
#ifndef QN_ENGINE_CELLS_CELLNET_H
#define QN_ENGINE_CELLS_CELLNET_H

#include "engine/cells/input_planes.h"
#include "engine/cells/tiles.h"

/* Told after each tile; false: stop. */
typedef bool qn_tile_fn(void *ctx, int64_t done, int64_t total);

typedef struct qn_cellnet {
    quern_session *session; /* of the caller */
    qn_pool *pool;
    int channels;         /* of its input */
    int64_t fixed[2];     /* height and width that it insists on; 0: any */
    double diam_mean;     /* pixels: the size of cell that it was made for */
    const char *name;     /* for people */
    char sha256[65];      /* of its file */
    qn_tile_fn *progress; /* or NULL */
    void *progress_ctx;
} qn_cellnet;

/* Looks at the model's first input and output; refuses what is no such network. */
quern_status qn_cellnet_init(qn_cellnet *net, const quern_model *model,
                             quern_session *session, qn_pool *pool, quern_error *err);

/* How the input is cut, as the settings and the network want it. */
quern_status qn_cellnet_tiles(const qn_cellnet *net, const qn_input *in,
                              qn_arena *arena, qn_tiles *tiles, quern_error *err);
/* Plane z, leveled and scaled: out [3][in->height][in->width].  Scratch is used and not
 * reset. */
quern_status qn_cellnet_run(const qn_cellnet *net, const qn_input *in, int64_t z,
                            qn_arena *scratch, float *out, quern_error *err);

#endif
