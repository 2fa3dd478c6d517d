/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_rows.h - one row after another of a column of bytes, in any order,
 * from several Parquet files.
 *
 * A page is unpacked when one of its rows is asked for and kept while there is room;
 * those that were not used for the longest time make way.  Any thread may ask. */
#ifndef QN_FORMATS_PARQUET_ROWS_H
#define QN_FORMATS_PARQUET_ROWS_H

#include "formats/parquet.h"

typedef struct qn_pq_rows qn_pq_rows;

/* room: bytes that unpacked pages may take, beside those that are in use. */
quern_status qn_pq_rows_create(qn_mem *mem, size_t room, qn_pq_rows **out,
                               quern_error *err);
void qn_pq_rows_free(qn_pq_rows *rows); /* NULL is fine */
/* The rows of one more file; it lasts as long as the rows.  Not while others ask. */
quern_status qn_pq_rows_add(qn_pq_rows *rows, const qn_parquet *file, int column,
                            quern_error *err);
/* A copy of row i in arena; *bytes is NULL when it is null. */
quern_status qn_pq_rows_get(qn_pq_rows *rows, int64_t i, qn_arena *arena,
                            const void **bytes, size_t *n, quern_error *err);

#endif
