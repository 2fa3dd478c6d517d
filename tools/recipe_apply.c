/* SPDX-License-Identifier: Apache-2.0 */
/* tools/recipe_apply.c - pixels to a tensor; see recipe.h. */
#include "tools/files.h"
#include "tools/recipe.h"

#include <math.h>
#include <string.h>

static int at_least_1(double x)
{
    return x < 1 ? 1 : (int)x;
}

/* The scaled size that covers (or lies within) h x w; torchvision truncates. */
static void scaled_size(const qn_recipe *r, const qn_image *image, int h, int w,
                        int *out_h, int *out_w)
{
    const double by_h = (double)h / image->height, by_w = (double)w / image->width;
    const bool is_crop = r->fitting == QN_CROP;
    const bool height_leads = is_crop ? by_h >= by_w : by_h <= by_w;
    if (is_crop && r->shorter) {
        const bool is_tall = image->height >= image->width;
        const double longer = (double)r->shorter *
                              (is_tall ? image->height : image->width) /
                              (is_tall ? image->width : image->height);
        *out_h = is_tall ? at_least_1(longer) : r->shorter;
        *out_w = is_tall ? r->shorter : at_least_1(longer);
        return;
    }
    *out_h = height_leads ? h : at_least_1(image->height * by_w);
    *out_w = height_leads ? at_least_1(image->width * by_h) : w;
}

void qn_recipe_size(const qn_recipe *r, const qn_image *image, int *height, int *width)
{
    *height = r->height ? r->height : image->height;
    *width = r->width ? r->width : image->width;
    if (r->fitting == QN_FIT) scaled_size(r, image, *height, *width, height, width);
}

/* The picture in the recipe's channels and size. */
static quern_status shape_up(const qn_recipe *r, const qn_image *image, qn_arena *arena,
                             qn_image *out, quern_error *err)
{
    uint8_t fill[3];
    int h, w, scaled_h, scaled_w;
    for (int c = 0; c < 3; c++)
        fill[c] =
            (uint8_t)fmin(255, fmax(0, 255 * r->mean[r->is_bgr ? 2 - c : c] + 0.5));
    qn_recipe_size(r, image, &h, &w);
    QN_TRY(qn_image_channels(arena, image, r->channels, out, err));
    if (r->fitting == QN_STRETCH || r->fitting == QN_FIT)
        return qn_image_resize(arena, out, w, h, out, err);
    scaled_size(r, image, h, w, &scaled_h, &scaled_w);
    QN_TRY(qn_image_resize(arena, out, scaled_w, scaled_h, out, err));
    /* torchvision's centre crop rounds half to even, which rint does */
    const int left = (int)rint((scaled_w - w) / 2.0),
              top = (int)rint((scaled_h - h) / 2.0);
    return qn_image_window(arena, out, left, top, w, h, fill, out, err);
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
    qn_image p;
    QN_TRY(shape_up(r, image, arena, &p, err));
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
                            const char *path, qn_arena *arena, qn_tensor *out,
                            quern_error *err)
{
    char *bytes;
    size_t n;
    qn_recipe recipe;
    qn_image image;
    QN_TRY(qn_file_text(arena, path, &bytes, &n, err));
    quern_status status = qn_image_decode(arena, bytes, n, 0, &image, err);
    if (status == QUERN_OK)
        status = qn_recipe_read(&recipe, model, input, NULL, arena, err);
    if (status == QUERN_OK)
        status = qn_recipe_batch(&recipe, &image, input, 1, arena, out, err);
    if (status == QUERN_OK)
        status = qn_recipe_apply(&recipe, &image, arena, out, 0, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}
