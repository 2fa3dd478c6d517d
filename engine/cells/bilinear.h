/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/bilinear.h - planes of float at another size: bilinear, centres of
 * pixels at half, clamped at the edge, not smoothed when shrinking; as OpenCV's
 * INTER_LINEAR, along rows first, in float32. */
#ifndef QN_ENGINE_CELLS_BILINEAR_H
#define QN_ENGINE_CELLS_BILINEAR_H

#include "engine/pool.h"

/* Output i is x[at[i]] * (1 - part[i]) + x[min(at[i] + 1, in - 1)] * part[i]. */
typedef struct qn_bilinear {
    int64_t in, out;
    int32_t *at;
    float *part;
} qn_bilinear;

quern_status qn_bilinear_init(qn_bilinear *axis, int64_t in, int64_t out,
                              qn_arena *arena, quern_error *err);
/* x [in] to y [out]. */
void qn_bilinear_row(const qn_bilinear *axis, const float *x, float *y);
/* Two rows [n] to one: x0 (1 - part) + x1 part. */
void qn_bilinear_mix(const float *x0, const float *x1, float part, int64_t n, float *y);

/* x [h][w] to y [height][width]; the pool's threads do not change bits. */
quern_status qn_bilinear_plane(const float *x, int64_t h, int64_t w, qn_pool *pool,
                               qn_arena *scratch, float *y, int64_t height,
                               int64_t width, quern_error *err);

#endif
