/* SPDX-License-Identifier: Apache-2.0 */
/* formats/image.h - pictures as bytes: decoded from PNG, JPEG, BMP, GIF, PNM
 * and TIFF, turned upright, resized, cropped.
 *
 * Only image.c sees stb_image.  It decodes from memory, within a budget that follows
 * from the picture's own dimensions, which are read and checked first. */
#ifndef QN_FORMATS_IMAGE_H
#define QN_FORMATS_IMAGE_H

#include "engine/mem.h"

#define QN_IMAGE_KINDS      "PNG, JPEG, BMP, GIF, PNM and TIFF"
#define QN_IMAGE_MAX_SIDE   16384
#define QN_IMAGE_MAX_PIXELS 100000000 /* the default of the limit `pixels` */

typedef struct qn_image {
    int width, height, channels; /* channels: 1 gray, 3 RGB */
    uint8_t *pixels;             /* [height][width][channels] */
} qn_image;

/* Whether the first bytes are of a format that qn_image_decode knows. */
bool qn_image_is(const void *bytes, size_t n);
/* Decodes to 8 bits (of more, round(255 v / most)), drops alpha, applies the EXIF
 * orientation; of GIF and TIFF the first picture.  max_pixels 0: the default.
 * QUERN_UNSUPPORTED when this build lacks what reads the format. */
quern_status qn_image_decode(qn_arena *arena, const void *bytes, size_t n,
                             int64_t max_pixels, qn_image *out, quern_error *err);
struct qn_tiff_abi;
/* The same of a TIFF whose plug-in is open already. */
quern_status qn_image_tiff(qn_arena *arena, const void *bytes, size_t n,
                           int64_t max_pixels, const struct qn_tiff_abi *tiff,
                           qn_image *out, quern_error *err);

/* A picture's file, and what became of it. */
typedef struct qn_encoded {
    const void *bytes;
    size_t n;
    int64_t max_pixels;
    bool only_checked;   /* nobody needs the pixels: they are NULL */
    qn_image image;      /* its pixels are in the arena */
    quern_status status; /* the image is there if this is QUERN_OK */
    quern_error err;
} qn_encoded;

struct qn_planes;
struct qn_raster_file;
struct qn_raster_options;

/* Who decodes in place of this process, for bytes that nobody trusts: decode does what
 * qn_image_decode does, and comes back even if decoding crashes, hangs or runs out of
 * memory.  It takes the first picture of the list and as many of those behind it as go
 * along, and returns how many.  Any thread may call it. */
typedef struct qn_decoder {
    int (*decode)(void *ctx, qn_arena *arena, qn_encoded *list, int n);
    /* The same of raster.h's reading; a file is n bytes, or has that path. */
    quern_status (*read)(void *ctx, qn_arena *arena, const struct qn_raster_file *file,
                         const struct qn_raster_options *options, struct qn_planes *out,
                         int *orientation, quern_error *err);
    void *ctx;
} qn_decoder;

/* By the decoder, or (NULL) here. */
quern_status qn_image_decode_by(const qn_decoder *decoder, qn_arena *arena,
                                const void *bytes, size_t n, int64_t max_pixels,
                                qn_image *out, quern_error *err);
/* The same for the first picture of a list and some behind it, which is quicker than
 * one by one; returns how many, so that the caller need not hold the pixels of all. */
int qn_image_decode_some(const qn_decoder *decoder, qn_arena *arena, qn_encoded *list,
                         int n);

/* EXIF orientation 1 .. 8 of a JPEG or PNG file; 1 where nothing is said. */
int qn_exif_orientation(const void *bytes, size_t n);
/* The picture as orientation says it stands: out may be image itself. */
quern_status qn_image_orient(qn_arena *arena, const qn_image *image, int orientation,
                             qn_image *out, quern_error *err);

/* Triangle filter, widened when shrinking, in fixed point with 8 bits between the two
 * passes: the same bytes as Pillow's Image.resize(..., BILINEAR). */
quern_status qn_image_resize(qn_arena *arena, const qn_image *image, int width,
                             int height, qn_image *out, quern_error *err);
/* The width x height window at (left, top); what lies outside the picture gets fill's
 * bytes, one per channel. */
quern_status qn_image_window(qn_arena *arena, const qn_image *image, int left, int top,
                             int width, int height, const uint8_t *fill, qn_image *out,
                             quern_error *err);
/* To 1 channel (ITU-R 601-2 luma, as Pillow rounds it) or 3 (the gray three times). */
quern_status qn_image_channels(qn_arena *arena, const qn_image *image, int channels,
                               qn_image *out, quern_error *err);

#endif
