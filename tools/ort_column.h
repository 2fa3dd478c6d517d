/* SPDX-License-Identifier: Apache-2.0 */
/* tools/ort_column.h - the column of ONNX Runtime beside a model's own figures: its
 * outputs compared, its runs in turns with ours, its peak memory. */
#ifndef QN_TOOLS_ORT_COLUMN_H
#define QN_TOOLS_ORT_COLUMN_H

#include "bench/turns.h"
#include "tools/bench_model.h"

typedef struct qn_ort_column {
    bool is_there;
    char why[400]; /* it is not there */
    char version[32];
    qn_turn_clock clock;     /* processor time where there is one thread */
    qn_turns_result turns;   /* A: quern, B: ONNX Runtime */
    double max_abs, max_rel; /* |a - b|, and that over max |b|; the worst output */
    double base_bytes, peak_bytes; /* of its process: before the model, and with it */
} qn_ort_column;

/* program: "auto", a Python interpreter, or a shared library.  threads: of both.
 * Whatever is wrong with the comparison is told in `why`; only an interrupt fails. */
quern_status qn_ort_column_make(qn_ort_column *c, const qn_bench_model *m,
                                const char *program, int threads, quern_error *err);

#endif
