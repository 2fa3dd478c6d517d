/* SPDX-License-Identifier: Apache-2.0 */
/* bench/peaks.h - what this machine can do at best, measured: multiply-adds a second,
 * and bytes a second from each level of the memory.  Percentages are of these. */
#ifndef QN_BENCH_PEAKS_H
#define QN_BENCH_PEAKS_H

#include "engine/mem.h"

#include <stdbool.h>

enum { QN_LADDER = 16, QN_LEVELS = 4 };

typedef struct qn_peaks {
    const char *isa;  /* of the multiply-add loop: "avx2", "avx512", "neon", "ref" */
    double ghz;       /* of a chain of dependent instructions */
    double flops;     /* float32, one core; a multiply-add is two */
    double flops_all; /* on all cores at once; 0: not measured */
    int cores;
    double noop_s, clock_s, resolution_s; /* an empty call, two clock readings */
    int rungs;
    size_t bytes[QN_LADDER];      /* working sets read over and over ... */
    double read_bps[QN_LADDER];   /* ... and how fast */
    const char *level[QN_LEVELS]; /* L1, L2, L3, DRAM */
    size_t level_bytes[QN_LEVELS];
    double level_bps[QN_LEVELS];
    bool is_folded; /* the loop ran faster than the processor can */
} qn_peaks;

/* Takes about `seconds`. */
quern_status qn_peaks_measure(qn_peaks *p, double seconds, qn_mem *mem,
                              quern_error *err);
/* Bytes a second for a working set, between the rungs in proportion. */
double qn_peaks_bandwidth(const qn_peaks *p, double bytes);
/* Seconds that work must take at least when it finds its operands in that bandwidth. */
double qn_peaks_least_seconds(const qn_peaks *p, double flops, double bytes,
                              double bandwidth);

/* One burst of multiply-adds: seconds it took, and how many flops it says it did. */
typedef double qn_burst_fn(double *seconds);
qn_burst_fn qn_burst_fma;
/* How many cores' worth of multiply-adds n threads get at the same time: about n, or
 * about half of that on a virtual machine whose processors are, for the moment, two
 * threads of one core.  Takes half a millisecond once the threads have started. */
double qn_probe_cores(int n);
/* Whether it is nearly n; always true of one. */
bool qn_has_cores(int n);
/* Whether a rate is more than a processor of that speed can do: the compiler has folded
 * the loop, or the clock lies.  4 % above two full vectors a cycle are let pass. */
bool qn_peak_is_folded(double flops_per_second, double ghz);
/* Cycles a second, in GHz, by a chain of dependent instructions. */
double qn_probe_ghz(void);

#endif
