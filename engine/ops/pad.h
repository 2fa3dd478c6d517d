/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pad.h - what Pad and its gradient share. */
#ifndef QN_ENGINE_OPS_PAD_H
#define QN_ENGINE_OPS_PAD_H

#include "engine/op.h"

enum qn_pad_mode { QN_PAD_CONSTANT, QN_PAD_REFLECT, QN_PAD_EDGE, QN_PAD_WRAP };

typedef struct qn_pads {
    int mode; /* qn_pad_mode */
    int64_t before[QUERN_MAX_RANK], after[QUERN_MAX_RANK];
} qn_pads;

/* From Pad's params and its inputs 1 (pads) and 3 (axes), both known. */
quern_status qn_pads_read(const void *params, const qn_tensor *const *in, int n_in,
                          qn_pads *pads, quern_error *err);
/* The source position of each of n outputs along an axis of dim elements; -1 where the
 * constant goes. */
void qn_pad_map(int64_t *map, int64_t n, int64_t before, int64_t dim, int mode);

#endif
