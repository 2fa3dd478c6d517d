/* SPDX-License-Identifier: Apache-2.0 */
/* formats/image_check.h - what stb_image believes and should not, looked at first:
 * lengths that a PNG declares, code tables of a JPEG, whether the file goes on to its
 * end. */
#ifndef QN_FORMATS_IMAGE_CHECK_H
#define QN_FORMATS_IMAGE_CHECK_H

#include "engine/mem.h"

bool qn_is_png(const void *bytes, size_t n);
bool qn_is_jpeg(const void *bytes, size_t n);
bool qn_is_bmp(const void *bytes, size_t n);
/* For a file of one of the three kinds. */
quern_status qn_image_check(const void *bytes, size_t n, quern_error *err);

#endif
