/* SPDX-License-Identifier: Apache-2.0 */
/* tools/files.h - small things that commands do with files. */
#ifndef QN_TOOLS_FILES_H
#define QN_TOOLS_FILES_H

#include "engine/os.h"

/* A path put together; fails when it is too long. */
quern_status qn_path_format(char out[QN_PATH_MAX], quern_error *err, const char *format,
                            ...) __attribute__((format(printf, 3, 4)));
/* All bytes of a file with a zero byte behind them, in the arena; n may be NULL. Errors
 * name the file. */
quern_status qn_file_text(qn_arena *arena, const char *path, char **text, size_t *n,
                          quern_error *err);
bool qn_file_is_there(const char *path); /* a regular file that can be read */
/* Whether text ends with end, case ignored. */
bool qn_ends_with(const char *text, const char *end);

#endif
