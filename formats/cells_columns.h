/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_columns.h - what is told of each cell, as a list of names and numbers:
 * the same in CSV, JSON and GeoJSON. */
#ifndef QN_FORMATS_CELLS_COLUMNS_H
#define QN_FORMATS_CELLS_COLUMNS_H

#include "formats/cells_out.h"

typedef enum qn_column_kind {
    QN_COLUMN_WHOLE,
    QN_COLUMN_REAL,
    QN_COLUMN_SINGLE
} qn_column_kind;

/* Takes one column after another: whole numbers are given as doubles, too. */
typedef void qn_column_fn(void *ctx, const char *name, qn_column_kind kind,
                          double value);

/* All columns of a label, or only their names: label 0, values NaN. */
void qn_cells_each_column(const qn_cells_out *c, uint32_t label, qn_column_fn *fn,
                          void *ctx);
/* Figures of the whole picture, by the app's names. */
void qn_cells_each_figure(const qn_cells_out *c, qn_column_fn *fn, void *ctx);

#endif
