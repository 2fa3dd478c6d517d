/* SPDX-License-Identifier: Apache-2.0 */
/* formats/csv_write.h - comma-separated values (RFC 4180, lines end in \n): header
 * first, a cell at a time.
 *
 * Texts come from file and class names, and spreadsheets run cells that begin like a
 * formula: such texts get an apostrophe in front, as OWASP advises.  Numbers read back
 * as the same double and never depend on the locale; NaN is an empty cell. */
#ifndef QN_FORMATS_CSV_WRITE_H
#define QN_FORMATS_CSV_WRITE_H

#include "formats/buffer.h"

typedef struct qn_csv {
    qn_buf *out;
    bool in_row;
} qn_csv;

void qn_csv_begin(qn_csv *csv, qn_buf *out);
void qn_csv_text(qn_csv *csv, const char *text); /* NULL: empty */
/* Takes the apostrophe away from a text that has one because of this. */
void qn_csv_plain(char *text);
void qn_csv_int(qn_csv *csv, int64_t value);
void qn_csv_real(qn_csv *csv, double value);
void qn_csv_single(qn_csv *csv, float value); /* reads back as the same float */
void qn_csv_end(qn_csv *csv);                 /* of the row */
/* A row of texts, which are separated by commas in list: "item,label". */
void qn_csv_header(qn_csv *csv, const char *list);

#endif
