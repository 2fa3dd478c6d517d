/* SPDX-License-Identifier: Apache-2.0 */
/* formats/raster_view.c - see raster_view.h.  Levels and rows are those that a network
 * is fed, a band of rows at a time. */
#include "formats/raster_view.h"

enum { BAND = 64 }; /* rows */

static uint8_t shade(float x)
{
    return x <= 0 ? 0 : x >= 1 ? 255 : (uint8_t)(x * 255 + 0.5f);
}

static quern_status put_channel(const qn_input *in, int64_t z, int c, qn_pool *pool,
                                qn_arena *scratch, const qn_image *out,
                                quern_error *err)
{
    void *room;
    const int64_t w = in->width;
    QN_TRY(qn_arena_array(scratch, (size_t)(BAND * w), sizeof(float), &room, err));
    const float *rows = room;
    for (int64_t y = 0; y < in->height; y += BAND) {
        const int64_t to = y + BAND < in->height ? y + BAND : in->height;
        qn_arena band;
        qn_arena_init(&band, scratch->mem);
        const quern_status status =
            qn_input_rows(in, z, c, y, to, pool, &band, room, w, err);
        qn_arena_done(&band);
        QN_TRY(status);
        for (int64_t i = 0; i < (to - y) * w; i++)
            out->pixels[(y * w + i) * out->channels + c] = shade(rows[i]);
        qn_mem_passed(scratch->mem, (size_t)((to - y) * w * out->channels));
    }
    return QUERN_OK;
}

quern_status qn_raster_view(const qn_planes *planes, int64_t z, qn_pool *pool,
                            qn_arena *arena, qn_arena *scratch, qn_image *out,
                            quern_error *err)
{
    const qn_segment_settings usual = QN_SEGMENT_DEFAULT;
    const int channels = planes->channels == 3 ? 3 : 1;
    qn_input in;
    void *pixels;
    if (planes->height > INT32_MAX || planes->width > INT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "%lld x %lld pixels are too many to be shown",
                       (long long)planes->width, (long long)planes->height);
    QN_TRY(qn_input_init(&in, planes, &usual, channels, 1, err));
    QN_TRY(qn_input_levels(&in, z, z + 1, scratch, err));
    const size_t n = (size_t)(planes->height * planes->width);
    QN_TRY(qn_arena_array(arena, n, (size_t)channels, &pixels, err));
    *out = (qn_image){(int)planes->width, (int)planes->height, channels, pixels};
    for (int c = 0; c < channels; c++)
        QN_TRY(put_channel(&in, z, c, pool, scratch, out, err));
    return QUERN_OK;
}
