/* SPDX-License-Identifier: Apache-2.0 */
/* tools/label_pairs.h - which predicted picture of labels belongs to which true one:
 * two files, or two folders whose files have the same names. */
#ifndef QN_TOOLS_LABEL_PAIRS_H
#define QN_TOOLS_LABEL_PAIRS_H

#include "engine/mem.h"

typedef struct qn_label_pair {
    const char *name;              /* without folder, extension and "_masks" */
    const char *truth, *predicted; /* paths */
} qn_label_pair;

/* Sorted by name.  In a folder files named *_masks.* count, if there are any; else all
 * of .png, .tif, .tiff and .npy.  A file without a partner is an error, unless only
 * those with one are wanted. */
quern_status qn_label_pairs(qn_arena *arena, const char *truth, const char *predicted,
                            bool only_common, qn_label_pair **out, int *n,
                            quern_error *err);

#endif
