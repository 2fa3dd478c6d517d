/* SPDX-License-Identifier: Apache-2.0 */
/* formats/csv_read.h - rows of a CSV or TSV text (RFC 4180): quoted fields may hold
 * commas, newlines and doubled quotes; lines end in LF or CRLF. */
#ifndef QN_FORMATS_CSV_READ_H
#define QN_FORMATS_CSV_READ_H

#include "engine/error.h"

#include <stdbool.h>

typedef struct qn_csv_reader {
    char *p, *end; /* what is left; *end may be written to */
    char comma;
    int64_t line; /* of p, from 1 */
    int64_t row;  /* the line in which the last row began */
} qn_csv_reader;

/* Begins behind a byte order mark.  comma 0: whichever of , ; tab is the most frequent
 * in the first line.  A text with a zero byte is refused. */
quern_status qn_csv_read_begin(qn_csv_reader *csv, char *text, size_t n, char comma,
                               quern_error *err);
/* The next row's fields, zero-ended, which stand in the text itself: it is overwritten.
 * Lines without any character are passed over; *n 0: there are no more rows.  Of more
 * fields than max, max are kept and all are counted. */
quern_status qn_csv_read_row(qn_csv_reader *csv, char **fields, int max, int *n,
                             quern_error *err);

#endif
