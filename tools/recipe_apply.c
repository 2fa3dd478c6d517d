/* SPDX-License-Identifier: Apache-2.0 */
/* tools/recipe_apply.c - pixels to a tensor; see recipe.h. */
#include "formats/files.h"
#include "tools/recipe.h"

#include <math.h>
#include <string.h>

qn_frame qn_recipe_frame(const qn_recipe *r)
{
    qn_frame frame = {.height = r->height,
                      .width = r->width,
                      .shorter = r->shorter,
                      .fitting = r->fitting,
                      .channels = r->channels};
    for (int c = 0; c < 3; c++)
        frame.fill[c] =
            (uint8_t)fmin(255, fmax(0, 255 * r->mean[r->is_bgr ? 2 - c : c] + 0.5));
    return frame;
}

void qn_recipe_size(const qn_recipe *r, const qn_image *image, int *height, int *width)
{
    const qn_frame frame = qn_recipe_frame(r);
    qn_frame_size(&frame, image, height, width);
}

quern_status qn_recipe_batch(const qn_recipe *r, const qn_image *image,
                             const quern_info *input, int64_t n, qn_arena *arena,
                             qn_tensor *out, quern_error *err)
{
    int h, w;
    qn_recipe_size(r, image, &h, &w);
    *out = (qn_tensor){.dtype = input->dtype, .rank = 4};
    out->dim[0] = n;
    out->dim[1] = r->is_nhwc ? h : r->channels;
    out->dim[2] = r->is_nhwc ? w : h;
    out->dim[3] = r->is_nhwc ? r->channels : w;
    QN_TRY(qn_tensor_check(out, err));
    QN_TRY(qn_tensor_alloc(arena, out, err));
    memset(out->data, 0, qn_tensor_bytes(out));
    return QUERN_OK;
}

quern_status qn_recipe_apply(const qn_recipe *r, const qn_image *image, qn_arena *arena,
                             qn_tensor *batch, int64_t k, quern_error *err)
{
    const qn_frame frame = qn_recipe_frame(r);
    qn_image p;
    QN_TRY(qn_frame_apply(&frame, image, arena, &p, err));
    if (p.height != batch->dim[r->is_nhwc ? 1 : 2] ||
        p.width != batch->dim[r->is_nhwc ? 2 : 3])
        return qn_fail(err, QUERN_SHAPE,
                       "a picture of %d x %d does not go into a batch of %s", p.height,
                       p.width, QN_SHAPE(batch));
    const int64_t area = (int64_t)p.width * p.height, base = k * area * p.channels;
    for (int c = 0; c < p.channels; c++) {
        const int to = r->is_bgr ? p.channels - 1 - c : c;
        float scaled[256];
        for (int v = 0; v < 256; v++)
            scaled[v] = (float)((v / 255.0 - r->mean[to]) / r->std[to]);
        for (int64_t i = 0; i < area; i++) {
            const uint8_t v = p.pixels[i * p.channels + c];
            const int64_t at =
                base + (r->is_nhwc ? i * p.channels + to : to * area + i);
            if (batch->dtype == QUERN_FLOAT)
                ((float *)batch->data)[at] = scaled[v];
            else
                qn_set_real(batch, at,
                            batch->dtype == QUERN_UINT8 ? v : (double)scaled[v]);
        }
    }
    return QUERN_OK;
}

quern_status qn_recipe_load(const quern_model *model, const quern_info *input,
                            const char *path, const qn_decoder *decoder,
                            qn_arena *arena, qn_tensor *out, quern_error *err)
{
    char *bytes;
    size_t n;
    qn_recipe recipe;
    qn_image image;
    QN_TRY(qn_file_text(arena, path, &bytes, &n, err));
    quern_status status = qn_image_decode_by(decoder, arena, bytes, n, 0, &image, err);
    if (status == QUERN_OK)
        status = qn_recipe_read(&recipe, model, input, NULL, arena, err);
    if (status == QUERN_OK)
        status = qn_recipe_batch(&recipe, &image, input, 1, arena, out, err);
    if (status == QUERN_OK)
        status = qn_recipe_apply(&recipe, &image, arena, out, 0, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}
