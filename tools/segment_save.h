/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_save.h - what a segmentation writes: the files that --save names, and a
 * record by which a later run knows that a picture is done. */
#ifndef QN_TOOLS_SEGMENT_SAVE_H
#define QN_TOOLS_SEGMENT_SAVE_H

#include "engine/cells/segmented.h"
#include "formats/cells_raw.h"
#include "formats/json_write.h"
#include "tools/options.h"

#define QN_SEGMENT_RAW    "_raw.npz"
#define QN_SEGMENT_RECORD "_segment.json"

typedef struct qn_segment_saver {
    const qn_args *args;
    const char *folder;
    uint32_t set;    /* rows of cell_outputs.def */
    bool masks, raw; /* these have no row */
    char list[600];  /* as it was given: part of what a run is known by */
    int outline_rgb; /* -1: each label its own */
    double fov[2];   /* width and height in mm; 0: not told */
    qn_pool *pool;
    qn_mem *mem;
} qn_segment_saver;

/* Reads --save and the options of how files look; opens and makes nothing. */
quern_status qn_segment_saver_init(qn_segment_saver *s, const qn_args *args,
                                   qn_mem *mem, quern_error *err);

/* A picture that is done: its results and what is written of them. */
typedef struct qn_segment_done {
    const char *image; /* as it was given */
    const char *stem;
    const qn_segmented *seg;
    double rescale;
    double ms;
    const char *hash; /* of settings, network and outputs */
} qn_segment_done;

/* Writes all files, the record last; files: appended "name","path" members of an open
 * JSON object. */
quern_status qn_segment_save(const qn_segment_saver *s, const qn_segment_done *done,
                             qn_arena *scratch, qn_buf *line, quern_error *err);
/* Whether the record of a former run says that all of this was done the same way, and
 * what it names is there. */
bool qn_segment_is_done(const qn_segment_saver *s, const char *stem, const char *hash,
                        qn_arena *scratch);

#endif
