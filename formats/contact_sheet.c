/* SPDX-License-Identifier: Apache-2.0 */
/* formats/contact_sheet.c - see contact_sheet.h. */
#include "formats/contact_sheet.h"

#include <assert.h>
#include <string.h>

qn_sheet_style qn_sheet_default(int columns)
{
    return (qn_sheet_style){.columns = columns,
                            .cell = 96,
                            .border = 3,
                            .gap = 4,
                            .background = {255, 255, 255}};
}

/* From one cell to the next. */
static int pitch(const qn_sheet_style *s)
{
    return s->cell + 2 * s->border + s->gap;
}

void qn_sheet_place(const qn_sheet_style *s, int64_t i, int *left, int *top)
{
    *left = s->gap + s->border + (int)(i % s->columns) * pitch(s);
    *top = s->gap + s->border + (int)(i / s->columns) * pitch(s);
}

/* A rectangle in one colour. */
static void paint(qn_image *sheet, int left, int top, int width, int height,
                  const uint8_t colour[3])
{
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++)
            memcpy(sheet->pixels + 3 * ((size_t)y * (size_t)sheet->width + (size_t)x),
                   colour, 3);
}

quern_status qn_sheet_make(const qn_sheet_style *s, int64_t n, qn_arena *arena,
                           qn_image *out, quern_error *err)
{
    assert(s->columns > 0 && s->cell > 0 && s->border >= 0 && s->gap >= 0);
    const int64_t columns = n < s->columns ? n : s->columns;
    const int64_t rows = (n + s->columns - 1) / s->columns;
    const int64_t width = s->gap + columns * pitch(s);
    const int64_t height = s->gap + rows * pitch(s);
    void *p;
    if (n < 1 || width > QN_IMAGE_MAX_PIXELS || height > QN_IMAGE_MAX_PIXELS / width)
        return qn_fail(err, QUERN_LIMIT, "a sheet of %lld pictures of %d pixels",
                       (long long)n, s->cell);
    QN_TRY(qn_arena_raw(arena, (size_t)(3 * width * height), &p, err));
    *out = (qn_image){(int)width, (int)height, 3, p};
    paint(out, 0, 0, out->width, out->height, s->background);
    return QUERN_OK;
}

/* Pixel by pixel, each as a square of side factor. */
static void copy_enlarged(const qn_image *from, int factor, qn_image *sheet, int left,
                          int top)
{
    for (int y = 0; y < from->height * factor; y++) {
        const uint8_t *row =
            from->pixels + 3 * (size_t)(y / factor) * (size_t)from->width;
        uint8_t *to = sheet->pixels +
                      3 * ((size_t)(top + y) * (size_t)sheet->width + (size_t)left);
        for (int x = 0; x < from->width * factor; x++, to += 3)
            memcpy(to, row + 3 * (x / factor), 3);
    }
}

quern_status qn_sheet_put(const qn_sheet_style *s, qn_image *sheet, int64_t i,
                          const qn_image *picture, const uint8_t *border,
                          qn_arena *scratch, quern_error *err)
{
    qn_image p;
    int left, top;
    QN_TRY(qn_image_channels(scratch, picture, 3, &p, err));
    const int longer = p.width > p.height ? p.width : p.height;
    if (longer > s->cell) {
        const int width = (int)((int64_t)p.width * s->cell / longer);
        const int height = (int)((int64_t)p.height * s->cell / longer);
        QN_TRY(qn_image_resize(scratch, &p, width > 0 ? width : 1,
                               height > 0 ? height : 1, &p, err));
    }
    const int factor = longer < s->cell ? s->cell / longer : 1;
    const int side = s->cell + 2 * s->border;
    qn_sheet_place(s, i, &left, &top);
    if (border) {
        paint(sheet, left - s->border, top - s->border, side, side, border);
        paint(sheet, left, top, s->cell, s->cell, s->background);
    }
    copy_enlarged(&p, factor, sheet, left + (s->cell - p.width * factor) / 2,
                  top + (s->cell - p.height * factor) / 2);
    return QUERN_OK;
}
