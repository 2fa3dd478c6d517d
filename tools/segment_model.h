/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_model.h - a network for cells from a file, and what its sidecar says of
 * it: MODEL.onnx.json, or MODEL.json beside MODEL.onnx. */
#ifndef QN_TOOLS_SEGMENT_MODEL_H
#define QN_TOOLS_SEGMENT_MODEL_H

#include "engine/cells/cellnet.h"
#include "tools/options.h"

typedef struct qn_segment_model {
    quern_model *model;
    quern_session *session;
    quern_pool *pool;
    qn_cellnet net;
    int64_t bytes; /* of the file */
} qn_segment_model;

/* path NULL: the network that is built in.  Names lie in the arena.  Close it in any
 * case. */
quern_status qn_segment_model_open(qn_segment_model *m, const qn_args *args,
                                   const char *path, qn_arena *arena, quern_error *err);
void qn_segment_model_close(qn_segment_model *m);

/* A sidecar's text: {"name", "diam_mean", "nchan", "sha256", "bytes"}, each of them
 * optional, is checked against the network and its file. */
quern_status qn_segment_sidecar(const char *text, size_t n, int64_t bytes,
                                qn_cellnet *net, qn_arena *arena, quern_error *err);

#endif
