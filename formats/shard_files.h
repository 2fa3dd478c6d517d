/* SPDX-License-Identifier: Apache-2.0 */
/* formats/shard_files.h - the files that make a data set together: one, or those of a
 * folder, with splits and counts in their names or folders.
 *
 *   data/train-00000-of-00002.parquet  data/test-00000-of-00001.parquet
 *   train/0000.parquet  test/0000.parquet  flowers_train_00000-of-00005.tfrecord */
#ifndef QN_FORMATS_SHARD_FILES_H
#define QN_FORMATS_SHARD_FILES_H

#include "formats/dataset_build.h"

typedef struct qn_shard {
    const char *path;
    qn_split split;
    qn_map map; /* while base is not NULL: all of it */
} qn_shard;

typedef struct qn_shards {
    qn_shard *at; /* [n]: by split, then by path */
    int n;
} qn_shards;

/* Whether a file's name is one of the format's. */
typedef bool qn_shard_name(const char *name);

/* Whether the file at that path is, by what it holds. */
typedef bool qn_shard_look(const char *path);

/* Whether path is such a file or a folder that has one; look may be NULL. */
bool qn_shards_are(const char *path, qn_shard_name *is_ours, qn_shard_look *look);
/* Finds them and opens none.  Those that cannot be part of the set, and those that are
 * missing by their numbers, are noted as rejects. */
quern_status qn_shards_find(qn_dataset *set, const char *path, qn_shard_name *is_ours,
                            qn_shards *out, quern_error *err);
/* Maps one of them; errors do not name it. */
quern_status qn_shard_map(qn_shard *shard, quern_error *err);
void qn_shards_done(qn_shards *shards);

#endif
