/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_delta.h - Parquet's encodings by differences: of integers, of the
 * lengths of texts, of texts that begin alike.  Each takes what it reads from the front
 * of in; lists in arena. */
#ifndef QN_FORMATS_PARQUET_DELTA_H
#define QN_FORMATS_PARQUET_DELTA_H

#include "formats/bytes.h"

/* DELTA_BINARY_PACKED: exactly n integers, whose sums wrap at bits (32 or 64). */
quern_status qn_pq_delta_ints(qn_span *in, int bits, int64_t n, int64_t *out,
                              quern_error *err);
/* DELTA_LENGTH_BYTE_ARRAY: n texts that stay where they are. */
quern_status qn_pq_delta_lengths(qn_span *in, int64_t n, qn_arena *arena, qn_span *out,
                                 quern_error *err);
/* DELTA_BYTE_ARRAY: n texts, put together in arena; together at most limit bytes. */
quern_status qn_pq_delta_texts(qn_span *in, int64_t n, size_t limit, qn_arena *arena,
                               qn_span *out, quern_error *err);

#endif
