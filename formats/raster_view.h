/* SPDX-License-Identifier: Apache-2.0 */
/* formats/raster_view.h - a plane of samples as people look at it: 8 bits, percentiles
 * 1 and 99 of what is shown as black and white. */
#ifndef QN_FORMATS_RASTER_VIEW_H
#define QN_FORMATS_RASTER_VIEW_H

#include "engine/cells/input_planes.h"
#include "formats/image.h"

/* Three channels are shown as red, green and blue, any other number by its mean.
 * QUERN_LIMIT for more pixels a side than an image may have. */
quern_status qn_raster_view(const qn_planes *planes, int64_t z, qn_pool *pool,
                            qn_arena *arena, qn_arena *scratch, qn_image *out,
                            quern_error *err);

#endif
