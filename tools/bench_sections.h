/* SPDX-License-Identifier: Apache-2.0 */
/* tools/bench_sections.h - the report of `quern bench`: what records.h holds, as the
 * sections of a page. */
#ifndef QN_TOOLS_BENCH_SECTIONS_H
#define QN_TOOLS_BENCH_SECTIONS_H

#include "bench/records.h"
#include "tools/page.h"

void qn_bench_section_machine(qn_page *page, const qn_records *r);
/* Networks with their comparisons, and a picture of the ratios. */
quern_status qn_bench_section_models(qn_page *page, const qn_records *r,
                                     quern_error *err);
/* The fastest row of each problem, a roofline, shares of it; then every row. */
quern_status qn_bench_section_kernels(qn_page *page, const qn_records *r,
                                      quern_error *err);

#endif
