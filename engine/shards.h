/* SPDX-License-Identifier: Apache-2.0 */
/* engine/shards.h - sums over a batch with the same bits at any number of threads: the
 * images are dealt to shards, each shard adds up its own result, and the results are
 * added in pairs, pairs of pairs, and so on.  The number of shards depends on shapes
 * only. */
#ifndef QN_ENGINE_SHARDS_H
#define QN_ENGINE_SHARDS_H

#include "engine/pool.h"
#include "engine/tensor.h"

#define QN_SHARDS 16

/* How many for n images, so that results of that many bytes take at most `most` bytes;
 * at least 1. */
int64_t qn_shards(int64_t n, int64_t bytes, int64_t most);
/* Room for them; 0 for a single one, which needs no room beside the result. */
size_t qn_shards_bytes(int64_t shards, int64_t n, size_t elem);
/* out [n] = the sum of parts [shards][n], float32 or double, which is overwritten. */
void qn_shards_sum(qn_pool *pool, quern_dtype dtype, int64_t shards, int64_t n,
                   void *parts, void *out);

#endif
