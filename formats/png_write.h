/* SPDX-License-Identifier: Apache-2.0 */
/* formats/png_write.h - PNG files (RFC 2083): gray or RGB, 8 or 16 bits. */
#ifndef QN_FORMATS_PNG_WRITE_H
#define QN_FORMATS_PNG_WRITE_H

#include "formats/buffer.h"

typedef struct qn_png {
    uint32_t width, height; /* pixels, 1 .. 2^31-1 */
    int channels;           /* 1 gray, 3 RGB, 4 RGB and alpha */
    int bits;               /* 8 or 16 */
    const void *pixels;     /* [height][width][channels] uint8 or uint16 */
} qn_png;

/* Appends the file's bytes. */
quern_status qn_png_write(qn_buf *out, const qn_png *png, quern_error *err);
quern_status qn_png_save(qn_mem *mem, const char *path, const qn_png *png,
                         quern_error *err);

/* The same of rows that are made when they are written, from the first on: [width]
 * [channels] of row y.  png->pixels does not count. */
typedef void qn_png_row_fn(void *ctx, uint32_t y, void *row);
quern_status qn_png_write_rows(qn_buf *out, const qn_png *png, qn_png_row_fn *row,
                               void *ctx, quern_error *err);

#endif
