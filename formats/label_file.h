/* SPDX-License-Identifier: Apache-2.0 */
/* formats/label_file.h - pictures of labels as files: gray or palette PNG of up to 16
 * bits, TIFF of up to 32 bits, two-dimensional arrays of integers from NumPy (.npy). */
#ifndef QN_FORMATS_LABEL_FILE_H
#define QN_FORMATS_LABEL_FILE_H

#include "engine/cells/labels.h"

/* Numbers as the file has them.  max_pixels 0: 2^31 - 1. */
quern_status qn_label_file_parse(qn_arena *arena, const void *bytes, size_t n,
                                 int64_t max_pixels, qn_labels *out, quern_error *err);
/* The same for a file; errors name it. */
quern_status qn_label_file_read(qn_arena *arena, const char *path, int64_t max_pixels,
                                qn_labels *out, quern_error *err);
/* Writes base with an extension: 16-bit ".png" where the largest label allows it, else
 * 32-bit ".tif".  path [path_size]: what was written.  Nothing is left behind on
 * failure. */
quern_status qn_label_file_save(qn_mem *mem, const char *base, const qn_labels *labels,
                                char *path, size_t path_size, quern_error *err);

#endif
