/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_shards.h - the Parquet files that make a data set: one, or those of a
 * folder as the Hugging Face hub has them, with splits in names or folders.
 *
 *   data/train-00000-of-00002.parquet  data/test-00000-of-00001.parquet
 *   train/0000.parquet  test/0000.parquet */
#ifndef QN_FORMATS_PARQUET_SHARDS_H
#define QN_FORMATS_PARQUET_SHARDS_H

#include "formats/dataset_build.h"
#include "formats/parquet.h"

typedef struct qn_pq_shard {
    const char *path;
    qn_split split;
    qn_map map;
    qn_parquet file;
} qn_pq_shard;

bool qn_parquet_is_set(const char *path);
/* Finds them, without opening any: sorted by split and path.  Those that cannot be part
 * of the set, and those that are missing by their numbers, are noted as rejects. */
quern_status qn_pq_shards_find(qn_dataset *set, const char *path, qn_pq_shard **shards,
                               int *n, quern_error *err);

#endif
