/* SPDX-License-Identifier: Apache-2.0 */
/* formats/image_parts.h - between image_decode.c and the readers of single formats.
 * Each checks the size (qn_image_check_size) before it reserves memory for pixels. */
#ifndef QN_FORMATS_IMAGE_PARTS_H
#define QN_FORMATS_IMAGE_PARTS_H

#include "formats/image.h"

/* Sides and product; max_pixels 0: the default. */
quern_status qn_image_check_size(int64_t width, int64_t height, int64_t max_pixels,
                                 quern_error *err);

/* PNG, JPEG and BMP by stb_image, 16 bits cut to the upper 8. */
quern_status qn_image_by_stb(qn_arena *arena, const void *bytes, size_t n,
                             int64_t max_pixels, qn_image *out, quern_error *err);

/* Width, height and channels (1 or 3) of such a picture; pixels stays NULL. */
quern_status qn_image_shape_by_stb(const void *bytes, size_t n, int64_t max_pixels,
                                   qn_image *out, quern_error *err);

bool qn_is_gif(const void *bytes, size_t n);
/* The first frame on its canvas, transparency ignored: gray if its colours are. */
quern_status qn_image_gif(qn_arena *arena, const void *bytes, size_t n,
                          int64_t max_pixels, qn_image *out, quern_error *err);

#endif
