/* SPDX-License-Identifier: Apache-2.0 */
/* bench/records.h - results of `quern bench` read back from their JSON lines.
 *
 * Lines of other programs and damaged ones are refused with their place; lines of ours
 * that no report needs are passed over. */
#ifndef QN_BENCH_RECORDS_H
#define QN_BENCH_RECORDS_H

#include "formats/json_tree.h"

/* Rows of one kind, in the order they were read. */
typedef struct qn_record_list {
    const qn_tree **row;
    int n, room;
} qn_record_list;

typedef struct qn_records {
    qn_arena *arena;
    qn_record_list kernels, models;
    const qn_tree *peaks, *doctor; /* the last ones read, or NULL */
} qn_records;

/* Adds what the text says.  Errors begin "line L, column C: ". */
quern_status qn_records_parse(qn_records *r, const char *text, size_t n,
                              quern_error *err);

/* Of a row of kernels: not wrong, and timed. */
bool qn_record_is_good(const qn_tree *row);
/* Whether row i of the kernels is the fastest good one of its problem and cache state.
 */
bool qn_record_is_best(const qn_records *r, int i);
/* Geometric mean of a figure that lies in the object `part` (or the first of such) of
 * each model, where it has an interval; how many have it in *n. */
double qn_records_mean(const qn_record_list *models, const char *part, const char *key,
                       int *n);

#endif
