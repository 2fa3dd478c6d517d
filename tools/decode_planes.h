/* SPDX-License-Identifier: Apache-2.0 */
/* tools/decode_planes.h - samples for measurement over the wire of decode_wire.h: what
 * formats/raster.h reads, sent as it is read, row by row.  So neither side holds more
 * of a large picture than it must; what the worker sends is checked like a file.
 *
 * The question: QN_PLANES_ASKED where a message has its count of pictures, a
 * qn_planes_ask, and the file's bytes unless the worker has it mapped.  The answer: a
 * head; if it is good and samples are wanted, parts; the last has plane -1 and says how
 * it ended, with a sentence behind it as a bad head has. */
#ifndef QN_TOOLS_DECODE_PLANES_H
#define QN_TOOLS_DECODE_PLANES_H

#include "formats/raster.h"
#include "tools/decode_wire.h"

#define QN_PLANES_ASKED UINT32_MAX

typedef struct qn_planes_ask {
    uint64_t bytes, budget; /* budget: of memory, 0: none */
    int64_t max_pixels;
    int32_t z_axis, channel_axis, shape_only, is_mapped;
} qn_planes_ask;

typedef struct qn_planes_head {
    int32_t status;
    uint32_t n_text;
    int32_t dtype, orientation, is_colour, unused;
    int64_t depth, channels, height, width;
    double um_per_px, um_per_plane;
} qn_planes_head;

typedef struct qn_planes_part {
    int64_t plane, y, x, n; /* of the end: -1, status, length of the sentence, 0 */
} qn_planes_part;

/* The asking side; is_mapped: the bytes stay here. */
void qn_planes_ask_put(qn_wire *wire, const qn_arena *arena, const qn_raster_file *file,
                       const qn_raster_options *options);
/* The answer: false if it makes no sense, or there is none.  Where *status, with a
 * sentence in err, is not what the worker said, *is_left: it is not read to its end. */
bool qn_planes_take(qn_wire *wire, qn_arena *arena, const qn_raster_options *options,
                    qn_planes *out, int *orientation, quern_status *status,
                    bool *is_left, quern_error *err);

/* The worker's side: reads the file and answers.  tiff: the plug-in, or NULL. */
void qn_planes_answer(qn_wire *wire, qn_arena *arena, const void *bytes, size_t n,
                      const qn_planes_ask *ask, const struct qn_tiff_abi *tiff);
/* Answers with that sentence: what reads it is not there. */
void qn_planes_refuse(qn_wire *wire, const quern_error *why);

#endif
