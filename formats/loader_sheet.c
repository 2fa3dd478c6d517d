/* SPDX-License-Identifier: Apache-2.0 */
/* formats/loader_sheet.c - what augmentation does to a few pictures, to look at. */
#include "formats/loader_state.h"

#include "formats/contact_sheet.h"

#include <string.h>

static quern_status put_row(qn_loader *l, int64_t row, const qn_sheet_style *style,
                            qn_image *sheet, quern_error *err)
{
    static const uint8_t gray[3] = {128, 128, 128};
    qn_loader_slot *slot = l->slots;
    const qn_frame *f = &l->o.frame;
    const qn_image picture = {f->width, f->height, f->channels, slot->pixels};
    for (int column = 0; column < style->columns; column++) {
        const uint8_t *pixels;
        QN_TRY(qn_loader_picture(l, row, &slot->scratch, &pixels, err));
        memcpy(slot->pixels, pixels, l->picture);
        if (column > 0)
            qn_loader_augment(l, l->items[row], column - 1, slot->pixels, slot->spare);
        QN_TRY(qn_sheet_put(style, sheet, row * style->columns + column, &picture,
                            column ? NULL : gray, &slot->scratch, err));
        qn_arena_reset(&slot->scratch);
    }
    return QUERN_OK;
}

/* Cells that hold small pictures enlarged by a whole factor. */
static qn_sheet_style style_for(const qn_frame *f, int columns)
{
    qn_sheet_style style = qn_sheet_default(columns);
    const int side = f->height > f->width ? f->height : f->width;
    const int factor = side < style.cell ? (style.cell + side / 2) / side : 1;
    style.cell = side > 128 ? 128 : side * factor;
    return style;
}

quern_status qn_loader_sheet(qn_mem *mem, const qn_loader_options *options, int rows,
                             int epochs, qn_arena *arena, qn_image *out,
                             quern_error *err)
{
    const qn_sheet_style style = style_for(&options->frame, epochs + 1);
    qn_loader_options o = *options;
    qn_batches *b;
    o.subset = rows;
    o.shuffle = false;
    o.sampler = QN_SAMPLE_UNIFORM;
    o.batch = 1;
    o.n_threads = 0;
    o.mixup = o.cutmix = 0;
    o.cache = QN_CACHE_OFF;
    QN_TRY(qn_loader_create(mem, &o, &b, err));
    qn_loader *l = (qn_loader *)b;
    quern_status status = qn_sheet_make(&style, l->n * style.columns, arena, out, err);
    for (int64_t row = 0; status == QUERN_OK && row < l->n; row++)
        status = put_row(l, row, &style, out, err);
    b->free(b);
    return status;
}
