/* SPDX-License-Identifier: Apache-2.0 */
/* tools/scratch.h - the private folder that archives of data sets are unpacked into,
 * and data sets opened by a command's options.
 *
 * The folder is made before the sandbox closes, for command lines that name an archive,
 * and removed when the command is done.  What a process that was killed could not
 * remove is removed by the next one that makes such a folder: it finds nobody holding
 * the lock.
 */
#ifndef QN_TOOLS_SCRATCH_H
#define QN_TOOLS_SCRATCH_H

#include "formats/dataset.h"
#include "tools/options.h"
#include "tools/sandbox.h"

/* Makes the folder, if it is wanted: args->scratch, one of the outputs. */
void qn_scratch_begin(qn_args *args, qn_outputs *outputs);
void qn_scratch_end(const qn_args *args);

/* Opens by --limit and an interrupt as the command line has them; format NULL: any. */
quern_status qn_data_open(const qn_args *args, qn_mem *mem, const char *path,
                          const char *format, qn_dataset **out, quern_error *err);
/* The operand and --format, for a command that reads no pictures: it may be a list of
 * such as are all somewhere else. */
quern_status qn_data_open_table(const qn_args *args, qn_mem *mem, qn_dataset **out,
                                quern_error *err);

#endif
