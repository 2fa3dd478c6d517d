/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/batch_stats.h - what the batch normalisations share: a tensor
 * [N,C,spatial...] as channels, and their statistics over the batch. */
#ifndef QN_ENGINE_OPS_BATCH_STATS_H
#define QN_ENGINE_OPS_BATCH_STATS_H

#include "engine/op.h"

typedef struct qn_channels {
    int64_t n, c, len; /* images, channels, elements of a plane */
} qn_channels;
qn_channels qn_channels_of(const qn_tensor *x);
/* Inputs [from, to) that are there have one element for each channel of X. */
quern_status qn_channels_check(const qn_infer *x, const qn_tensor *data, int from,
                               int to, quern_error *err);

/* Mean and population variance of channel c of a plain tensor; NaN if it is empty. */
qn_moments qn_channel_moments(const qn_tensor *x, int64_t c);

#endif
