/* SPDX-License-Identifier: Apache-2.0 */
/* tools/scratch.h - the private folder that archives of data sets are unpacked into,
 * and data sets opened by a command's options.
 *
 * The folder is made before the sandbox closes, for command lines that name an archive,
 * and removed when the command is done, however it ends. */
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

#endif
