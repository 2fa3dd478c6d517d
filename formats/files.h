/* SPDX-License-Identifier: Apache-2.0 */
/* formats/files.h - small things that are done with files and their names. */
#ifndef QN_FORMATS_FILES_H
#define QN_FORMATS_FILES_H

#include "engine/os.h"

/* A path put together; fails when it is too long. */
quern_status qn_path_format(char out[QN_PATH_MAX], quern_error *err, const char *format,
                            ...) __attribute__((format(printf, 3, 4)));
/* All bytes of a file with a zero byte behind them, in the arena; n may be NULL. Errors
 * name the file. */
quern_status qn_file_text(qn_arena *arena, const char *path, char **text, size_t *n,
                          quern_error *err);
/* A list of names: one a line, or JSON (json_read.h). */
quern_status qn_file_names(qn_arena *arena, const char *path, const char *const **names,
                           int *n_names, quern_error *err);
bool qn_file_is_there(const char *path); /* a regular file that can be read */
/* Whether text ends with end, case ignored. */
bool qn_ends_with(const char *text, const char *end);

#endif
