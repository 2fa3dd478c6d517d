/* SPDX-License-Identifier: Apache-2.0 */
/* formats/fitting.h - from a picture of any size to the size and channels a network
 * takes, by the same arithmetic wherever that happens: training, evaluating,
 * classifying.  Sizes and centres are those of torchvision's Resize and CenterCrop. */
#ifndef QN_FORMATS_FITTING_H
#define QN_FORMATS_FITTING_H

#include "formats/image.h"

typedef enum qn_fitting {
    QN_STRETCH, /* to the size, aspect not kept */
    QN_CROP,    /* scaled to cover the size, then the centre */
    QN_PAD,     /* scaled to lie within the size, then filled up */
    QN_FIT,     /* scaled to lie within the size: what comes out varies */
} qn_fitting;

typedef struct qn_frame {
    int height, width; /* 0: as the picture's */
    int shorter;       /* of QN_CROP: first scales the shorter side to this; 0: to
                        * cover the size exactly */
    qn_fitting fitting;
    int channels;    /* 1 or 3 */
    uint8_t fill[3]; /* of QN_PAD, by channel */
} qn_frame;

/* Height and width of what a picture becomes. */
void qn_frame_size(const qn_frame *frame, const qn_image *image, int *height,
                   int *width);
/* The picture in the frame's channels and size; may share pixels with image. */
quern_status qn_frame_apply(const qn_frame *frame, const qn_image *image,
                            qn_arena *arena, qn_image *out, quern_error *err);

#endif
