/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kernel_bench.h - every implementation of a problem, side by side: verified,
 * timed in turns, verified again.
 *
 * A result is one implementation in one cache state.  Tables, JSON, CSV and pictures
 * are all made from a list of these. */
#ifndef QN_BENCH_KERNEL_BENCH_H
#define QN_BENCH_KERNEL_BENCH_H

#include "bench/clock.h"
#include "bench/peaks.h"
#include "bench/stats.h"
#include "bench/verify.h"

typedef enum qn_cache_state {
    QN_CACHE_HOT,     /* called over and over: what fits is in the first levels */
    QN_CACHE_NETWORK, /* as within a network: the first two levels hold other things */
    QN_CACHE_COLD,    /* no operand is in any cache */
    QN_CACHE_STATES
} qn_cache_state;
extern const char *const qn_cache_names[QN_CACHE_STATES]; /* hot network cold */

enum { QN_IMPL_NAME = 64 };

typedef struct qn_kernel_result {
    const qn_problem *problem;
    char text[QN_PROBLEM_TEXT]; /* of the problem */
    char impl[QN_IMPL_NAME];
    qn_cache_state cache;
    qn_check_result check;  /* before and after timing: the worse of the two */
    bool is_timed, is_best; /* best: nothing of this problem and state is faster */
    double *samples;        /* seconds of one call */
    qn_stats seconds;
    double flops, bytes; /* of one call */
    double gflops, gbps;
    double roof_pct;              /* of what the peaks allow; -1: no peaks */
    const char *roof;             /* "fma", or the level that feeds it */
    double counters[QN_COUNTERS]; /* of one call; -1: none */
} qn_kernel_result;

typedef struct qn_kernel_results {
    qn_arena *arena;
    qn_kernel_result *r;
    int n, room;
} qn_kernel_results;

typedef struct qn_kernel_bench {
    qn_kernels k; /* of the instruction set allowed */
    unsigned isa;
    bool has_blas;
    qn_kernels blas;  /* the same with OpenBLAS in the gemm slots */
    const char *impl; /* glob that names must match; NULL: all */
    unsigned states;  /* bits of qn_cache_state */
    double seconds;   /* for each implementation and state */
    int max_samples;
    bool skip_check;
    const qn_peaks *peaks;       /* NULL: no percentages */
    const qn_counters *counters; /* NULL: none */
    qn_clock clock;
    /* Further rows, for tests: kernels that are not in kernels.def. */
    const qn_kernel_row *extra;
    int n_extra;
} qn_kernel_bench;

/* Tables of kernels, OpenBLAS, the clock.  isa: bits allowed. */
void qn_kernel_bench_init(qn_kernel_bench *b, unsigned isa);
/* Appends a result for each implementation and state. */
quern_status qn_kernel_bench_run(qn_kernel_bench *b, const qn_problem *p,
                                 qn_kernel_results *out, quern_error *err);

/* One implementation, ready to be called again and again. */
typedef struct qn_impl {
    qn_suspect suspect;
    char name[QN_IMPL_NAME];
} qn_impl;
enum { QN_IMPLS = 32 };
/* Those that fit the problem, as many as fit into list [QN_IMPLS]. */
int qn_impls_of(const qn_kernel_bench *b, const qn_problem *p, qn_impl *list);

#endif
