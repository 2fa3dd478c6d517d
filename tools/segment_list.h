/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_list.h - the pictures of a batch: files, and those of folders whose
 * names end like a picture's, without what a segmentation itself wrote there. */
#ifndef QN_TOOLS_SEGMENT_LIST_H
#define QN_TOOLS_SEGMENT_LIST_H

#include "engine/os.h"

typedef struct qn_segment_item {
    const char *path;
    const char *stem; /* what its outputs' names begin with; no two have the same */
} qn_segment_item;

typedef struct qn_segment_list {
    qn_segment_item *item; /* in the order of operands, then of names */
    int64_t n;
} qn_segment_list;

/* ends: suffixes of files that are looked for in folders, NULL at the end. */
quern_status qn_segment_list_make(const char *const *operands, int n,
                                  const char *const *ends, qn_arena *arena,
                                  qn_segment_list *out, quern_error *err);
/* Of pictures; and of what --save raw writes. */
extern const char *const qn_segment_pictures[], *const qn_segment_raws[];

#endif
