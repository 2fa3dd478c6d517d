/* SPDX-License-Identifier: Apache-2.0 */
/* tools/model_figures.h - all that `bench model` measures of one network, and how it is
 * told: as a JSON line, as text with the time of each step, or as a row of a table. */
#ifndef QN_TOOLS_MODEL_FIGURES_H
#define QN_TOOLS_MODEL_FIGURES_H

#include "bench/stats.h"
#include "bench/streams.h"
#include "bench/trace.h"
#include "tools/ort_column.h"
#include "tools/out.h"

enum { QN_THREAD_COUNTS = 8 };

/* A number of threads against the first one given. */
typedef struct qn_scaling {
    int threads;
    qn_turns_result turns; /* B's time / A's is the speed-up */
} qn_scaling;

typedef struct qn_model_figures {
    qn_bench_model m;
    const qn_args *args;
    double first_ms;
    double *samples;
    int n;
    int runs_in_sample;     /* of a query */
    qn_stats stats;         /* seconds */
    double p99_hi;          /* the 99th percentile is below, with 95 %; 0: not known */
    double rate, peak_rate; /* of requests a second; 0: none */
    double peak_rss;        /* bytes; NaN: not known */
    qn_trace trace;
    qn_streams_result streams;
    quern_session_stats session;
    bool wants_ort;
    qn_ort_column ort;
    int n_scalings;
    qn_scaling scaling[QN_THREAD_COUNTS];
} qn_model_figures;

/* Peak memory of a process that runs the model twice, or NaN.  To be asked before
 * anything is loaded here: a child begins with the memory of its parent. */
double qn_model_peak_rss(const qn_args *args, const char *path, int threads);
/* Opens the model and runs it once. */
void qn_model_figures_init(qn_model_figures *f, const qn_args *args, const char *path,
                           int threads);
quern_status qn_model_figures_open(qn_model_figures *f, quern_error *err);
/* Everything that the options ask for.  threads: counts to compare with the first. */
quern_status qn_model_figures_measure(qn_model_figures *f, const int *threads, int n,
                                      quern_error *err);
void qn_model_figures_done(qn_model_figures *f);

/* Each writes to stdout. */
quern_status qn_model_figures_json(const qn_model_figures *f, quern_error *err);
quern_status qn_model_figures_text(const qn_model_figures *f, quern_error *err);
extern const char qn_model_row_align[]; /* of a qn_table */
void qn_model_row_heads(qn_table *table);
void qn_model_row(const qn_model_figures *f, qn_table *table);

#endif
