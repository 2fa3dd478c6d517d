/* SPDX-License-Identifier: Apache-2.0 */
/* formats/png_read.h - PNG files as they were measured (RFC 2083): 1 to 16 bits, gray,
 * RGB or palette, interlaced or not.  formats/image.h is for looking at pictures, this
 * is for reading numbers from them. */
#ifndef QN_FORMATS_PNG_READ_H
#define QN_FORMATS_PNG_READ_H

#include "engine/mem.h"

#define QN_PNG_MAX_PIXELS INT32_MAX

typedef struct qn_png_samples {
    int64_t width, height;
    int channels;  /* 1 gray, 3 RGB; alpha is dropped */
    int bits;      /* of a sample here: 8 or 16 */
    void *samples; /* [height][width][channels], uint8_t or uint16_t */
} qn_png_samples;

/* as_stored: samples of 1, 2 and 4 bits keep their values and palettes stay indices, as
 * in a picture of labels; else they are spread over 0 .. 255 and palettes are colours.
 */
quern_status qn_png_read(qn_arena *arena, const void *bytes, size_t n, bool as_stored,
                         qn_png_samples *out, quern_error *err);
/* The same, given away a row at a time, from the top; samples stays NULL.  Of an
 * interlaced picture all of it is in memory first. */
typedef void qn_png_row(void *ctx, int64_t y, const void *samples);
quern_status qn_png_rows(qn_mem *mem, const void *bytes, size_t n, qn_png_row *put,
                         void *ctx, quern_error *err);
/* The same without samples: what they will be. */
quern_status qn_png_shape(const void *bytes, size_t n, bool as_stored,
                          qn_png_samples *out, quern_error *err);

#endif
