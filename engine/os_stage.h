/* SPDX-License-Identifier: Apache-2.0 */
/* engine/os_stage.h - a folder or file that appears only when it is whole.
 *
 * A stage is a folder ".NAME.quern-part" beside the target NAME, locked while somebody
 * writes in it.  When all is there, the stage itself or one file in it gets the
 * target's name, which nobody may have; else the stage goes away.  What a killed
 * process left behind is emptied and used by the next one with the same target. */
#ifndef QN_ENGINE_OS_STAGE_H
#define QN_ENGINE_OS_STAGE_H

#include "engine/os_disk.h"

typedef struct qn_stage {
    const qn_disk *disk;
    qn_lock lock;
    char path[QN_PATH_MAX], target[QN_PATH_MAX];
} qn_stage;

/* Makes the stage, and the folders above it that lack.  Fails when the target is there
 * (an empty folder is fine), or while another process writes to it. */
quern_status qn_stage_begin(const qn_disk *disk, const char *target, qn_stage *out,
                            quern_error *err);
/* All bytes to the disk, then the name: of the stage, or of file `name` in it. */
quern_status qn_stage_settle(qn_stage *stage, const char *name, quern_error *err);
/* Removes the stage if it was not settled; once begin has been called, always due. */
void qn_stage_end(qn_stage *stage);

/* Overwrites n bytes at an offset of a file that is being written. */
quern_status qn_out_patch(qn_out_file *out, size_t offset, const void *p, size_t n,
                          quern_error *err);

#endif
