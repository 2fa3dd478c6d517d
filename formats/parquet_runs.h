/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_runs.h - numbers of a few bits, as Parquet packs levels, indices into
 * dictionaries and truths: runs of one value, and groups of eight packed side by side,
 * lowest bit first. */
#ifndef QN_FORMATS_PARQUET_RUNS_H
#define QN_FORMATS_PARQUET_RUNS_H

#include "formats/bytes.h"

typedef struct qn_pq_runs {
    qn_span in;
    int width;      /* bits of a number, 0 .. 32 */
    uint64_t left;  /* numbers left in the run */
    bool is_packed; /* they lie in packed, from number next on; else they are value */
    uint32_t value;
    qn_span packed;
    uint64_t next;
} qn_pq_runs;

void qn_pq_runs_begin(qn_pq_runs *r, const qn_span *in, int width);
/* The next n numbers. */
quern_status qn_pq_runs_take(qn_pq_runs *r, uint32_t *out, size_t n, quern_error *err);

/* Number i of those packed at p, width (0 .. 64) bits each; n: bytes there are. */
uint64_t qn_pq_bits(const uint8_t *p, size_t n, uint64_t i, int width);

#endif
