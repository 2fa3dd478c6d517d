/* SPDX-License-Identifier: Apache-2.0 */
/* formats/fitting.c - scaled sizes, centred windows; see fitting.h. */
#include "formats/fitting.h"

#include <math.h>

static int at_least_1(double x)
{
    return x < 1 ? 1 : (int)x;
}

/* The scaled size that covers (or lies within) h x w; torchvision truncates. */
static void scaled_size(const qn_frame *f, const qn_image *image, int h, int w,
                        int *out_h, int *out_w)
{
    const double by_h = (double)h / image->height, by_w = (double)w / image->width;
    const bool is_crop = f->fitting == QN_CROP;
    const bool height_leads = is_crop ? by_h >= by_w : by_h <= by_w;
    if (is_crop && f->shorter) {
        const bool is_tall = image->height >= image->width;
        const double longer = (double)f->shorter *
                              (is_tall ? image->height : image->width) /
                              (is_tall ? image->width : image->height);
        *out_h = is_tall ? at_least_1(longer) : f->shorter;
        *out_w = is_tall ? f->shorter : at_least_1(longer);
        return;
    }
    *out_h = height_leads ? h : at_least_1(image->height * by_w);
    *out_w = height_leads ? at_least_1(image->width * by_h) : w;
}

void qn_frame_size(const qn_frame *f, const qn_image *image, int *height, int *width)
{
    *height = f->height ? f->height : image->height;
    *width = f->width ? f->width : image->width;
    if (f->fitting == QN_FIT) scaled_size(f, image, *height, *width, height, width);
}

quern_status qn_frame_apply(const qn_frame *f, const qn_image *image, qn_arena *arena,
                            qn_image *out, quern_error *err)
{
    int h, w, scaled_h, scaled_w;
    qn_frame_size(f, image, &h, &w);
    QN_TRY(qn_image_channels(arena, image, f->channels, out, err));
    if (f->fitting == QN_STRETCH || f->fitting == QN_FIT)
        return qn_image_resize(arena, out, w, h, out, err);
    scaled_size(f, image, h, w, &scaled_h, &scaled_w);
    QN_TRY(qn_image_resize(arena, out, scaled_w, scaled_h, out, err));
    if (scaled_h == h && scaled_w == w) return QUERN_OK;
    /* torchvision's centre crop rounds half to even, which rint does */
    const int left = (int)rint((scaled_w - w) / 2.0),
              top = (int)rint((scaled_h - h) / 2.0);
    return qn_image_window(arena, out, left, top, w, h, f->fill, out, err);
}
