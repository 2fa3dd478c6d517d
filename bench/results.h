/* SPDX-License-Identifier: Apache-2.0 */
/* bench/results.h - results as JSON lines, CSV and tables: the one place that knows
 * their keys.  Reports and pictures read the same lists. */
#ifndef QN_BENCH_RESULTS_H
#define QN_BENCH_RESULTS_H

#include "bench/kernel_bench.h"

/* One line: problem, impl, status, median_us, ci_lo_us, ci_hi_us, gflops, gbps,
 * roof_pct, error_u and more; with_samples: samples_us, too. */
void qn_kernel_result_json(qn_buf *out, const qn_kernel_result *r, bool with_samples);
void qn_kernel_result_csv_head(qn_buf *out);
void qn_kernel_result_csv(qn_buf *out, const qn_kernel_result *r);
void qn_peaks_json(qn_buf *out, const qn_peaks *p);

#endif
