/* SPDX-License-Identifier: Apache-2.0 */
/* formats/tfrecord.h - TFRecord files, and the tf.train.Example messages in them.
 *
 *   record:   length (u64), its checksum (u32), data, their checksum (u32)
 *   Example:  features by name, each a list of bytes, of floats or of integers
 *
 * Source: the tutorial tfrecord.ipynb and example.proto, feature.proto of TensorFlow.
 */
#ifndef QN_FORMATS_TFRECORD_H
#define QN_FORMATS_TFRECORD_H

#include "formats/bytes.h"

/* A record; data's checksum is not looked at. */
typedef struct qn_tfrecord {
    qn_span data;
    uint32_t crc;
} qn_tfrecord;
/* Takes the next of a file; fails at its end, too: ask file->n before. */
quern_status qn_tfrecord_next(qn_span *file, qn_tfrecord *out, quern_error *err);
quern_status qn_tfrecord_check(const qn_tfrecord *record, quern_error *err);

/* A feature of an Example: the first of its values, by its kind. */
typedef enum qn_feature_kind {
    QN_FEATURE_NONE, /* its list is empty */
    QN_FEATURE_BYTES,
    QN_FEATURE_INT,
    QN_FEATURE_REAL
} qn_feature_kind;
typedef struct qn_feature {
    qn_span name;
    qn_feature_kind kind;
    qn_span bytes;
    int64_t number;
} qn_feature;
/* Called for each feature of an Example. */
typedef quern_status qn_feature_see(void *ctx, const qn_feature *feature,
                                    quern_error *err);
quern_status qn_example_read(qn_span example, qn_feature_see *see, void *ctx,
                             quern_error *err);

#endif
