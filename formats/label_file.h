/* SPDX-License-Identifier: Apache-2.0 */
/* formats/label_file.h - pictures of labels as files: gray PNG of up to 16 bits, TIFF
 * of 8, 16 or 32 bits, integer arrays of NumPy's .npy, to read and to write. */
#ifndef QN_FORMATS_LABEL_FILE_H
#define QN_FORMATS_LABEL_FILE_H

#include "engine/cells/labels.h"

/* Numbers as the file has them; errors name the file.  max_pixels 0: 2^31. */
quern_status qn_label_file_read(qn_arena *arena, const char *path, int64_t max_pixels,
                                qn_labels *out, quern_error *err);
/* Writes base with an extension: 16-bit ".png" where the largest label allows it, else
 * 32-bit ".tif".  path: what was written; and nothing is left behind on failure. */
quern_status qn_label_file_save(qn_mem *mem, const char *base, const qn_labels *labels,
                                char path[], size_t path_size, quern_error *err);

#endif
