/* SPDX-License-Identifier: Apache-2.0 */
/* engine/shards.c - see shards.h. */
#include "engine/shards.h"

#include "kernels/conv.h"

int64_t qn_shards(int64_t n, int64_t bytes, int64_t most)
{
    int64_t shards = n < QN_SHARDS ? n : QN_SHARDS;
    while (shards > 1 && bytes > most / shards)
        shards = (shards + 1) / 2;
    return shards > 1 ? shards : 1;
}

size_t qn_shards_bytes(int64_t shards, int64_t n, size_t elem)
{
    const size_t bytes = shards > 1 ? (size_t)(shards * n) * elem : 0;
    return (bytes + 63) & ~(size_t)63;
}

typedef struct job {
    quern_dtype dtype;
    int64_t shards, n;
    void *parts, *out;
} job;

static void sum_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    (void)worker;
    if (j->dtype == QUERN_DOUBLE)
        qn_tree_sum_f64(j->shards, j->n, (double *)j->parts + begin, end - begin,
                        (double *)j->out + begin);
    else
        qn_tree_sum_f32(j->shards, j->n, (float *)j->parts + begin, end - begin,
                        (float *)j->out + begin);
}

void qn_shards_sum(qn_pool *pool, quern_dtype dtype, int64_t shards, int64_t n,
                   void *parts, void *out)
{
    job j = {dtype, shards, n, parts, out};
    qn_parallel_for(pool, n, 4096, sum_range, &j);
}
