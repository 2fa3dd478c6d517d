/* SPDX-License-Identifier: Apache-2.0 */
/* formats/raster_parts.h - between raster.c and the readers of single formats. */
#ifndef QN_FORMATS_RASTER_PARTS_H
#define QN_FORMATS_RASTER_PARTS_H

#include "formats/raster.h"

/* Checks the shape against the limit and gets the memory for it; data stays NULL where
 * nobody wants samples, and then the reader is done. */
quern_status qn_raster_room(qn_arena *arena, const qn_raster_options *options,
                            qn_planes *planes, quern_error *err);

/* Where samples of a row go, and what to do when they are there: in planes they are at
 * their place, for a sink they are in memory for one row, which it is given. */
void *qn_raster_row(const qn_raster_options *options, const qn_planes *planes,
                    int64_t plane, int64_t y, int64_t x);
void qn_raster_row_end(const qn_raster_options *options, const qn_planes *planes,
                       int64_t plane, int64_t y, int64_t x, int64_t n);

bool qn_is_pnm(const void *bytes, size_t n);
quern_status qn_raster_pnm(qn_arena *arena, const void *bytes, size_t n,
                           const qn_raster_options *options, qn_planes *out,
                           quern_error *err);

bool qn_is_tiff(const void *bytes, size_t n); /* classic or BigTIFF */
/* The plug-in; *lib is to be closed by qn_lib_close. */
quern_status qn_tiff_open(void **lib, const struct qn_tiff_abi **out, quern_error *err);
quern_status qn_raster_tiff(qn_arena *arena, const void *bytes, size_t n,
                            const qn_raster_options *options, qn_planes *out,
                            quern_error *err);

#endif
