/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/cells.h - the network of Cellpose (Stringer, Wang, Michaelos, Pachitariu:
 * Cellpose, a generalist algorithm for cellular segmentation, 2021) at any width: a
 * U-net of residual blocks, its skips added, whose deepest layer also gives a style
 * that every block of the way up is shifted by.
 *
 * Input "input" [batch,channels,height,width], sides multiples of 8; output "output"
 * [batch,3,height,width]: dY, dX, logit of being a cell. */
#ifndef QN_ENGINE_NETS_CELLS_H
#define QN_ENGINE_NETS_CELLS_H

#include "engine/model.h"

enum { QN_CELLS_LEVELS = 4, QN_CELLS_PLANES = 2 };

typedef struct qn_cells_net {
    int64_t width[QN_CELLS_LEVELS]; /* channels from the finest level to the deepest */
    uint64_t seed;                  /* of the initial weights */
} qn_cells_net;

/* A raw model with two input planes; QUERN_INVALID says which width is wrong. memory
 * may be NULL. */
quern_status qn_cells_net_build(const qn_cells_net *net,
                                const quern_model_options *memory, quern_model **out,
                                quern_error *err);

#endif
