/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_page.h - between the pages of a Parquet file and their values. */
#ifndef QN_FORMATS_PARQUET_PAGE_H
#define QN_FORMATS_PARQUET_PAGE_H

#include "formats/parquet.h"

/* A page, unpacked: the two kinds of levels as runs of numbers, and the values.  Points
 * into the file, or into arena where there was something to unpack. */
typedef struct qn_pq_content {
    qn_span repeats, nulls, values;
} qn_pq_content;
quern_status qn_pq_unpack(const qn_pq_column *column, int codec, const qn_pq_page *page,
                          qn_arena *arena, qn_pq_content *out, quern_error *err);

#endif
