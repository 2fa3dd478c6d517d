/* SPDX-License-Identifier: Apache-2.0 */
/* formats/contact_sheet.h - many small pictures on one large one, in rows of square
 * cells, some of them framed in a colour. */
#ifndef QN_FORMATS_CONTACT_SHEET_H
#define QN_FORMATS_CONTACT_SHEET_H

#include "formats/image.h"

typedef struct qn_sheet_style {
    int columns; /* cells in a row */
    int cell;    /* pixels: side of a cell, its border not counted */
    int border;  /* pixels: width of a cell's border, where it has one */
    int gap;     /* pixels between cells, and around them all */
    uint8_t background[3];
} qn_sheet_style;

/* 96-pixel cells, borders of 3 and gaps of 4 on white. */
qn_sheet_style qn_sheet_default(int columns);
/* An empty RGB sheet for n cells. */
quern_status qn_sheet_make(const qn_sheet_style *style, int64_t n, qn_arena *arena,
                           qn_image *out, quern_error *err);
/* Puts a picture into cell i, in its middle: shrunk to fit, or enlarged by a whole
 * factor so that its pixels can be seen.  border: RGB, or NULL.  scratch may be reset
 * afterwards. */
quern_status qn_sheet_put(const qn_sheet_style *style, qn_image *sheet, int64_t i,
                          const qn_image *picture, const uint8_t *border,
                          qn_arena *scratch, quern_error *err);
/* Upper left corner of cell i on the sheet, inside its border. */
void qn_sheet_place(const qn_sheet_style *style, int64_t i, int *left, int *top);

#endif
