/* SPDX-License-Identifier: Apache-2.0 */
/* bench/ort.h - ONNX Runtime, run in a process of its own for comparison: told when to
 * run and how often, it answers with the time it took by its own clocks.
 *
 * The process has no network, and ONNX Runtime's telemetry is switched off in it.  It
 * is a Python interpreter with the package onnxruntime; what it runs there is
 * ort_script.c. It is spoken to in lines and, behind some of them, bytes; what it says
 * is checked like a file. */
#ifndef QN_BENCH_ORT_H
#define QN_BENCH_ORT_H

#include "bench/bench_os.h"
#include "engine/tensor.h"

extern const char qn_ort_script[];

typedef struct qn_ort {
    qn_worker worker;
    char version[32]; /* "1.32.0" */
    int n_inputs;
    double base_bytes; /* peak memory of the process before it opened the model */
} qn_ort;

/* A model for it: a file, or bytes that are handed over. */
typedef struct qn_ort_model {
    const char *path; /* NULL: the bytes */
    const void *bytes;
    size_t n;
} qn_ort_model;

/* Opens the model in a new process.  program: a Python interpreter, or a library (its
 * name holds ".so").  Errors say why there is no such column. */
quern_status qn_ort_open(qn_ort *o, const char *program, const qn_ort_model *model,
                         int threads, quern_error *err);
void qn_ort_close(qn_ort *o);
/* The next input, in the order of the model. */
quern_status qn_ort_feed(qn_ort *o, const qn_tensor *x, quern_error *err);
/* Runs n times: seconds of one run, and of processor time of all its threads. */
quern_status qn_ort_run(qn_ort *o, int64_t n, double *wall, double *cpu,
                        quern_error *err);
/* Output i of the last run, in the arena; QN_NONE: is no tensor of numbers. */
quern_status qn_ort_output(qn_ort *o, int i, qn_arena *arena, qn_tensor *out,
                           quern_error *err);
/* Peak memory of the process so far. */
quern_status qn_ort_peak(qn_ort *o, double *bytes, quern_error *err);

#endif
