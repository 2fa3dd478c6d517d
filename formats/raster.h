/* SPDX-License-Identifier: Apache-2.0 */
/* formats/raster.h - pictures as planes of samples for measurement: PNG of 1 to 16
 * bits, JPEG, BMP, PNM, and TIFF through the plug-in quern-tiff.so.
 *
 * Nothing is rounded to 8 bits.  Alpha is dropped, palettes become colours, EXIF turns
 * JPEG and PNG upright; a stack's axes come from ImageJ's or OME's notes, else by
 * Cellpose's rule: a leading axis shorter than 10 is channels, a longer one is z. */
#ifndef QN_FORMATS_RASTER_H
#define QN_FORMATS_RASTER_H

#include "engine/cells/input_planes.h"
#include "formats/image.h"

#define QN_RASTER_MAX_PIXELS INT32_MAX /* of one plane */

typedef struct qn_raster_options {
    /* Axes of the array as NumPy would show it, of a TIFF of several pages: 0 is that
     * of the pages, the last is that of a page's samples; -1: find out. */
    int z_axis, channel_axis;
    int64_t max_pixels;        /* of one plane; 0: QN_RASTER_MAX_PIXELS */
    bool shape_only;           /* no samples: data is NULL */
    const qn_decoder *decoder; /* who reads it; NULL: this process */
    /* Samples go there and not into planes; NULL: into planes. */
    struct qn_raster_sink *sink;
    const struct qn_tiff_abi *tiff; /* the plug-in where it is open already, or NULL */
} qn_raster_options;

/* Who takes samples a row, or a part of one, at a time. */
typedef struct qn_raster_sink {
    quern_status (*begin)(void *ctx, const qn_planes *shape, quern_error *err);
    /* n samples from pixel (y, x) on; plane is z * channels + channel. */
    void (*put)(void *ctx, int64_t plane, int64_t y, int64_t x, int64_t n,
                const void *samples);
    void *ctx;
    int orientation; /* as EXIF has it: left for the taker, and set before begin */
} qn_raster_sink;

/* What a decoder reads: bytes, or (path not NULL) a file of so many that it maps. */
typedef struct qn_raster_file {
    const void *bytes;
    size_t n;
    const char *path;
} qn_raster_file;

/* Whether the first bytes are of a format that qn_raster_parse knows. */
bool qn_raster_is(const void *bytes, size_t n);
/* The planes go to the arena; options may be NULL.  A sample that is not a number, or
 * infinite, is refused by its place. */
quern_status qn_raster_parse(qn_arena *arena, const void *bytes, size_t n,
                             const qn_raster_options *options, qn_planes *out,
                             quern_error *err);
quern_status qn_raster_load(qn_arena *arena, const char *path,
                            const qn_raster_options *options, qn_planes *out,
                            quern_error *err);

#endif
