/* SPDX-License-Identifier: Apache-2.0 */
/* formats/label_tiff.h - the TIFF files that pictures of labels mostly are: one page of
 * unsigned integers, little-endian, in strips, as they are or deflated.  They need no
 * library, and labels of 32 bits stay exact. */
#ifndef QN_FORMATS_LABEL_TIFF_H
#define QN_FORMATS_LABEL_TIFF_H

#include "engine/cells/labels.h"

/* *is_plain false, and no error: a TIFF of another kind, or a damaged one. */
quern_status qn_label_tiff_parse(qn_arena *arena, const void *bytes, size_t n,
                                 int64_t max_pixels, bool *is_plain, qn_labels *out,
                                 quern_error *err);

#endif
