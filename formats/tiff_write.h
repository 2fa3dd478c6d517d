/* SPDX-License-Identifier: Apache-2.0 */
/* formats/tiff_write.h - TIFF files (revision 6.0, little-endian, one or more pages):
 * integers of 8, 16 or 32 bits or float32, deflated or as they are; BigTIFF where the
 * samples come near 4 GiB. */
#ifndef QN_FORMATS_TIFF_WRITE_H
#define QN_FORMATS_TIFF_WRITE_H

#include "formats/buffer.h"

typedef struct qn_tiff {
    uint32_t width, height; /* pixels of a page */
    int channels;           /* 1 gray, 3 RGB, side by side */
    int bits;               /* 8, 16 or 32 */
    bool is_float;          /* of 32 bits */
    bool deflate;           /* compress, when this build has zlib */
    uint32_t n_pages;       /* one behind the other in samples; 0 means 1 */
    const void *samples;    /* [n_pages][height][width][channels] */
    const char *about;      /* ImageDescription of the first page, ASCII, or NULL */
    double um_per_px;       /* resolution; 0: not said */
    size_t classic_bytes;   /* of samples, above which it is a BigTIFF; 0: near 4 GiB */
} qn_tiff;

/* Appends the file's bytes. */
quern_status qn_tiff_write(qn_buf *out, const qn_tiff *tiff, quern_error *err);
quern_status qn_tiff_save(qn_mem *mem, const char *path, const qn_tiff *tiff,
                          quern_error *err);

#endif
