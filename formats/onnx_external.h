/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_external.h - tensor data in files beside the model.  Nothing else opens
 * such files, and a model can name none outside the folders allowed:
 *   1. the folder of the model, links staying inside;
 *   2. through links, the folder in which the model itself really lies (a cache that
 *      links model and data to one folder of blobs);
 *   3. quern_model_options.external_dir, links staying inside. */
#ifndef QN_FORMATS_ONNX_EXTERNAL_H
#define QN_FORMATS_ONNX_EXTERNAL_H

#include "engine/model.h"
#include "engine/os.h"
#include "formats/bytes.h"

typedef struct qn_external_file qn_external_file;

typedef struct qn_external {
    quern_model *model;     /* gets the mapped files as backings */
    const char *model_path; /* NULL: the model came from memory */
    const char *extra_dir;  /* or NULL */
    bool strict;            /* refuse files that have several names (hard links) */
    qn_external_file *files;
} qn_external;

/* What a TensorProto says of its data; zero it before the first entry. */
typedef struct qn_external_ref {
    qn_span location;
    bool has_location, has_offset, has_length;
    uint64_t offset, length;
} qn_external_ref;

/* Maps a file and hands the map to the model. */
quern_status qn_model_map(quern_model *model, const qn_file *file, qn_backing **out,
                          quern_error *err);

/* Adds one key of TensorProto.external_data. */
quern_status qn_external_entry(qn_external_ref *ref, const qn_span *key,
                               const qn_span *value, quern_error *err);
/* The `need` bytes (not 0) that the reference names; they live as long as the model. */
quern_status qn_external_data(qn_external *external, const qn_external_ref *ref,
                              size_t need, const uint8_t **out, quern_error *err);

#endif
