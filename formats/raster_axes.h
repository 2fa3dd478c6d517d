/* SPDX-License-Identifier: Apache-2.0 */
/* formats/raster_axes.h - what the pages of a TIFF file are: channels, planes, times,
 * and how large a pixel is, from the notes that ImageJ and OME leave in
 * ImageDescription. */
#ifndef QN_FORMATS_RASTER_AXES_H
#define QN_FORMATS_RASTER_AXES_H

#include "formats/raster.h"
#include "formats/tiff_abi.h"

typedef struct qn_raster_axes {
    int64_t channels, slices, frames;             /* among the pages */
    int64_t channel_step, slice_step, frame_step; /* from one to the next, in pages */
    bool is_joined; /* ImageJ: all pages lie behind the first, which is the only one */
    double um_per_px, um_per_plane; /* 0: unknown */
} qn_raster_axes;

/* For n_pages pages like this one. */
quern_status qn_raster_axes_find(const qn_tiff_page *page, int64_t n_pages,
                                 const qn_raster_options *options, qn_raster_axes *axes,
                                 quern_error *err);
/* Plane (of depth = slices * frames) and channel of a page. */
void qn_raster_axes_at(const qn_raster_axes *axes, int64_t page, int64_t *plane,
                       int64_t *channel);

#endif
